"""Who may read and write what about orders."""

from dataclasses import replace

from domain.base.actors import Permission
from domain.base.masks import mask_email
from schema.base.policies import REACHED, Policy, Rows
from schema.customers.policies import CUSTOMERS
from schema.identity.policies import STORES

ORDERS = Policy(needs=Permission.ORDERS_READ, is_for_shoppers=True)
"""Orders: shoppers see theirs."""
WRITERS = Policy(needs=Permission.ORDERS_WRITE)

POLICIES: Rows = {
    "Query": {
        "order orderByExternalId orders": ORDERS,
        "valueConcentration": Policy(needs=Permission.REPORTS_READ),
    },
    "Mutation": {"orderUpsert deliveryRecord creditNoteUpsert": WRITERS},
    "OrderChanged": {"cursor occurredAt order": REACHED},
    "Customer": {"orders creditNotes": ORDERS},
    "CustomerMergePreview": {"orderCount": REACHED},
    "Order": {
        "id occurredAt summary externalId number placedAt cancelledAt state total shippingTotal discountTotal": REACHED,
        "taxTotal paid currencyCode shippingCountry updatedAt lines deliveries creditNotes refunded": REACHED,
        "contactEmail": replace(REACHED, mask=mask_email, is_personal=True),
        "store": STORES,
        "customer": CUSTOMERS,
    },
    "OrderLine": {
        "id externalId sku title quantity deliveredQuantity returnedQuantity unitPrice total imageUrl": REACHED,
        "productUrl isReturnable withdrawalException": REACHED,
    },
    "Delivery": {"id externalId carrier trackingNumber trackingUrl shippedAt deliveredAt lines": REACHED},
    "DeliveryLine": {"quantity orderLine": REACHED},
    "CreditNote": {
        "id occurredAt summary externalId number issuedAt total order lines": REACHED,
        "customer": CUSTOMERS,
    },
    "CreditNoteLine": {"id sku title quantity unitPrice total": REACHED},
    "ValueConcentration": {"customerCount total points": REACHED},
    "ConcentrationPoint": {"percent customerCount share": REACHED},
    "OrderUpsertPayload": {"order userErrors": REACHED},
    "DeliveryRecordPayload": {"delivery order userErrors": REACHED},
    "CreditNoteUpsertPayload": {"creditNote userErrors": REACHED},
}
