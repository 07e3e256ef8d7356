"""The program of docs/guides/offline.md, run as it stands there, through a network that fails at every step."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse
from sqlalchemy import select

from api.serving import listen, new_server
from api.settings import Settings
from api.streams import bodies
from domain.base.clock import SystemClock
from domain.interactions.model import Interaction
from schema.base.ids import key_of
from tests.api.sockets import new_app
from tests.conftest import GENEROUS, Client
from tests.documents import ROOT, list_examples
from tests.identity.staff import add_staff, enter
from tests.proxy import Fault, How, Proxy, Way, proxy

GUIDE = ROOT / "docs" / "guides" / "offline.md"
PATIENCE_S = 0.4
TALK_S = 20.0
"""What a story is given at most; it ends as soon as everything has failed that was to fail."""

SHOPPER = 'mutation { customerCreate(input: {externalId: "s-1"}) { customer { id } } }'
MINT = 'mutation { customerTokenCreate(input: {externalId: "s-1"}) { accessToken } }'
SHORT = 'mutation { customerTokenCreate(input: {externalId: "s-1", expiresIn: "PT1S"}) { accessToken } }'
CHANNEL = 'mutation { channelUpsert(input: {name: "Chat", kind: WEB_CHAT}) { channel { id } } }'
START = """mutation($channelId: ID!) { conversationStart(input: {
  channelId: $channelId, text: "Where is my parcel?", clientMessageId: "first"}) { conversation { id } } }"""
NOTE = 'mutation($id: ID!) { noteAdd(input: {conversationId: $id, text: "secret"}) { userErrors { code } } }'

SENDING = (
    Fault("before the commit", Way.UP, b"messageSend", passes=0.5),
    Fault("between commit and answer", Way.DOWN, b'"messageSend"'),
    Fault("within the answer", Way.DOWN, b'"messageSend"', passes=0.5),
)
LISTENING = (
    Fault("within an event", Way.DOWN, b"InteractionAdded", passes=0.5),
    Fault("behind an event", Way.DOWN, b"InteractionAdded", passes=1.0),
    Fault("within the backlog", Way.DOWN, b"InteractionAdded", passes=0.5, times=3),
)
OPENING = (
    Fault("connecting", Way.UP, b""),
    Fault("reading what is there", Way.DOWN, b'"eventCursor"', passes=0.5),
)
SOCKET = (
    *OPENING,
    Fault("shaking hands", Way.UP, b"websocket", passes=0.5),
    Fault("saying who it is", Way.DOWN, b"101 Switching", passes=1.0),
    Fault("being welcomed", Way.DOWN, b"connection_ack"),
    Fault("subscribing", Way.DOWN, b"connection_ack", passes=1.0),
    *LISTENING,
    *SENDING,
)
EVENTS = (
    *OPENING,
    Fault("subscribing", Way.UP, b"text/event-stream", passes=0.5),
    Fault("being welcomed", Way.DOWN, b"text/event-stream", passes=1.0),
    *LISTENING,
    *SENDING,
)


@pytest.fixture
def clock() -> SystemClock:
    """Return the machine's clock: sockets and their time limits are real here."""
    return SystemClock()


