"""What follows from what: every event that sets something off in another area, on one screen.

Each reaction runs in the transaction of the event and is given all events of its kind at once.
"""

from domain.base.work import Reactions
from domain.customers.actions.search import index_profiles
from domain.customers.events import CustomerCreated, CustomerUpdated
from domain.orders.actions.reactions import count_spending, index_numbers
from domain.orders.events import CreditNoteChanged, OrderChanged

REACTIONS: Reactions = {
    CustomerCreated: (index_profiles,),
    CustomerUpdated: (index_profiles,),
    OrderChanged: (count_spending, index_numbers),
    CreditNoteChanged: (count_spending,),
}
