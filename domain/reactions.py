"""What follows from what: every event that sets something off in another area, on one screen.

Each reaction runs in the transaction of the event and is given all events of its kind at once.
"""

from domain.base.upkeep import scrub_soon
from domain.base.work import Reactions
from domain.customers.actions.consents import note_consents
from domain.customers.actions.erasure import erase_profiles
from domain.customers.actions.families import show_changes
from domain.customers.actions.proposals import propose_merges
from domain.customers.actions.search import index_profiles
from domain.customers.actions.shoppers import sign_out_family
from domain.customers.actions.visitors import adopt_visitor, end_visits
from domain.customers.events import ConsentChanged, CustomerCreated, CustomerErased, CustomerMerged, CustomerUpdated
from domain.identity.events import SessionCreated, SignedOutEverywhere
from domain.interactions.actions.reactions import erase_conversations, note_messages
from domain.interactions.events import InteractionAdded
from domain.orders.actions.erasure import erase_buyers
from domain.orders.actions.reactions import count_spending, index_numbers, note_credit_notes, note_orders
from domain.orders.events import CreditNoteChanged, OrderChanged

REACTIONS: Reactions = {
    SignedOutEverywhere: (sign_out_family,),
    SessionCreated: (adopt_visitor,),
    CustomerMerged: (end_visits,),
    CustomerCreated: (index_profiles, show_changes, propose_merges),
    CustomerUpdated: (index_profiles, show_changes, propose_merges),
    # The higher area first: it may have to know by what the person was known.
    CustomerErased: (erase_conversations, erase_buyers, erase_profiles, scrub_soon),
    ConsentChanged: (note_consents,),
    OrderChanged: (count_spending, index_numbers, note_orders),
    CreditNoteChanged: (count_spending, note_credit_notes),
    InteractionAdded: (note_messages,),
}
