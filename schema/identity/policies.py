"""Who may read and write what about the shop itself."""

from domain.base.actors import Permission
from schema.base.policies import ANYBODY, REACHED, Otherwise, Policy, Rows

STORES = Policy(needs=Permission.STORES_READ, is_for_shoppers=True)
KEYS = Policy(needs=Permission.KEYS_WRITE)
STAFF = Policy(needs=Permission.STAFF_READ)
COLLEAGUES = Policy(otherwise=Otherwise.NULL)
"""What a shopper is not told of the people who help them."""

POLICIES: Rows = {
    "Query": {"viewer": ANYBODY, "apiKeys": KEYS, "stores": STORES, "staffMembers": STAFF},
    "Mutation": {
        "sessionCreate sessionRefresh passwordResetRequest passwordReset": ANYBODY,
        "sessionRevoke": Policy(is_for_shoppers=True),
        "totpEnrol totpConfirm totpRemove": Policy(is_for_programs=False),
        "staffMemberCreate staffMemberUpdate": Policy(needs=Permission.STAFF_WRITE),
        "storeUpsert": Policy(needs=Permission.STORES_WRITE),
        "apiKeyCreate apiKeyRevoke": KEYS,
    },
    "Viewer": {"kind permissions staffMember": REACHED},
    "StaffMember": {
        "id displayName avatarUrl languages skills isActive": REACHED,
        "name email role stores": COLLEAGUES,
    },
    "Session": {"id accessToken accessTokenExpiresAt refreshToken viewer": REACHED},
    "SessionCreatePayload": {"session userErrors": REACHED},
    "SessionRefreshPayload": {"session userErrors": REACHED},
    "SessionRevokePayload": {"revokedCount userErrors": REACHED},
    "PasswordResetRequestPayload": {"resetSent userErrors": REACHED},
    "PasswordResetPayload": {"session userErrors": REACHED},
    "TotpEnrolPayload": {"secret uri userErrors": REACHED},
    "TotpConfirmPayload": {"recoveryCodes userErrors": REACHED},
    "TotpRemovePayload": {"isRemoved userErrors": REACHED},
    "StaffMemberCreatePayload": {"staffMember userErrors": REACHED},
    "StaffMemberUpdatePayload": {"staffMember userErrors": REACHED},
    "Store": {"id code name country locale currencyCode timeZone": REACHED},
    "StoreUpsertPayload": {"store userErrors": REACHED},
    "ApiKey": {"id name prefix permissions createdAt expiresAt revokedAt lastUsedAt": REACHED},
    "ApiKeyCreatePayload": {"apiKey secret userErrors": REACHED},
    "ApiKeyRevokePayload": {"apiKey userErrors": REACHED},
}
