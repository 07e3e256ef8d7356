"""Files over the API: announced, sent, attached to a message, had again, and by whom not."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from starlette.applications import Starlette

from api.attachments import Attachments
from domain.base.actors import ANONYMOUS, Actor, ActorKind
from domain.base.errors import Forbidden
from domain.base.identifiers import new_id
from domain.files.actions.attachments import PurgeAttachments, create_attachment, purge_attachments
from domain.files.model import Attachment, AttachmentChunk
from domain.files.repository import remove_attachments
from domain.files.rules import (
    BYTES_A_DAY,
    BYTES_A_DAY_OF_GUESTS,
    BYTES_MAX,
    CHUNK_BYTES,
    KEPT_UNUSED,
    UPLOAD_WITHIN,
    FileDetails,
)
from domain.interactions.model import Conversation
from schema.base.ids import global_id
from tests.conftest import Client, StandingClock
from tests.files.sending import CREATE, SAY, announce, digest, send
from tests.interactions.chat import open_chat
from tests.interactions.test_api import START, Talk
from tests.orders.shop import nothing_changes

NODE = "query($id: ID!) { node(id: $id) { id ... on Attachment { filename url } } }"
FILES = "query($id: ID!) { node(id: $id) { ... on Message { attachments { url byteSize } } } }"
PICTURE = bytes(range(256)) * 40


@pytest.fixture
async def talk(client: Client) -> Talk:
    """Return a chat."""
    return Talk(await open_chat(client.works))


async def count(client: Client, table: Any) -> int:  # noqa: ANN401
    """Return how many rows a table has."""
    async with client.works.database.reading() as session:
        return int((await session.execute(select(func.count()).select_from(table))).scalar_one())


async def test_a_picture_comes_with_a_message(talk: Talk, client: Client) -> None:
    """The other side sees it, has it byte by byte, and finds the conversation by its name."""
    shopper, agent = talk.chat.shopper, talk.chat.agent
    key = await talk.start()
    picture = await send(talk, client, shopper, PICTURE, filename="cracked plate.jpg", sha256=digest(PICTURE))
    said = await talk.write(shopper, SAY, conversationId=key, text="", attachmentIds=[picture])
    assert said["userErrors"] == []
    assert (said["message"]["text"], said["message"]["summary"]) == ("", "Attachment")
    seen = (await talk.ask(agent, FILES, id=said["message"]["id"]))["node"]["attachments"]
    (found,) = seen
    answer = await client.http.get(found["url"])
    assert (answer.status_code, answer.content) == (200, PICTURE)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-disposition"] == "inline; filename*=UTF-8''cracked%20plate.jpg"
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = await client.http.get(found["url"], headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = await client.http.head(found["url"])
    assert (head.headers["content-length"], head.content) == (str(len(PICTURE)), b"")
    counted = await talk.ask(agent, '{ conversations(first: 1, filter: {search: "cracked"}) { totalCount } }')
    assert counted["conversations"]["totalCount"] == 1


async def test_what_a_browser_might_run_is_saved(talk: Talk, client: Client) -> None:
    """Whatever type its sender gave it."""
    payload = await announce(talk, talk.chat.agent, b"<script>", filename="a.html", contentType="text/html")
    await client.http.put(payload["uploadUrl"], content=b"<script>")
    answer = await client.http.get(payload["attachment"]["url"])
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert "sandbox" in answer.headers["content-security-policy"]


async def test_a_large_file_goes_in_pieces(talk: Talk, client: Client) -> None:
    """And is whole again."""
    content = bytes(CHUNK_BYTES) + b"x" * CHUNK_BYTES + b"end"
    payload = await announce(talk, talk.chat.shopper, content)

    async def trickle() -> AsyncIterator[bytes]:
        for begin in range(0, len(content), 300_000):
            yield content[begin : begin + 300_000]

    assert (await client.http.put(payload["uploadUrl"], content=trickle())).status_code == 204
    assert await count(client, AttachmentChunk) == 3
    assert (await client.http.get(payload["attachment"]["url"])).content == content


async def test_the_second_click(talk: Talk, client: Client) -> None:
    """The same bytes again are the same file; others are not taken; the same message is said once."""
    shopper = talk.chat.shopper
    key = await talk.start()
    payload = await announce(talk, shopper, b"abc")
    for _ in range(2):
        assert (await client.http.put(payload["uploadUrl"], content=b"abc")).status_code == 204
    refused = await client.http.put(payload["uploadUrl"], content=b"xyz")
    assert (refused.status_code, "SHA-256" in refused.text) == (400, True)
    assert (await client.http.get(payload["attachment"]["url"])).content == b"abc"
    file = payload["attachment"]["id"]
    fields = {"conversationId": key, "text": "Look", "clientMessageId": "m-1", "attachmentIds": [file]}
    first, second = [await talk.write(shopper, SAY, **fields) for _ in range(2)]
    assert first == second
    assert first["userErrors"] == []
    other = await talk.write(shopper, SAY, **(fields | {"attachmentIds": []}))
    assert [each["code"] for each in other["userErrors"]] == ["IDEMPOTENCY_MISMATCH"]


async def test_two_who_send_at_once(talk: Talk, client: Client) -> None:
    """The same bytes: both are told that it is there. Others: one of them is not."""
    same = await announce(talk, talk.chat.shopper, b"abc")
    answers = await asyncio.gather(*(client.http.put(same["uploadUrl"], content=b"abc") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {204}
    assert await count(client, AttachmentChunk) == 1
    other = await announce(talk, talk.chat.shopper, b"abc")
    mixed = await asyncio.gather(*(client.http.put(other["uploadUrl"], content=each) for each in (b"abc", b"xyz")))
    assert sorted(answer.status_code for answer in mixed) == [204, 400]
    assert await count(client, AttachmentChunk) == 2


async def test_a_file_is_attached_once(talk: Talk, client: Client) -> None:
    """Also where two messages name it at once: the other one is refused, and nothing of it is said."""
    shopper = talk.chat.shopper
    key = await talk.start()
    file = await send(talk, client, shopper, b"abc")
    said = await asyncio.gather(
        *(talk.write(shopper, SAY, conversationId=key, text=f"Number {n}", attachmentIds=[file]) for n in range(4))
    )
    codes = sorted(tuple(each["code"] for each in one["userErrors"]) for one in said)
    assert codes == [(), *[("ATTACHMENT_NOT_READY",)] * 3]
    assert len(await talk.chat.interactions(await _key(client))) == 2


async def _key(client: Client) -> Any:  # noqa: ANN401
    async with client.works.database.reading() as session:
        return (await session.scalars(select(Conversation.id))).one()


@pytest.mark.parametrize("body", [b"ab", b"abcd", b""])
async def test_another_length_than_was_announced(talk: Talk, client: Client, body: bytes) -> None:
    """Is refused, with a length and without; nothing is kept, and the right bytes may still come."""
    payload = await announce(talk, talk.chat.shopper, b"abc")

    async def unmeasured() -> AsyncIterator[bytes]:
        yield body

    for content in (body, unmeasured()):
        refused = await client.http.put(payload["uploadUrl"], content=content)
        assert refused.status_code == 400
        assert "3 bytes were announced" in refused.text
    assert await count(client, AttachmentChunk) == 0
    assert (await client.http.get(payload["attachment"]["url"])).status_code == 404
    assert (await client.http.put(payload["uploadUrl"], content=b"abc")).status_code == 204


async def test_other_bytes_than_were_announced(talk: Talk, client: Client) -> None:
    """Are refused by their hash."""
    payload = await announce(talk, talk.chat.shopper, b"abc", sha256=digest(b"abc"))
    assert (await client.http.put(payload["uploadUrl"], content=b"abd")).status_code == 400
    assert await count(client, AttachmentChunk) == 0


async def test_addresses_that_lead_nowhere(talk: Talk, client: Client, clock: StandingClock) -> None:
    """Neither garbage, nor the one way in the other's place, nor one that is too old."""
    payload = await announce(talk, talk.chat.shopper, b"abc")
    sent, had = payload["uploadUrl"], payload["attachment"]["url"]
    for address in ("/attachments/x", had, f"{sent}x"):
        assert (await client.http.put(address, content=b"abc")).status_code == 404
    assert (await client.http.put(sent, content=b"abc")).status_code == 204
    for address in ("/attachments/x", sent, f"{had}x"):
        assert (await client.http.get(address)).status_code == 404
    other = await announce(talk, talk.chat.shopper, b"abc")
    clock.advance(UPLOAD_WITHIN)
    assert (await client.http.put(other["uploadUrl"], content=b"abc")).status_code == 404
    clock.advance(timedelta(hours=2))
    assert (await client.http.get(had)).status_code == 404


