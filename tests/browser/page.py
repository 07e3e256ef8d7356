"""The explorer's page as tests handle it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Locator, Page, Request, expect

EDITOR = "[aria-label='Operation Editor']"


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

    @property
    def account(self) -> Locator:
        """The button that says who asks, and opens the panel."""
        return self.page.locator(".account-button")

    @property
    def account_panel(self) -> Locator:
        """The panel in which that is changed."""
        return self.page.get_by_role("dialog", name="Who asks")

    def open_account(self) -> None:
        """Open the panel."""
        if not self.account_panel.is_visible():
            self.account.click()
        expect(self.account_panel).to_be_visible()

    def become(self, who: str) -> None:
        """Be somebody of the demo, by one click."""
        self.open_account()
        self.account_panel.get_by_role("button", name=who, exact=True).click()
        expect(self.account_panel).to_be_hidden()

    def sign_in(self, email: str, password: str) -> None:
        """Fill in the form and send it."""
        self.open_account()
        self.account_panel.get_by_role("textbox", name="E-mail").fill(email)
        self.account_panel.get_by_role("textbox", name="Password").fill(password)
        self.account_panel.get_by_role("button", name="Sign in", exact=True).click()

    def kept(self) -> dict[str, Any]:
        """What the page keeps of who asks."""
        return dict(json.loads(self.page.evaluate("sessionStorage.getItem('sportello/account')")))

    def keep(self, **session: object) -> None:
        """Change what is kept of the session, and load the page again."""
        kept = self.kept()
        changed = json.dumps({**kept, "session": {**kept["session"], **session}})
        self.page.evaluate("kept => sessionStorage.setItem('sportello/account', kept)", changed)
        self.reload()

    def own(self, name: str) -> list[Request]:
        """The requests that the page sent for itself, under this name."""
        return [request for request in self.operations if f"Explorer{name}" in (request.post_data or "")]

    def ask(self, query: str, token: str | None = None, **variables: object) -> dict[str, Any]:
        """Ask the API beside the page."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{self.origin}/graphql"
        answer = self.page.request.post(url, data={"query": query, "variables": variables}, headers=headers)
        return dict(answer.json())

    def sent(self) -> Request:
        """The last operation that came from the editor."""
        return [request for request in self.operations if is_operation(request)][-1]

    def authorizations(self) -> set[str | None]:
        """The Authorization headers of all GraphQL requests so far."""
        return {request.headers.get("authorization") for request in self.operations}


def is_graphql(request: Request) -> bool:
    """Tell whether a request carries a GraphQL operation (also one for the schema)."""
    return request.method == "POST" and '"query"' in (request.post_data or "")


def is_operation(request: Request) -> bool:
    """Tell whether a request carries an operation from the editor, and none that the page sends for itself."""
    own = ("IntrospectionQuery", "ExplorerViewer", "ExplorerSignIn", "ExplorerSignOut", "ExplorerRenew")
    return is_graphql(request) and not any(name in (request.post_data or "") for name in own)


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
