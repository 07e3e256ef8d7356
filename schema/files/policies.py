"""Who may read and write what about files."""

from domain.base.actors import Permission
from schema.base.policies import REACHED, Policy, Rows

FILES = Policy(needs=Permission.CONVERSATIONS_READ, or_needs=Permission.CHANNELS_WRITE, is_for_shoppers=True)
"""Each sees what they have sent, and what is attached to what they see."""
SENDERS = Policy(needs=Permission.CONVERSATIONS_WRITE, or_needs=Permission.CHANNELS_WRITE, is_for_shoppers=True)
"""Whoever writes may attach, and whoever brings in what others wrote."""

POLICIES: Rows = {
    "Mutation": {"attachmentCreate": SENDERS},
    "Attachment": {"id filename contentType byteSize url": REACHED},
    "AttachmentCreatePayload": {"attachment uploadUrl uploadExpiresAt userErrors": REACHED},
}
