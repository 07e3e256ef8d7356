"""The explorer page in a real browser, against a server that holds the demo data (`demo_url` in conftest.py).

Needs the built page (`make explorer`) and a Chromium. Every test also checks two things when it ends: the page
has asked nobody but this server, and the browser has reported no error.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, Route, expect, sync_playwright

pytestmark = pytest.mark.browser

BROWSER_NAMES = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
BROWSER_ARGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
# Without these the browser itself calls home, which would blur the test.
BROWSER_ARGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
EDITOR = "[aria-label='Operation Editor']"
PAGE_ERROR_LEVELS = {"error", "assert"}


@dataclass
class Explorer:
    """The open page, and everything it has done so far."""

    page: Page
    origin: str
    # What the page gets for config.json instead of the server's answer.
    fake_config: str | None = None
    # Whether operations are answered with no data, unseen by the server.
    is_muted: bool = False
    foreign: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    operations: list[Request] = field(default_factory=list)

    def config(self) -> dict[str, Any]:
        """What the real server answers for config.json."""
        answer = self.page.request.get(f"{self.origin}/explorer/config.json")
        assert answer.ok, answer.status
        return dict(answer.json())

    def open(self) -> None:
        """Go to the root of the server and wait until the editors are there."""
        self.page.goto(self.origin + "/")
        self.wait()

    def reload(self) -> None:
        """Load the page again and wait until the editors are there."""
        self.page.reload()
        self.wait()

    def wait(self) -> None:
        """Wait until the run button is there and the schema has arrived."""
        expect(self.run_button).to_be_visible(timeout=30_000)
        refetch = self.page.get_by_role("button", name="Re-fetch GraphQL schema")
        expect(refetch).to_be_enabled(timeout=30_000)

    @property
    def run_button(self) -> Locator:
        """The button that sends the operation."""
        return self.page.get_by_role("button", name="Execute query")

    @property
    def panel(self) -> Locator:
        """The list of saved examples."""
        return self.page.get_by_role("region", name="Examples", exact=True)

    @property
    def tabs(self) -> Locator:
        """The open tabs of the editor."""
        return self.page.locator("button[id^='graphiql-session-tab-']")

    def example(self, example: dict[str, Any]) -> Locator:
        """The button of one saved example."""
        group = self.panel.get_by_role("region", name=example["group"], exact=True)
        return group.get_by_role("button", name=example["name"], exact=True)

    def headers(self) -> Locator:
        """The Headers editor, brought to the front."""
        self.page.get_by_role("button", name="Headers", exact=True).click()
        section = self.page.get_by_role("region", name="Headers", exact=True)
        return section.locator(".graphiql-editor:not(.hidden)")

    def run(self, start: Callable[[], None] | None = None) -> dict[str, Any]:
        """Run the operation in the editor; its answer, once the page shows it."""
        with self.page.expect_response(lambda r: is_operation(r.request)) as caught:
            (start or self.run_button.click)()
        expect(self.page.locator(".result-window")).to_contain_text('"data"')
        return dict(caught.value.json())

    def authorizations(self) -> set[str | None]:
        """The Authorization headers of all GraphQL requests so far."""
        return {request.headers.get("authorization") for request in self.operations}


def is_graphql(request: Request) -> bool:
    """Tell whether a request carries a GraphQL operation (also one for the schema)."""
    return request.method == "POST" and '"query"' in (request.post_data or "")


def is_operation(request: Request) -> bool:
    """Tell whether a request carries an operation from the editor."""
    return is_graphql(request) and "IntrospectionQuery" not in (request.post_data or "")


def has_content(value: object) -> bool:
    """Tell whether an answer holds at least one value that is not null or empty."""
    if isinstance(value, dict):
        return any(has_content(item) for item in value.values())
    if isinstance(value, list):
        return any(has_content(item) for item in value)
    return value is not None and value != ""


def write(editor: Locator, text: str) -> None:
    """Replace the text of an editor by pasting: where it is typed, the editor completes brackets by itself."""
    area = editor.get_by_role("textbox").first
    area.focus()
    area.press("Control+A")
    area.evaluate(
        """(area, text) => {
            const clipboardData = new DataTransfer()
            clipboardData.setData('text/plain', text)
            area.dispatchEvent(new ClipboardEvent('paste', { clipboardData }))
        }""",
        text,
    )


@pytest.fixture(scope="module")
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
    """A page that is watched, and cut off from everything but the server."""
    explorer = Explorer(context.new_page(), demo_url.rstrip("/"))

    def is_own(url: str) -> bool:
        return url.startswith((explorer.origin + "/", "data:", "blob:"))

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
    explorer.page.on("websocket", lambda socket: explorer.foreign.append(socket.url))
    explorer.page.on("pageerror", lambda error: explorer.problems.append(str(error)))
    explorer.page.on(
        "console",
        lambda message: explorer.problems.append(message.text) if message.type in PAGE_ERROR_LEVELS else None,
    )
    yield explorer
    assert explorer.foreign == []
    assert explorer.problems == []


def test_the_first_example_is_open_and_shows_real_data(explorer: Explorer) -> None:
    """A newcomer opens the page, presses the run button and sees data."""
    explorer.open()
    expect(explorer.page).to_have_title("Sportello explorer")
    assert explorer.page.url == f"{explorer.origin}/explorer/"
    first = explorer.config()["examples"][0]
    expect(explorer.example(first)).to_have_attribute("aria-current", "true")
    expect(explorer.tabs).to_have_count(1)

    answer = explorer.run()

    assert "errors" not in answer
    assert has_content(answer["data"])


def test_every_example_runs_without_errors(explorer: Explorer) -> None:
    """Each saved example opens from the panel and the server answers it cleanly."""
    examples = explorer.config()["examples"]
    assert examples
    explorer.open()
    for example in examples:
        explorer.example(example).click()
        expect(explorer.example(example)).to_have_attribute("aria-current", "true")

        answer = explorer.run()

        assert "errors" not in answer, (example["name"], answer["errors"])
        assert answer["data"] is not None, example["name"]
        refusals = [payload["userErrors"] for payload in answer["data"].values() if "userErrors" in (payload or {})]
        assert not any(refusals), (example["name"], refusals)
        sent = json.loads(explorer.operations[-1].post_data or "")
        assert sent["query"].strip() == example["query"].strip()
        assert (sent.get("variables") or {}) == json.loads(example["variables"] or "{}")
    expect(explorer.tabs).to_have_count(len(examples))


def test_an_open_example_is_not_opened_twice(explorer: Explorer) -> None:
    """A second click goes back to the tab which already holds the example."""
    first, second = explorer.config()["examples"][:2]
    explorer.open()
    explorer.example(second).click()
    expect(explorer.tabs).to_have_count(2)

    explorer.example(first).click()
    expect(explorer.example(first)).to_have_attribute("aria-current", "true")
    explorer.example(second).click()
    expect(explorer.example(second)).to_have_attribute("aria-current", "true")

    expect(explorer.tabs).to_have_count(2)


def test_the_keyboard_is_enough(explorer: Explorer) -> None:
    """Enter opens an example, Ctrl-Enter in the editor runs it."""
    second = explorer.config()["examples"][1]
    explorer.open()
    explorer.example(second).press("Enter")
    expect(explorer.example(second)).to_have_attribute("aria-current", "true")

    def press() -> None:
        explorer.page.locator(EDITOR).get_by_role("textbox").first.focus()
        explorer.page.keyboard.press("Control+Enter")

    assert "errors" not in explorer.run(press)


def test_every_panel_opens_without_an_outside_request(explorer: Explorer) -> None:
    """Docs, query builder, settings, formatting: all of it is the server's, as the fixture checks at its end."""
    page = explorer.page
    explorer.open()
    explorer.run()
    page.get_by_role("button", name="Show Documentation Explorer").click()
    expect(page.get_by_role("link", name="Query", exact=True)).to_be_visible()
    page.get_by_role("button", name="Show Query builder").click()
    expect(page.locator(".graphiql-explorer-root")).to_be_visible()
    page.get_by_role("button", name="Headers", exact=True).click()
    page.get_by_role("button", name="Prettify query").click()
    page.get_by_role("button", name="Open settings dialog").click()
    page.get_by_role("button", name="Dark", exact=True).click()
    expect(page.locator("body")).to_contain_class("graphiql-dark")
    # A demo token is never stored, so there is no switch that would do it.
    expect(page.get_by_text("Persist headers")).to_have_count(0)
    page.keyboard.press("Escape")
    page.locator(EDITOR).get_by_role("textbox").first.focus()
    page.keyboard.press("F1")
    expect(page.locator(".quick-input-widget")).to_be_visible()