async def test_strangers(talk: Talk, client: Client) -> None:
    """Attach nothing of others, and see it only where they see what it is attached to."""
    chat = talk.chat
    file = await send(talk, client, chat.shopper, b"abc")
    assert (await talk.ask(chat.shopper, NODE, id=file))["node"]["filename"] == "plate.jpg"
    for actor in (chat.stranger, chat.agent):
        assert (await talk.ask(actor, NODE, id=file))["node"] is None
    key = await talk.start()
    for actor in (chat.agent, chat.stranger):
        start = {"channelId": global_id("Channel", chat.channel_id), "text": "Mine?", "attachmentIds": [file]}
        if actor is chat.agent:
            said = await talk.write(actor, SAY, conversationId=key, text="Mine?", attachmentIds=[file])
        else:
            said = await talk.write(actor, START, **start)
        assert said["userErrors"] == [{"code": "ATTACHMENT_NOT_READY", "field": ["attachmentIds", "0"]}]
    await talk.write(chat.shopper, SAY, conversationId=key, text="Here", attachmentIds=[file])
    assert (await talk.ask(chat.agent, NODE, id=file))["node"]["filename"] == "plate.jpg"
    assert (await talk.ask(chat.stranger, NODE, id=file))["node"] is None


async def test_what_is_not_there_is_not_attached(talk: Talk) -> None:
    """A file that was announced only, one that never was, a thing that is no file."""
    chat = talk.chat
    key = await talk.start()
    announced = (await announce(talk, chat.shopper, b"abc"))["attachment"]["id"]
    for file, code in (
        (announced, "ATTACHMENT_NOT_READY"),
        (global_id("Attachment", new_id()), "ATTACHMENT_NOT_READY"),
        (key, "NOT_FOUND"),
    ):
        said = await talk.write(chat.shopper, SAY, conversationId=key, text="See", attachmentIds=[file])
        assert [each["code"] for each in said["userErrors"]] == [code]
    many = [global_id("Attachment", new_id()) for _ in range(11)]
    said = await talk.write(chat.shopper, SAY, conversationId=key, text="See", attachmentIds=many)
    assert [each["code"] for each in said["userErrors"]] == ["TOO_LONG"]
    said = await talk.write(chat.shopper, SAY, conversationId=key, text=" ")
    assert [each["code"] for each in said["userErrors"]] == ["REQUIRED"]


