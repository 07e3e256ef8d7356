"""Who may read and write what about the shop itself."""

from domain.base.actors import Permission
from schema.base.policies import ANYBODY, REACHED, Policy, Rows

STORES = Policy(needs=Permission.STORES_READ, is_for_shoppers=True)
KEYS = Policy(needs=Permission.KEYS_WRITE)

POLICIES: Rows = {
    "Query": {"viewer": ANYBODY, "apiKeys": KEYS, "stores": STORES},
    "Mutation": {
        "storeUpsert": Policy(needs=Permission.STORES_WRITE),
        "apiKeyCreate apiKeyRevoke": KEYS,
    },
    "Viewer": {"kind permissions": REACHED},
    "Store": {"id code name country locale currencyCode timeZone": REACHED},
    "StoreUpsertPayload": {"store userErrors": REACHED},
    "ApiKey": {"id name prefix permissions createdAt expiresAt revokedAt lastUsedAt": REACHED},
    "ApiKeyCreatePayload": {"apiKey secret userErrors": REACHED},
    "ApiKeyRevokePayload": {"apiKey userErrors": REACHED},
}