def test_the_token_is_shown_and_sent(explorer: Explorer) -> None:
    """The token of config.json stands in the Headers editor and in every request."""
    token = explorer.config()["token"]
    assert token
    explorer.open()
    explorer.run()

    assert explorer.authorizations() == {f"Bearer {token}"}
    expect(explorer.headers()).to_contain_text(f'"Authorization": "Bearer {token}"')
    assert token not in explorer.page.url


def test_a_new_token_wins_over_the_one_of_an_earlier_run(explorer: Explorer) -> None:
    """After a restart of the demo nobody meets an old token, whatever was open before."""
    page = explorer.page
    config = explorer.config()
    stale = "sk_of_an_earlier_run"
    explorer.fake_config = json.dumps({**config, "token": stale})
    explorer.is_muted = True
    explorer.open()
    explorer.example(config["examples"][1]).click()
    explorer.run()
    assert explorer.authorizations() == {f"Bearer {stale}"}
    # Both tabs are stored a moment after the last change.
    page.wait_for_function(
        """() => Object.entries(localStorage).some(
            ([key, value]) => key.endsWith('tabState') && JSON.parse(value).tabs.length === 2)"""
    )
    assert stale not in page.evaluate("JSON.stringify([localStorage, sessionStorage])")

    explorer.fake_config, explorer.is_muted = None, False
    explorer.operations.clear()
    explorer.reload()
    expect(explorer.tabs).to_have_count(2)
    answers = [explorer.run()]
    explorer.tabs.first.click()
    answers.append(explorer.run())

    assert all("errors" not in answer for answer in answers)
    assert explorer.authorizations() == {f"Bearer {config['token']}"}


