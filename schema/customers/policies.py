"""Who may read and write what about customers."""

from dataclasses import replace
from typing import Any

from domain.base.actors import Permission
from domain.base.masks import mask_address, mask_email, mask_family_name, mask_name, mask_number, mask_value
from domain.customers.rules.profiles import display_name
from schema.base.policies import REACHED, Otherwise, Policy, Rows

CUSTOMERS = Policy(needs=Permission.CUSTOMERS_READ, is_for_shoppers=True)
"""Customers: shoppers see themselves."""
STAFF = Policy(needs=Permission.CUSTOMERS_READ)
TEAM = Policy(needs=Permission.CUSTOMERS_READ, is_for_partners=False)
"""The shop's own staff and programs."""
WRITERS = Policy(needs=Permission.CUSTOMERS_WRITE)
WRITERS_AND_OWNER = replace(WRITERS, is_for_shoppers=True)

OWNER = Policy(is_for_shoppers=True)
"""What is theirs alone: nobody else finds it by its id."""
PRIVACY = Policy(needs=Permission.PRIVACY_WRITE, is_for_shoppers=True)
"""Erasing and exporting: shoppers themselves."""

PERSONAL = replace(REACHED, is_personal=True)


def _masked_name(customer: Any) -> str:  # noqa: ANN401  a `Customer`, which stands above this
    """Return what they are called from masked parts: of one word alone it is not to be seen which name it is."""
    return display_name(
        given_name=customer.given_name and mask_name(customer.given_name),
        family_name=customer.family_name and mask_family_name(customer.family_name),
        external_id=customer.external_id and mask_address(customer.external_id),
        email=customer.email and mask_email(customer.email),
        phone=customer.phone and mask_number(customer.phone),
    )


HIDDEN = Policy(is_for_partners=False, otherwise=Otherwise.NULL)
"""What the shop thinks of a customer: not told to them, nor to partners."""

POLICIES: Rows = {
    "Query": {
        "customer": CUSTOMERS,
        "me": REACHED,
        "customerByIdentity customers customerAttributeDefinitions": STAFF,
        "customerMergePreview customerMerges": TEAM,
    },
    "Mutation": {
        "customerUpdate customerIdentityAdd customerIdentityVerify customerIdentityRemove": WRITERS_AND_OWNER,
        "consentRecord customerIdentityCodeSend": WRITERS_AND_OWNER,
        "customerRegister customerRegisterConfirm visitorSessionCreate": REACHED,
        "customerTokenCreate": Policy(needs=Permission.TOKENS_WRITE),
        "customerCreate customerIdentityUpdate customerMerge customerUnmerge customerMergeReject": WRITERS,
        "customerAttributeDefinitionUpsert": Policy(needs=Permission.ATTRIBUTES_WRITE),
        "customerErase customerExport": PRIVACY,
    },
    "Subscription": {"customerEvents": CUSTOMERS},
    "CustomerCreated": {"cursor occurredAt customer": REACHED},
    "CustomerUpdated": {"cursor occurredAt customer": REACHED},
    "CustomerMerged": {"cursor occurredAt customer merge": REACHED},
    "ConsentChanged": {"cursor occurredAt customer consent": REACHED},
    "Viewer": {"customer": REACHED},
    "Customer": {
        "externalId": replace(REACHED, mask=mask_address),
        "id avatarUrl locale timeZone country version createdAt updatedAt consents consentHistory": REACHED,
        "timeline": REACHED,
        "displayName": replace(PERSONAL, mask=mask_name, part=_masked_name),
        "givenName": replace(PERSONAL, mask=mask_name),
        "familyName": replace(PERSONAL, mask=mask_family_name),
        "email": replace(PERSONAL, mask=mask_email),
        "phone": replace(PERSONAL, mask=mask_number),
        "birthDate": replace(PERSONAL, is_for_partners=False, otherwise=Otherwise.NULL),
        "identities": REACHED,
        "attributes": replace(REACHED, is_for_partners=False, otherwise=Otherwise.EMPTY),
        "lifecycleStage": Policy(otherwise=Otherwise.NULL),
        "tags": Policy(otherwise=Otherwise.EMPTY),
        "value": HIDDEN,
        "merges": replace(HIDDEN, otherwise=Otherwise.EMPTY),
    },
    "CustomerIdentity": {
        "id kind namespace verification isShared source firstSeenAt lastSeenAt": REACHED,
        "value": replace(PERSONAL, mask=mask_value),
    },
    "Consent": {
        "id occurredAt summary purpose channel decision textVersion source decidedAt recordedAt": REACHED,
        # Both are the words of whoever wrote them down.
        "proof reason": replace(REACHED, is_for_partners=False, otherwise=Otherwise.NULL),
    },
    "CustomerAttribute": {"key definition text number flag day choice": REACHED},
    "CustomerAttributeDefinition": {"id key name description type choices audience isArchived": REACHED},
    "CustomerMerge": {
        "id state score signals evidence reason unmergeReason proposedAt mergedAt rejectedAt unmergedAt": REACHED,
        "survivor absorbed": REACHED,
    },
    "CustomerMergePreview": {"survivor absorbed blockers identities": REACHED},
    "CustomerValue": {
        "orderCount netSpent otherCurrencies asOf averageOrder firstOrderAt lastOrderAt": REACHED,
        "recencyScore frequencyScore monetaryScore decile": REACHED,
    },
    "CustomerExport": {"id state url requestedAt readyAt": REACHED},
    "CustomerErasePayload": {"erasedCustomerId userErrors": REACHED},
    "CustomerExportPayload": {"export userErrors": REACHED},
    "CustomerAttributeDefinitionUpsertPayload": {"definition userErrors": REACHED},
    "CustomerCreatePayload": {"customer userErrors": REACHED},
    "CustomerUpdatePayload": {"customer userErrors": REACHED},
    "CustomerIdentityAddPayload": {"identity customer userErrors": REACHED},
    "CustomerIdentityVerifyPayload": {"identity customer userErrors": REACHED},
    "CustomerIdentityUpdatePayload": {"identity customer userErrors": REACHED},
    "CustomerIdentityRemovePayload": {"removedIdentityId customer userErrors": REACHED},
    "CustomerMergePayload": {"customer merge userErrors": REACHED},
    "CustomerMergeRejectPayload": {"merge userErrors": REACHED},
    "CustomerUnmergePayload": {"survivor absorbed userErrors": REACHED},
    "VisitorSessionCreatePayload": {"session userErrors": REACHED},
    "CustomerRegisterPayload": {"verificationSent userErrors": REACHED},
    "CustomerRegisterConfirmPayload": {"session userErrors": REACHED},
    "CustomerTokenCreatePayload": {"accessToken expiresAt sessionId userErrors": REACHED},
    "CustomerIdentityCodeSendPayload": {"identity userErrors": REACHED},
    "ConsentRecordPayload": {"consent customer userErrors": REACHED},
}

INPUTS: Rows = {
    "CustomerUpdateInput": {"tags attributes": WRITERS},
    "CustomerIdentityAddInput": {"isShared": WRITERS},
    "ConsentRecordInput": {"proof decidedAt": WRITERS},
}
"""What a shopper may not say of themselves; every other field of an input is for whoever may send the input."""
