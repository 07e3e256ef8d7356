"""The chat page as tests handle it: one side of it in a tab of its own, behind a network that fails when told to."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from playwright.sync_api import ConsoleMessage, Locator, Page, expect

from tests.proxy import Fault, Proxy, Way, proxy

CUSTOMER, AGENT, GUEST = "Sign in as the customer", "Sign in as the agent", "Chat as a guest"

AT_MOST_MS = 15_000
"""What comes by itself comes within this time, also after a line that was lost."""

_NETWORK_TROUBLE = re.compile(r"net::ERR_|WebSocket connection to")
"""What the browser itself says of a network that fails, which is no fault of the page."""


@dataclass
class Net:
    """The network of one browser."""

    proxy: Proxy
    _loop: asyncio.AbstractEventLoop

    @property
    def origin(self) -> str:
        """Return the address of the server behind it."""
        return f"http://127.0.0.1:{self.proxy.listening}"

    def sever(self) -> None:
        """Reset everything that is open, and let nobody in."""
        self._do(self.proxy.sever)

    def restore(self) -> None:
        """Let everybody in again."""
        self.proxy.is_down = False

    def lose_answer(self, name: str) -> None:
        """Break once within the answer to this mutation, which is committed: nobody hears what came of it.

        Were it before the answer, the browser might ask again by itself, without a word to the page.
        """
        fault = Fault(f"after {name}", Way.DOWN, f'"{name}"'.encode(), passes=0.5)
        self._do(lambda: self.proxy.faults.append(fault))

    def _do(self, work: Callable[[], object]) -> None:
        done = threading.Event()

        def run() -> None:
            work()
            done.set()

        self._loop.call_soon_threadsafe(run)
        assert done.wait(5)


@contextmanager
def net_to(port: int) -> Iterator[Net]:
    """Yield a network that leads to a port of this machine; it lives in a thread of its own."""
    loop = asyncio.new_event_loop()
    ready: list[Proxy] = []
    began, ends = threading.Event(), asyncio.Event()

    async def live() -> None:
        async with proxy(port) as made:
            ready.append(made)
            began.set()
            await ends.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(live()))
    thread.start()
    assert began.wait(5)
    try:
        yield Net(ready[0], loop)
    finally:
        loop.call_soon_threadsafe(ends.set)
        thread.join(5)
        loop.close()


@dataclass
class Chat:
    """One side of the page, and what went wrong in it."""

    page: Page
    origin: str
    side: str
    foreign: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def open(self) -> None:
        """Load the page with this side alone."""
        self.page.goto(f"{self.origin}/examples/chat/?side={self.side}")

    def watch(self) -> None:
        """Note what the page asks of others, and what the browser complains of."""

        def hear(message: ConsoleMessage) -> None:
            if message.type in ("error", "assert") and not _NETWORK_TROUBLE.search(message.text):
                self.problems.append(message.text)

        def see(url: str) -> None:
            own = (self.origin + "/", self.origin.replace("http", "ws", 1) + "/", "data:", "blob:")
            if not url.startswith(own):
                self.foreign.append(url)

        self.page.on("console", hear)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", lambda request: see(request.url))
        self.page.on("websocket", lambda socket: see(socket.url))

    def enter(self, words: str) -> None:
        """Come in by a button of the card, and wait until the line is live."""
        self.page.get_by_role("button", name=words).click()
        self.expect_live()

    def sign_in(self, email: str, password: str) -> None:
        """Come in by e-mail and password."""
        self.page.get_by_text("Somebody else").click()
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in", exact=True).click()

    def expect_live(self) -> None:
        """Wait until the line is live."""
        expect(self.page.locator(".line-state")).to_have_text("Live", timeout=AT_MOST_MS)

    def expect_lost(self) -> None:
        """Wait until the side has noticed that its line is lost, and says so."""
        expect(self.page.locator(".banner")).to_contain_text("No connection", timeout=AT_MOST_MS)

    @property
    def field(self) -> Locator:
        """The field in which one writes."""
        return self.page.locator(".composer textarea")

    @property
    def log(self) -> Locator:
        """Everything that was said."""
        return self.page.get_by_role("log", name="Messages")

    def said(self, text: str) -> Locator:
        """One message, by its words."""
        return self.log.locator(".said", has_text=text)

    def say(self, *texts: str) -> None:
        """Write messages, one after the other."""
        for text in texts:
            self.field.fill(text)
            self.field.press("Enter")

    def note(self, text: str) -> None:
        """Write a note for the team."""
        self.page.get_by_role("button", name="Note", exact=True).click()
        self.say(text)
        self.page.get_by_role("button", name="Reply", exact=True).click()

    def begin(self, text: str) -> None:
        """Begin another conversation, as a shopper."""
        if self.page.get_by_role("button", name="All conversations").is_visible():
            self.page.get_by_role("button", name="All conversations").click()
        self.page.get_by_role("button", name="New conversation").click()
        self.say(text)
        self.expect_fate(text, "sent")

    def choose(self, text: str) -> None:
        """Open the conversation whose newest message this is, as an agent."""
        self.page.locator(".row", has_text=text).click()
        expect(self.said(text)).to_be_visible()

    def expect_fate(self, text: str, *fates: str) -> None:
        """Wait until a message has come so far."""
        pattern = re.compile(f"^({'|'.join(fates)})$")
        expect(self.said(text).locator(".mark")).to_have_attribute("data-fate", pattern, timeout=AT_MOST_MS)

    def texts(self) -> list[str]:
        """Return what was said, in order."""
        return self.log.locator(".said .text").all_inner_texts()

    def expect_texts(self, texts: list[str]) -> None:
        """Wait until exactly this was said."""
        expect(self.log.locator(".said .text")).to_have_text(texts, timeout=AT_MOST_MS)

    def expect_nothing_waits(self) -> None:
        """Wait until everything is sent."""
        self.page.wait_for_function(
            "() => !Object.keys(localStorage).some(key => key.includes('/outbox/'))", timeout=AT_MOST_MS
        )

    def waiting(self) -> list[dict[str, Any]]:
        """Return what is stored to be sent."""
        found: list[dict[str, Any]] = self.page.evaluate("""() => Object.keys(localStorage)
            .filter(key => key.includes('/outbox/')).map(key => JSON.parse(localStorage[key]))""")
        return found


OpenChat = Callable[[str], tuple[Chat, Net]]


def ask(demo_url: str, demo: dict[str, Any], query: str) -> dict[str, Any]:
    """Ask the API beside the page, with the key that opens every door."""
    headers = {"Authorization": f"Bearer {demo['token']}"}
    answer = httpx.post(f"{demo_url}/graphql", json={"query": query}, headers=headers).json()
    assert "errors" not in answer, answer
    return dict(answer["data"])
