"""The chat page by itself: what it asks, who may come in, and how it stands on each screen."""

import re
from typing import Any

import httpx
import pytest
from graphql import build_schema, parse, validate
from playwright.sync_api import Browser, expect

from schema.root import make_schema
from tests.browser.chat import AGENT, CUSTOMER, OpenChat

pytestmark = pytest.mark.browser


def test_a_login_of_the_other_side_is_refused(open_chat: OpenChat, demo: dict[str, Any]) -> None:
    """The card says so, as it says that a password is wrong."""
    agent, _ = open_chat("agent")
    email = next(each["email"] for each in demo["logins"] if each["who"] == "SHOPPER")
    agent.sign_in(email, demo["password"])
    alert = agent.page.locator(".said-at-door")
    expect(alert).to_contain_text("use it at the other side")
    agent.page.get_by_label("Password").fill("wrong")
    agent.page.get_by_role("button", name="Sign in", exact=True).click()
    expect(alert).not_to_contain_text("other side")
    expect(alert).not_to_be_empty()


def test_every_document_fits_the_schema(open_chat: OpenChat) -> None:
    """What the page asks is valid, each as it stands."""
    chat, _ = open_chat("shopper")
    documents = chat.page.evaluate("""() => import('./src/documents.js').then(
        all => Object.values(all).flatMap(each => typeof each === 'string' ? [each] : Object.values(each)))""")
    schema = build_schema(make_schema().as_str())
    assert len(documents) > 20
    assert [error.message for each in documents for error in validate(schema, parse(each))] == []


@pytest.mark.parametrize("width", [360, 768, 1100, 1440])
def test_it_fits_every_screen(browser: Browser, demo_url: str, demo: dict[str, Any], width: int) -> None:
    """Nothing stands out at the sides, of either side, and everything can be reached."""
    assert demo["logins"]
    context = browser.new_context(viewport={"width": width, "height": 740})
    page = context.new_page()
    page.goto(f"{demo_url}/examples/chat/")
    for words in (CUSTOMER, AGENT):
        page.get_by_role("button", name=words).click()
    page.locator(".pane-shopper textarea").fill(f"At {width} points")
    page.locator(".pane-shopper textarea").press("Enter")
    page.locator(".row", has_text=f"At {width} points").click()
    expect(page.locator(".pane-agent .said", has_text=f"At {width} points")).to_be_visible()
    details = page.get_by_role("button", name="Customer", exact=True)
    if details.is_visible():
        details.click()
    expect(page.get_by_role("complementary", name="Customer")).to_contain_text("Clara Whitfield")
    stands_out = page.evaluate("""() => [...document.querySelectorAll('html, .pane, .side, .strip, .talk, .window')]
        .filter(each => each.scrollWidth > each.clientWidth + 1).map(each => each.className)""")
    assert stands_out == []
    context.close()


def test_what_is_not_built_is_not_served(demo_url: str) -> None:
    """The page's folder holds the page, and nothing leads out of it."""
    assert httpx.get(f"{demo_url}/examples/chat/src/main.js").status_code == 200
    assert re.match("text/javascript", httpx.get(f"{demo_url}/examples/chat/src/main.js").headers["content-type"])
    for path in ("..%2f..%2fexplorer.py", "%2e%2e/%2e%2e/explorer.py", "package.json"):
        assert httpx.get(f"{demo_url}/examples/chat/{path}").status_code == 404
