"""Who may read and write what about conversations."""

from dataclasses import replace

from domain.base.actors import Permission
from domain.base.masks import mask_name, mask_value
from schema.base.policies import OWN, REACHED, Otherwise, Policy, Rows
from schema.customers.policies import CUSTOMERS, PERSONAL
from schema.identity.policies import COLLEAGUES, STAFF, STORES
from schema.orders.policies import ORDERS

CONVERSATIONS = Policy(needs=Permission.CONVERSATIONS_READ, is_for_shoppers=True)
"""Conversations: shoppers see theirs."""
WRITERS = Policy(needs=Permission.CONVERSATIONS_WRITE, is_for_shoppers=True)
"""Shoppers speak for themselves."""
TEAM = Policy(needs=Permission.CONVERSATIONS_READ)
TEAM_ONLY = Policy(needs=Permission.CONVERSATIONS_READ, otherwise=Otherwise.NULL)
"""What is no shopper's business."""
LISTED_FOR_TEAM = Policy(needs=Permission.CONVERSATIONS_READ, otherwise=Otherwise.EMPTY)
TEAM_WRITERS = Policy(needs=Permission.CONVERSATIONS_WRITE)

POLICIES: Rows = {
    "Query": {
        "channels conversation conversations": CONVERSATIONS,
        "conversationCounts": CONVERSATIONS,
    },
    "Mutation": {
        "channelUpsert": Policy(needs=Permission.STORES_WRITE),
        "messageReceive messageDeliveryRecord": Policy(needs=Permission.CHANNELS_WRITE),
        "conversationStart messageSend conversationRead typingSet": WRITERS,
        "presenceSet": Policy(is_for_programs=False),
        "noteAdd conversationAssign conversationStatusSet conversationUpdate messageRetry": TEAM_WRITERS,
    },
    "Subscription": {
        "conversationEvents typingChanged": CONVERSATIONS,
        "inboxEvents viewersChanged": TEAM,
        "presenceChanged": STAFF,
    },
    "TypingState": {"conversation author isTyping": REACHED},
    "StaffMember": {"presence openConversationCount": COLLEAGUES},
    "TypingSetPayload": {"userErrors": REACHED},
    "PresenceSetPayload": {"staffMember userErrors": REACHED},
    "ConversationStarted": {"cursor occurredAt conversation": REACHED},
    "ConversationChanged": {"cursor occurredAt conversation": REACHED},
    "InteractionAdded": {"cursor occurredAt conversation interaction": REACHED},
    "InteractionChanged": {"cursor occurredAt conversation interaction": REACHED},
    "ConversationRead": {"cursor occurredAt conversation reader seq": REACHED},
    "Customer": {"conversations": CONVERSATIONS},
    "CustomerMergePreview": {"conversationCount": REACHED},
    "Channel": {"id kind name isActive": REACHED, "store": STORES},
    "Bot": {"id displayName avatarUrl": REACHED},
    "Conversation": {
        "id number subject status waitingOn channel lastSeq lastMessage interactions": REACHED,
        "unreadCount": OWN,
        "followUpOf version createdAt updatedAt assignee": REACHED,
        "customer": CUSTOMERS,
        "order": ORDERS,
        "priority snoozedUntil contact": TEAM_ONLY,
        "tags": LISTED_FOR_TEAM,
        "viewers": replace(LISTED_FOR_TEAM, is_own=True),
    },
    "Message": {
        "id seq occurredAt summary text delivery editedAt clientMessageId conversation author attachments": REACHED,
        "failureReason": TEAM_ONLY,
    },
    "Contact": {
        "kind namespace": TEAM,
        "value": replace(PERSONAL, mask=mask_value),
        "name": replace(PERSONAL, mask=mask_name),
    },
    "Note": {"id seq occurredAt text clientMessageId conversation author": TEAM},
    "StatusChange": {"id seq occurredAt previousStatus status conversation author": REACHED},
    "StaleConversation": {"code message field missed": REACHED},
    "ChannelUpsertPayload": {"channel userErrors": REACHED},
    "ConversationStartPayload": {"conversation userErrors": REACHED},
    "MessageReceivePayload": {"message conversation userErrors": REACHED},
    "MessageDeliveryRecordPayload": {"message userErrors": REACHED},
    "MessageRetryPayload": {"message userErrors": REACHED},
    "MessageSendPayload": {"message userErrors": REACHED},
    "NoteAddPayload": {"note userErrors": REACHED},
    "ConversationReadPayload": {"conversation userErrors": REACHED},
    "ConversationAssignPayload": {"conversation userErrors": REACHED},
    "ConversationStatusSetPayload": {"conversation userErrors": REACHED},
    "ConversationUpdatePayload": {"conversation userErrors": REACHED},
}
