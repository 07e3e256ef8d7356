/**
 * @generated SignedSource<<c7e0cf12ed677b19f738a630287f3085>>
 * @lightSyntaxTransform
 */

/* tslint:disable */
/* eslint-disable */
// @ts-nocheck

import { ConcreteRequest } from 'relay-runtime';
import { FragmentRefs } from "relay-runtime";
export type UserErrorCode = "AGENT_UNAVAILABLE" | "ALREADY_ENTERED" | "ALREADY_REFERRED" | "ALREADY_SHIPPED" | "ATTACHMENT_NOT_READY" | "BAD_CREDENTIALS" | "BEACON_INVALID" | "CHANNEL_CLOSED" | "CODE_INVALID" | "CONSENT_MISSING" | "CONTEST_NOT_OPEN" | "DISPOSITION_MISMATCH" | "DRAW_NOT_READY" | "FORBIDDEN" | "FREEZE_TOO_LATE" | "IDEMPOTENCY_MISMATCH" | "IDENTITY_UNVERIFIED" | "INSUFFICIENT_POINTS" | "INVALID" | "INVALID_STATE" | "MERGE_BLOCKED" | "NOT_ELIGIBLE" | "NOT_ENROLLED" | "NOT_FOUND" | "NOT_RETURNABLE" | "OTP_REQUIRED" | "QUANTITY_EXCEEDED" | "RATE_LIMITED" | "REFERRAL_CYCLE" | "REFUND_EXCEEDS_PAID" | "REQUIRED" | "RETURN_WINDOW_CLOSED" | "REWARD_UNAVAILABLE" | "SELF_REFERRAL" | "STALE_CONVERSATION" | "STATUTORY_RIGHT" | "TAKEN" | "TOO_LONG" | "VERSION_CONFLICT" | "%future added value";
export type CustomerUpdateInput = {
  attributes?: ReadonlyArray<CustomerAttributeInput> | null | undefined;
  birthDate?: any | null | undefined;
  country?: any | null | undefined;
  customerId: string;
  expectedVersion?: number | null | undefined;
  familyName?: string | null | undefined;
  givenName?: string | null | undefined;
  locale?: any | null | undefined;
  tags?: ReadonlyArray<string> | null | undefined;
  timeZone?: any | null | undefined;
};
export type CustomerAttributeInput = {
  choice?: string | null | undefined;
  day?: any | null | undefined;
  flag?: boolean | null | undefined;
  key: string;
  number?: any | null | undefined;
  text?: string | null | undefined;
};
export type CustomerCardRenameMutation$variables = {
  input: CustomerUpdateInput;
};
export type CustomerCardRenameMutation$data = {
  readonly customerUpdate: {
    readonly customer: {
      readonly " $fragmentSpreads": FragmentRefs<"CustomerCard_customer">;
    } | null | undefined;
    readonly userErrors: ReadonlyArray<{
      readonly code: UserErrorCode;
      readonly currentVersion?: number;
      readonly message: string;
    }>;
  } | null | undefined;
};
export type CustomerCardRenameMutation = {
  response: CustomerCardRenameMutation$data;
  variables: CustomerCardRenameMutation$variables;
};

