// One object with a list of its own, refetched by `node`; a write to it, and what happens to it.
import { graphql } from 'relay-runtime';

export const card = graphql`
  fragment CustomerCard_customer on Customer
  @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" })
  @refetchable(queryName: "CustomerCardRefetchQuery") {
    displayName
    version
    orders(first: $count, after: $cursor) @connection(key: "CustomerCard_orders") {
      edges {
        node {
          number
          total {
            amount
            currencyCode
          }
        }
      }
    }
  }
`;

export const rename = graphql`
  mutation CustomerCardRenameMutation($input: CustomerUpdateInput!) {
    customerUpdate(input: $input) {
      customer {
        ...CustomerCard_customer
      }
      userErrors {
        code
        message
        ... on VersionConflict {
          currentVersion
        }
      }
    }
  }
`;

export const follow = graphql`
  subscription CustomerCardSubscription($id: ID!, $after: Cursor) {
    customerEvents(customerId: $id, after: $after) {
      __typename
      ... on Event {
        cursor
      }
      ... on CustomerUpdated {
        customer {
          ...CustomerCard_customer
        }
      }
      ... on OrderChanged {
        order {
          number
        }
      }
    }
  }
`;

export const several = graphql`
  query CustomerCardSeveralQuery($ids: [ID!]!) {
    nodes(ids: $ids) {
      ...CustomerCard_customer @alias(as: "card")
    }
  }
`;