@pytest.fixture(scope="module")
def program() -> ModuleType:
    """Return the guide's program."""
    (text,) = re.findall(r"^```python\n# offline_chat\.py\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    module = ModuleType("offline_chat")
    exec(compile(text, "offline_chat.py", "exec"), module.__dict__)  # noqa: S102  what is tested
    return module


def documents() -> dict[str, str]:
    """Return the guide's blocks by the names of their operations."""
    found = {}
    for example in list_examples():
        if example.place.startswith("docs/guides/offline"):
            (operation,) = parse(example.query).definitions
            assert isinstance(operation, OperationDefinitionNode)
            assert operation.name is not None
            found[operation.name.value] = example.query
    return found


@dataclass
class Side:
    """One of the two who talk, with a phone."""

    name: str
    store: Any
    new_token: Callable[[], Awaitable[str]]
    token: str = ""
    renewed: asyncio.Event = field(default_factory=asyncio.Event)

    async def get_token(self) -> str:
        """Return the token that counts."""
        self.token = self.token or await self.new_token()
        return self.token

    def renew(self) -> None:
        """Take note that it does not count any more."""
        self.token = ""
        self.renewed.set()


@dataclass
class Story:
    """A conversation behind a real server."""

    program: ModuleType
    client: Client
    owner: str
    """The key of who owns the shop; signing in puts the client's own aside for a moment."""
    port: int
    conversation_id: str
    shopper: Side
    agent: Side

    def phone(self, side: Side, url: str, *, by_events: bool) -> Any:  # noqa: ANN401  of the guide's program
        """Return the app of a side, started anew."""
        return self.program.Chat(
            url,
            documents(),
            self.conversation_id,
            side.store,
            get_token=side.get_token,
            renew=side.renew,
            by_events=by_events,
            patience_s=PATIENCE_S,
            wait_s=0.01,
        )

    @asynccontextmanager
    async def running(self, side: Side, url: str, *, by_events: bool = False) -> AsyncIterator[Any]:
        """Yield the app of a side while it runs; afterwards it is killed, not closed."""
        app = self.phone(side, url, by_events=by_events)
        task = asyncio.create_task(app.run())
        try:
            yield app
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def written(self) -> list[tuple[int, int, str]]:
        """Return the messages of the database, with their numbers for the team and for the shopper."""
        async with self.client.works.database.reading() as session:
            statement = select(Interaction.seq, Interaction.shopper_seq, Interaction.text).where(
                Interaction.conversation_id == key_of(self.conversation_id, "Conversation"),
                Interaction.kind == "MESSAGE",
            )
            return [
                (row.seq, row.shopper_seq or 0, row.text or "")
                for row in (await session.execute(statement.order_by(Interaction.seq))).all()
            ]

    async def settled(self) -> list[tuple[int, int, str]]:
        """Wait until nothing waits to be sent and both sides have what the database has; return it."""
        for _ in range(500):
            found = await self.written()
            sides = (self.agent.store, self.shopper.store)
            expected = [[(seq, text) for seq, _, text in found], [(seq, text) for _, seq, text in found]]
            if not any(each.waiting() for each in sides) and [each.messages() for each in sides] == expected:
                return found
            await asyncio.sleep(0.02)
        assert [each.messages() for each in sides] == expected
        raise AssertionError([each.waiting() for each in sides])


@pytest.fixture
async def story(
    client: Client, program: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Story]:
    """Return a conversation, and two sides who have read nothing of it yet."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(bodies, "HEARTBEAT_EVERY", timedelta(seconds=PATIENCE_S / 4))
    owner = client.key or ""
    await client.ask(SHOPPER)
    channel_id = (await client.ask(CHANNEL)).data["channelUpsert"]["channel"]["id"]
    await add_staff(client.works, "agent@shop.example")

    async def shopper_token() -> str:
        return str((await client.ask(MINT, key=owner)).data["customerTokenCreate"]["accessToken"])

    async def agent_token() -> str:
        return str((await enter(client, "agent@shop.example"))["accessToken"])

    started = await client.ask(START, {"channelId": channel_id}, key=await shopper_token())
    settings = Settings(_env_file=None, background=False)
    app = new_app(client.works, background=False, **GENEROUS)
    server = new_server(app, settings, host="127.0.0.1", port=0)
    with listen(server) as listening:
        serving = asyncio.create_task(server._serve([listening]))
        yield Story(
            program,
            client,
            owner,
            listening.getsockname()[1],
            started.data["conversationStart"]["conversation"]["id"],
            Side("shopper", program.Store(tmp_path / "shopper.sqlite3"), shopper_token),
            Side("agent", program.Store(tmp_path / "agent.sqlite3"), agent_token),
        )
        server.should_exit = True
        await asyncio.wait_for(serving, 10)


def say(app: Any, text: str) -> str:  # noqa: ANN401  of the guide's program
    """Let somebody write; return what."""
    app.say(text)
    return text


async def talk(apps: dict[str, Any], proxies: tuple[Proxy, ...]) -> list[str]:
    """Let both write until everything has failed that was to fail; return what they wrote."""
    said: list[str] = []
    try:
        async with asyncio.timeout(TALK_S):
            while any(each.faults for each in proxies):
                said += [say(app, f"{name} {len(said) + place}") for place, (name, app) in enumerate(apps.items())]
                await asyncio.sleep(0.06)
    except TimeoutError:
        left = [(each.happened, list(each.faults)) for each in proxies]
        raise AssertionError(left) from None
    return said


@pytest.mark.parametrize("by_events", [False, True], ids=["socket", "events"])
@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("sqlite", How.DROPPED),
        ("postgresql", How.RESET),
        ("sqlite", How.FROZEN),
        ("postgresql", How.DELAYED),
    ],
)
async def test_nothing_is_lost_and_nothing_comes_twice(story: Story, how: How, *, by_events: bool) -> None:
    """Whatever is cut, wherever: in the end both have the messages of the database, in its order, each once."""
    faults: tuple[Fault, ...] = EVENTS if by_events else SOCKET
    if how is How.DELAYED:  # nobody connects again
        faults = (*OPENING, *LISTENING, *SENDING)
    async with AsyncExitStack() as stack:
        shopper_net = await stack.enter_async_context(proxy(story.port, how=how, faults=faults))
        agent_net = await stack.enter_async_context(proxy(story.port, how=how, faults=faults))
        shopper = await stack.enter_async_context(story.running(story.shopper, shopper_net.url, by_events=by_events))
        agent = await stack.enter_async_context(story.running(story.agent, agent_net.url, by_events=by_events))
        said = await talk({"shopper": shopper, "agent": agent}, (shopper_net, agent_net))
        found = await story.settled()
    expected = [each.name for each in faults]
    assert (shopper_net.happened, agent_net.happened) == (expected, expected)
    texts = [text for _, _, text in found]
    assert sorted(texts) == sorted(["Where is my parcel?", *said])
    for name in ("shopper", "agent"):
        assert [text for text in texts if text.startswith(name)] == [text for text in said if text.startswith(name)]


@pytest.mark.parametrize("by_events", [False, True], ids=["socket", "events"])
async def test_what_was_written_without_a_network_survives_a_restart(story: Story, *, by_events: bool) -> None:
    """Written in the lift, killed, opened again: it is sent once, and what the other side wrote is there."""
    async with proxy(story.port) as net:
        net.sever()
        async with story.running(story.shopper, net.url, by_events=by_events) as app:
            app.say("one")
            app.say("two")
            await asyncio.sleep(0.1)
        assert [text for _, text in story.shopper.store.waiting()] == ["one", "two"]
        async with story.running(story.agent, f"http://127.0.0.1:{story.port}/graphql", by_events=by_events) as agent:
            agent.say("hello")
            await story.client.ask(NOTE, {"id": story.conversation_id}, key=story.owner)
            net.is_down = False
            async with story.running(story.shopper, net.url, by_events=by_events):
                found = await story.settled()
    assert sorted(text for _, _, text in found[1:]) == ["hello", "one", "two"]
    assert "secret" not in str(story.shopper.store.messages())


@pytest.mark.parametrize("by_events", [False, True], ids=["socket", "events"])
@pytest.mark.parametrize("kind", ["sqlite"])
async def test_a_token_that_expires_is_renewed(story: Story, *, by_events: bool) -> None:
    """In the middle of an open stream: it ends, and goes on with a new token behind the last cursor."""

    async def short() -> str:
        return str((await story.client.ask(SHORT, key=story.owner)).data["customerTokenCreate"]["accessToken"])

    url = f"http://127.0.0.1:{story.port}/graphql"
    story.shopper.token = await short()
    async with (
        story.running(story.shopper, url, by_events=by_events),
        story.running(story.agent, url, by_events=by_events) as agent,
    ):
        agent.say("before")
        await story.settled()
        await asyncio.wait_for(story.shopper.renewed.wait(), 8)
        agent.say("behind")
        found = await story.settled()
    assert [text for _, _, text in found[1:]] == ["before", "behind"]


@pytest.mark.parametrize("by_events", [False, True], ids=["socket", "events"])
@pytest.mark.parametrize("kind", ["sqlite"])
async def test_a_cursor_that_does_not_count_any_more_means_reading_anew(story: Story, *, by_events: bool) -> None:
    """What was known is thrown away, what waits to be sent is not."""
    url = f"http://127.0.0.1:{story.port}/graphql"
    ghost = {"id": "ghost", "seq": 99, "text": "never happened", "delivery": "SENT", "clientMessageId": None}
    story.shopper.store.open("0123456789abcdef-7", [ghost])
    async with (
        story.running(story.shopper, url, by_events=by_events) as shopper,
        story.running(story.agent, url, by_events=by_events),
    ):
        shopper.say("after all")
        found = await story.settled()
    assert [text for _, _, text in found] == ["Where is my parcel?", "after all"]


@pytest.mark.parametrize("kind", ["sqlite"])
async def test_what_is_refused_is_not_sent_again(story: Story) -> None:
    """It leaves the outbox with the reason, and what stands behind it goes on."""
    url = f"http://127.0.0.1:{story.port}/graphql"
    story.shopper.store.write("x" * 10_001)
    async with story.running(story.shopper, url) as shopper, story.running(story.agent, url):
        shopper.say("short enough")
        found = await story.settled()
    assert [text for _, _, text in found[1:]] == ["short enough"]