def test_without_a_token_the_user_types_the_headers(explorer: Explorer) -> None:
    """A server that hands out no token gets none, until the user types one."""
    explorer.fake_config = json.dumps({**explorer.config(), "token": None})
    explorer.is_muted = True
    explorer.open()
    explorer.run()
    assert explorer.authorizations() == {None}

    write(explorer.headers(), '{"Authorization": "Bearer sk_typed"}')
    explorer.run()
    assert explorer.operations[-1].headers["authorization"] == "Bearer sk_typed"

    explorer.operations.clear()
    explorer.reload()
    explorer.run()
    assert explorer.authorizations() == {None}


def test_typed_headers_are_kept_when_the_user_asks_for_it(explorer: Explorer) -> None:
    """With "Persist headers" a key survives a reload, but never reaches the demo."""
    page = explorer.page
    config = explorer.config()
    explorer.fake_config = json.dumps({**config, "token": None})
    explorer.is_muted = True
    explorer.open()
    write(explorer.headers(), '{"Authorization": "Bearer sk_kept"}')
    page.get_by_role("button", name="Open settings dialog").click()
    page.get_by_role("button", name="On", exact=True).click()
    page.keyboard.press("Escape")
    explorer.operations.clear()
    explorer.reload()
    explorer.run()
    assert explorer.authorizations() == {"Bearer sk_kept"}  # the schema request, too

    explorer.fake_config, explorer.is_muted = None, False
    explorer.operations.clear()
    explorer.reload()
    explorer.run()
    assert explorer.authorizations() == {f"Bearer {config['token']}"}


def test_a_draft_survives_a_reload(explorer: Explorer) -> None:
    """What someone typed is still there after a reload, and still runs."""
    page = explorer.page
    explorer.open()
    write(page.locator(EDITOR), "query Draft { __typename }")
    page.wait_for_function(
        """() => Object.entries(localStorage).some(
            ([key, value]) => key.endsWith('tabState') && value.includes('query Draft'))"""
    )

    explorer.reload()

    expect(explorer.tabs).to_have_count(1)
    expect(page.locator(EDITOR)).to_contain_text("query Draft")
    assert explorer.run() == {"data": {"__typename": "Query"}}


def test_the_page_works_without_its_config(explorer: Explorer) -> None:
    """If config.json is missing, the page still loads and says it has no examples."""
    explorer.fake_config = "<html>"
    explorer.is_muted = True
    explorer.open()
    expect(explorer.panel).to_contain_text("no saved examples")
