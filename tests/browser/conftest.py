"""A demo of its own for the browser: the real command, on a free port, gone afterwards; and the page, watched."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Request, Route, sync_playwright

from tests.browser.chat import AGENT, CUSTOMER, Chat, Net, OpenChat, ask, net_to
from tests.browser.page import Explorer, is_graphql
from tests.conftest import DATA

COMMAND = Path(sys.executable).with_name("sportello")
ORDERS = DATA / "online_retail_cust_mod50.csv.gz"
START_SECONDS = 60.0
STOP_SECONDS = 10.0

BROWSER_NAMES = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
BROWSER_ARGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
# Without these the browser itself calls home, which would blur the test.
BROWSER_ARGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
PAGE_ERROR_LEVELS = {"error", "assert"}

CHANNEL = 'mutation { channelUpsert(input: {name: "Web chat", kind: WEB_CHAT}) { channel { id } } }'


@pytest.fixture(scope="session")
def demo_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a running demo with the orders of every fiftieth customer."""
    folder = tmp_path_factory.mktemp("demo")
    url = f"http://127.0.0.1:{_free_port()}"
    log = folder / "output.txt"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SPORTELLO_")}
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            [COMMAND, "demo", ORDERS, "--port", url.rpartition(":")[2], "--folder", folder / "var"],
            cwd=folder,  # without the settings of whoever runs the tests
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_ready(process, url, log)
        yield url
    finally:
        _stop(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/readyz", timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(f"the demo did not start:\n{log.read_text(encoding='utf-8', errors='replace')}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests; each test gets its own empty profile from it."""
    # Without an installed one, Playwright looks for the browser it has downloaded
    # itself, and says what to do if there is none.
    found = next(filter(None, map(shutil.which, BROWSER_NAMES)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=BROWSER_ARGS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """An empty browser profile."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    yield context
    # Requests under way (an editor worker, say) must not fail the test at its end.
    context.unroute_all(behavior="ignoreErrors")
    context.close()


@pytest.fixture
def explorer(context: BrowserContext, demo_url: str) -> Iterator[Explorer]:
    """A page that is watched, and cut off from everything but the server.

    When the test ends, the page has asked nobody else, and the browser has reported no error.
    """
    explorer = Explorer(context.new_page(), demo_url.rstrip("/"))

    def is_own(url: str) -> bool:
        sockets = explorer.origin.replace("http", "ws", 1)
        return url.startswith((explorer.origin + "/", sockets + "/", "data:", "blob:"))

    def see(request: Request) -> None:
        if not is_own(request.url):
            explorer.foreign.append(request.url)
        if is_graphql(request):
            explorer.operations.append(request)

    def serve(route: Route) -> None:
        url = route.request.url
        if not is_own(url):
            route.abort()
        elif explorer.fake_config is not None and url.endswith("/config.json"):
            route.fulfill(body=explorer.fake_config)
        elif explorer.is_muted and is_graphql(route.request):
            route.fulfill(json={"data": None})
        else:
            route.continue_()

    context.on("request", see)
    context.route("**/*", serve)
    explorer.page.on("websocket", lambda socket: None if is_own(socket.url) else explorer.foreign.append(socket.url))
    explorer.page.on("pageerror", lambda error: explorer.problems.append(str(error)))
    explorer.page.on(
        "console",
        lambda message: explorer.problems.append(message.text) if message.type in PAGE_ERROR_LEVELS else None,
    )
    yield explorer
    assert explorer.foreign == []
    assert explorer.problems == []


@pytest.fixture(scope="session")
def demo(demo_url: str) -> dict[str, Any]:
    """Return what the demo gives away; its shop has a web chat."""
    config: dict[str, Any] = httpx.get(f"{demo_url}/explorer/config.json").json()["demo"]
    ask(demo_url, config, CHANNEL)
    return config


@pytest.fixture
def open_chat(browser: Browser, demo_url: str, demo: dict[str, Any]) -> Iterator[OpenChat]:
    """Return what opens a side of the page in a browser of its own, behind a network of its own.

    When the test ends, the pages have asked nobody else, and the browser has reported no error but the network's.
    """
    assert demo["logins"]
    chats: list[Chat] = []
    contexts: list[BrowserContext] = []
    with ExitStack() as stack:

        def make(side: str) -> tuple[Chat, Net]:
            net = stack.enter_context(net_to(int(demo_url.rpartition(":")[2])))
            context = browser.new_context(viewport={"width": 1280, "height": 860})
            contexts.append(context)
            chat = Chat(context.new_page(), net.origin, side)
            chat.watch()
            chats.append(chat)
            chat.open()
            return chat, net

        yield make
        for context in contexts:
            context.close()
    assert [chat.foreign for chat in chats] == [[] for _ in chats]
    assert [chat.problems for chat in chats] == [[] for _ in chats]


@pytest.fixture
def two(open_chat: OpenChat) -> tuple[Chat, Net, Chat, Net]:
    """Return a shopper and an agent who are signed in, and their networks."""
    shopper, shopper_net = open_chat("shopper")
    shopper.enter(CUSTOMER)
    agent, agent_net = open_chat("agent")
    agent.enter(AGENT)
    return shopper, shopper_net, agent, agent_net
