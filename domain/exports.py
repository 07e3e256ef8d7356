"""What is told of a person who asks what is stored about them: every area's part, on one screen."""

from collections.abc import Sequence

from domain.base.exports import Part, tell_acts
from domain.customers.actions.exports import tell_customers
from domain.identity.actions.exports import tell_accounts
from domain.interactions.actions.exports import tell_conversations
from domain.orders.actions.exports import tell_orders

EXPORTED: Sequence[Part] = (tell_customers, tell_orders, tell_conversations, tell_accounts, tell_acts)
