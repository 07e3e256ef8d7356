"""Who may read and write what about conversations."""

from domain.base.actors import Permission
from schema.base.policies import ANYBODY, REACHED, Otherwise, Policy, Rows
from schema.customers.policies import CUSTOMERS
from schema.identity.policies import STAFF, STORES
from schema.orders.policies import ORDERS

CONVERSATIONS = Policy(needs=Permission.CONVERSATIONS_READ, is_for_shoppers=True)
"""Conversations: shoppers see theirs."""
WRITERS = Policy(needs=Permission.CONVERSATIONS_WRITE, is_for_shoppers=True)
"""Shoppers speak for themselves."""
TEAM = Policy(needs=Permission.CONVERSATIONS_READ)
TEAM_ONLY = Policy(needs=Permission.CONVERSATIONS_READ, otherwise=Otherwise.NULL)
"""What is no shopper's business."""
TEAM_WRITERS = Policy(needs=Permission.CONVERSATIONS_WRITE)