const node: ConcreteRequest = (function(){
var v0 = [
  {
    "defaultValue": null,
    "kind": "LocalArgument",
    "name": "input"
  }
],
v1 = [
  {
    "kind": "Variable",
    "name": "input",
    "variableName": "input"
  }
],
v2 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "code",
  "storageKey": null
},
v3 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "message",
  "storageKey": null
},
v4 = {
  "kind": "InlineFragment",
  "selections": [
    {
      "alias": null,
      "args": null,
      "kind": "ScalarField",
      "name": "currentVersion",
      "storageKey": null
    }
  ],
  "type": "VersionConflict",
  "abstractKey": null
},
v5 = [
  {
    "kind": "Literal",
    "name": "first",
    "value": 10
  }
],
v6 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "id",
  "storageKey": null
},
v7 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "__typename",
  "storageKey": null
};
return {
  "fragment": {
    "argumentDefinitions": (v0/*:: as any*/),
    "kind": "Fragment",
    "metadata": null,
    "name": "CustomerCardRenameMutation",
    "selections": [
      {
        "alias": null,
        "args": (v1/*:: as any*/),
        "concreteType": "CustomerUpdatePayload",
        "kind": "LinkedField",
        "name": "customerUpdate",
        "plural": false,
        "selections": [
          {
            "alias": null,
            "args": null,
            "concreteType": "Customer",
            "kind": "LinkedField",
            "name": "customer",
            "plural": false,
            "selections": [
              {
                "args": null,
                "kind": "FragmentSpread",
                "name": "CustomerCard_customer"
              }
            ],
            "storageKey": null
          },
          {
            "alias": null,
            "args": null,
            "concreteType": null,
            "kind": "LinkedField",
            "name": "userErrors",
            "plural": true,
            "selections": [
              (v2/*:: as any*/),
              (v3/*:: as any*/),
              (v4/*:: as any*/)
            ],
            "storageKey": null
          }
        ],
        "storageKey": null
      }
    ],
    "type": "Mutation",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": (v0/*:: as any*/),
    "kind": "Operation",
    "name": "CustomerCardRenameMutation",
    "selections": [
      {
        "alias": null,
        "args": (v1/*:: as any*/),
        "concreteType": "CustomerUpdatePayload",
        "kind": "LinkedField",
        "name": "customerUpdate",
        "plural": false,
        "selections": [
          {
            "alias": null,
            "args": null,
            "concreteType": "Customer",
            "kind": "LinkedField",
            "name": "customer",
            "plural": false,
            "selections": [
              {
                "alias": null,
                "args": null,
                "kind": "ScalarField",
                "name": "displayName",
                "storageKey": null
              },
              {
                "alias": null,
                "args": null,
                "kind": "ScalarField",
                "name": "version",
                "storageKey": null
              },
              {
                "alias": null,
                "args": (v5/*:: as any*/),
                "concreteType": "OrderConnection",
                "kind": "LinkedField",
                "name": "orders",
                "plural": false,
                "selections": [
                  {
                    "alias": null,
                    "args": null,
                    "concreteType": "OrderEdge",
                    "kind": "LinkedField",
                    "name": "edges",
                    "plural": true,
                    "selections": [
                      {
                        "alias": null,
                        "args": null,
                        "concreteType": "Order",
                        "kind": "LinkedField",
                        "name": "node",
                        "plural": false,
                        "selections": [
                          {
                            "alias": null,
                            "args": null,
                            "kind": "ScalarField",
                            "name": "number",
                            "storageKey": null
                          },
                          {
                            "alias": null,
                            "args": null,
                            "concreteType": "Money",
                            "kind": "LinkedField",
                            "name": "total",
                            "plural": false,
                            "selections": [
                              {
                                "alias": null,
                                "args": null,
                                "kind": "ScalarField",
                                "name": "amount",
                                "storageKey": null
                              },
                              {
                                "alias": null,
                                "args": null,
                                "kind": "ScalarField",
                                "name": "currencyCode",
                                "storageKey": null
                              }
                            ],
                            "storageKey": null
                          },
                          (v6/*:: as any*/),
                          (v7/*:: as any*/)
                        ],
                        "storageKey": null
                      },
                      {
                        "alias": null,
                        "args": null,
                        "kind": "ScalarField",
                        "name": "cursor",
                        "storageKey": null
                      }
                    ],
                    "storageKey": null
                  },
                  {
                    "alias": null,
                    "args": null,
                    "concreteType": "PageInfo",
                    "kind": "LinkedField",
                    "name": "pageInfo",
                    "plural": false,
                    "selections": [
                      {
                        "alias": null,
                        "args": null,
                        "kind": "ScalarField",
                        "name": "endCursor",
                        "storageKey": null
                      },
                      {
                        "alias": null,
                        "args": null,
                        "kind": "ScalarField",
                        "name": "hasNextPage",
                        "storageKey": null
                      }
                    ],
                    "storageKey": null
                  }
                ],
                "storageKey": "orders(first:10)"
              },
              {
                "alias": null,
                "args": (v5/*:: as any*/),
                "filters": null,
                "handle": "connection",
                "key": "CustomerCard_orders",
                "kind": "LinkedHandle",
                "name": "orders"
              },
              (v6/*:: as any*/)
            ],
            "storageKey": null
          },
          {
            "alias": null,
            "args": null,
            "concreteType": null,
            "kind": "LinkedField",
            "name": "userErrors",
            "plural": true,
            "selections": [
              (v7/*:: as any*/),
              (v2/*:: as any*/),
              (v3/*:: as any*/),
              (v4/*:: as any*/)
            ],
            "storageKey": null
          }
        ],
        "storageKey": null
      }
    ]
  },
  "params": {
    "cacheID": "e8837e5ea639f8eed514c2f97b0407c0",
    "id": null,
    "metadata": {},
    "name": "CustomerCardRenameMutation",
    "operationKind": "mutation",
    "text": "mutation CustomerCardRenameMutation(\n  $input: CustomerUpdateInput!\n) {\n  customerUpdate(input: $input) {\n    customer {\n      ...CustomerCard_customer\n      id\n    }\n    userErrors {\n      __typename\n      code\n      message\n      ... on VersionConflict {\n        currentVersion\n      }\n    }\n  }\n}\n\nfragment CustomerCard_customer on Customer {\n  displayName\n  version\n  orders(first: 10) {\n    edges {\n      node {\n        number\n        total {\n          amount\n          currencyCode\n        }\n        id\n        __typename\n      }\n      cursor\n    }\n    pageInfo {\n      endCursor\n      hasNextPage\n    }\n  }\n  id\n}\n"
  }
};
})();

(node as any).hash = "98351e3ebc91439ade09c105330c25db";

export default node;
