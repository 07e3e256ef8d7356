"""Who may read and write what about files."""

from schema.base.policies import REACHED, Policy, Rows

FILES = Policy(is_for_shoppers=True)
"""Whoever writes may attach; each sees what they have sent, and what is attached to what they see."""

POLICIES: Rows = {
    "Mutation": {"attachmentCreate": FILES},
    "Attachment": {"id filename contentType byteSize url": REACHED},
    "AttachmentCreatePayload": {"attachment uploadUrl uploadExpiresAt userErrors": REACHED},
}
