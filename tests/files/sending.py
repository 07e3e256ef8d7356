"""Files that are announced, sent and had, as a client does it."""

import hashlib
from typing import Any

from domain.base.actors import Actor
from tests.conftest import Client
from tests.interactions.test_api import Talk

CREATE = """mutation($input: AttachmentCreateInput!) { attachmentCreate(input: $input) {
  attachment { id filename contentType byteSize url } uploadUrl uploadExpiresAt userErrors { code field } } }"""
SAY = """mutation($input: MessageSendInput!) { messageSend(input: $input) {
  message { id text summary attachments { id filename contentType byteSize url } } userErrors { code field } } }"""


async def announce(talk: Talk, actor: Actor, content: bytes, **fields: Any) -> Any:  # noqa: ANN401
    """Return the payload of a file that is to be sent."""
    fields = {"filename": "plate.jpg", "contentType": "image/jpeg", "byteSize": len(content)} | fields
    return await talk.write(actor, CREATE, **fields)


async def send(talk: Talk, client: Client, actor: Actor, content: bytes, **fields: Any) -> str:  # noqa: ANN401
    """Announce a file and send it; return its id."""
    payload = await announce(talk, actor, content, **fields)
    answer = await client.http.put(payload["uploadUrl"], content=content)
    assert answer.status_code == 204, answer.text
    return str(payload["attachment"]["id"])


def digest(content: bytes) -> str:
    """Return a SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