async def test_who_writes_nothing_sends_nothing(talk: Talk, client: Client) -> None:
    """Neither anybody, nor a program that may only read."""
    program = Actor(kind=ActorKind.APP, permissions=frozenset(), id=new_id())
    fields = {"filename": "a", "contentType": "a/b", "byteSize": 1}
    async with nothing_changes(client.works):
        for actor, code in ((ANONYMOUS, "UNAUTHENTICATED"), (program, "FORBIDDEN")):
            told = await talk._shop.ask(CREATE, actor, {"input": fields})
            assert told.codes == [code]


@pytest.mark.parametrize("is_visitor", [True, False])
async def test_a_day_has_an_end(talk: Talk, clock: StandingClock, is_visitor: bool) -> None:  # noqa: FBT001
    """Of guests sooner; a day later there is room again."""
    actor = Actor(kind=ActorKind.CUSTOMER, permissions=frozenset(), id=talk.chat.shopper.id, is_visitor=is_visitor)
    room = BYTES_A_DAY_OF_GUESTS if is_visitor else BYTES_A_DAY
    fields = {"filename": "a", "contentType": "a/b", "byteSize": BYTES_MAX}
    for _ in range(room // BYTES_MAX):
        assert (await talk.write(actor, CREATE, **fields))["userErrors"] == []
    refused = await talk.write(actor, CREATE, **fields)
    assert [each["code"] for each in refused["userErrors"]] == ["RATE_LIMITED"]
    clock.advance(timedelta(days=1, seconds=1))
    assert (await talk.write(actor, CREATE, **fields))["userErrors"] == []


async def test_what_nothing_names_is_removed(talk: Talk, client: Client, clock: StandingClock) -> None:
    """A day later; what is attached stays, and what came today."""
    chat = talk.chat
    key = await talk.start()
    kept = await send(talk, client, chat.shopper, b"abc")
    await talk.write(chat.shopper, SAY, conversationId=key, text="Look", attachmentIds=[kept])
    await send(talk, client, chat.shopper, b"forgotten")
    clock.advance(KEPT_UNUSED)
    await send(talk, client, chat.shopper, b"fresh")
    clock.advance(timedelta(seconds=1))
    await purge_attachments(client.works, PurgeAttachments())
    assert await count(client, Attachment) == 2
    async with client.works.database.reading() as session:
        chunks = set(await session.scalars(select(AttachmentChunk.content)))
    assert chunks == {b"abc", b"fresh"}


async def test_a_file_that_is_removed_while_it_is_sent(talk: Talk, client: Client) -> None:
    """Is not there afterwards either, and the sender is told so."""
    payload = await announce(talk, talk.chat.shopper, bytes(CHUNK_BYTES + 1))

    async def removed() -> AsyncIterator[bytes]:
        yield b"a"
        await client.works.perform(_remove_all, actor=Actor(kind=ActorKind.SYSTEM, permissions=frozenset()), action="x")
        yield bytes(CHUNK_BYTES)

    refused = await client.http.put(payload["uploadUrl"], content=removed())
    assert (refused.status_code, "gone" in refused.text) == (400, True)


async def _remove_all(work: Any) -> None:  # noqa: ANN401
    await remove_attachments(work.session, list(await work.session.scalars(select(Attachment.id))))


async def test_too_many_at_once(talk: Talk, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait outside."""
    monkeypatch.setattr("api.attachments.UPLOADS_MAX", 0)
    payload = await announce(talk, talk.chat.shopper, b"abc")
    refused = await client.http.put(payload["uploadUrl"], content=b"abc")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")


async def test_who_stops_sending_is_given_up(talk: Talk, client: Client) -> None:
    """After a while, and nothing is left of it but what the upkeep removes."""
    app = Starlette(routes=Attachments(client.works, piece_within_s=0.05).routes())
    payload = await announce(talk, talk.chat.shopper, b"abc")

    async def stuck() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.sleep(5)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        assert (await http.put(payload["uploadUrl"], content=stuck())).status_code == 408
    assert (await client.http.get(payload["attachment"]["url"])).status_code == 404


async def test_a_file_that_is_removed_when_all_of_it_has_come(talk: Talk, client: Client) -> None:
    """Is not there either."""
    payload = await announce(talk, talk.chat.shopper, bytes(CHUNK_BYTES))

    async def removed() -> AsyncIterator[bytes]:
        yield bytes(CHUNK_BYTES)
        await client.works.perform(_remove_all, actor=Actor(kind=ActorKind.SYSTEM, permissions=frozenset()), action="x")

    refused = await client.http.put(payload["uploadUrl"], content=removed())
    assert (refused.status_code, "gone" in refused.text) == (400, True)


async def test_the_domain_refuses_by_itself(talk: Talk, client: Client) -> None:
    """Whatever the door in front of it lets through."""
    details = FileDetails(filename="a", content_type="a/b", byte_size=1)
    for actor in (ANONYMOUS, Actor(kind=ActorKind.STAFF, permissions=frozenset(), id=talk.chat.agent.id)):
        with pytest.raises(Forbidden):
            await client.works.perform(
                lambda work: create_attachment(work, details=details), actor=actor, action="attachmentCreate"
            )
