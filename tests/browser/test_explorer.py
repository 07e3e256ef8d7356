"""The explorer page in a real browser, against a server that holds the demo data (`demo_url` in conftest.py).

Needs the built page (`make explorer`) and a Chromium.
"""

import json

import pytest
from playwright.sync_api import expect

from tests.browser.page import EDITOR, Explorer, has_content, write

pytestmark = pytest.mark.browser


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


ACTORS = {"ANYBODY": "App", "APP": "App", "STAFF": "Agent", "CUSTOMER": "Shopper"}
"""The button of the demo with which one becomes who runs an example."""


def test_every_example_runs_without_errors(explorer: Explorer) -> None:
    """Each saved example opens from the panel and the server answers it cleanly, as whom it is for."""
    examples = [each for each in explorer.config()["examples"] if "\nsubscription" not in f"\n{each['query']}"]
    assert examples
    explorer.open()
    current = "App"
    for example in examples:
        if current != ACTORS[example["actor"]]:
            current = ACTORS[example["actor"]]
            explorer.become(current)
        explorer.example(example).click()
        expect(explorer.example(example)).to_have_attribute("aria-current", "true")

        answer = explorer.run()

        assert "errors" not in answer, (example["name"], answer["errors"])
        assert answer["data"] is not None, example["name"]
        refusals = [payload["userErrors"] for payload in answer["data"].values() if "userErrors" in (payload or {})]
        assert not any(refusals), (example["name"], refusals)
        sent = json.loads(explorer.sent().post_data or "")
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


def test_the_demos_key_is_sent(explorer: Explorer) -> None:
    """The page asks as the demo's app, says so, and shows and keeps the key nowhere."""
    token = explorer.config()["demo"]["token"]
    assert token
    explorer.open()
    explorer.run()

    assert explorer.authorizations() == {f"Bearer {token}"}
    expect(explorer.account).to_have_text("Demo app")
    assert token not in explorer.page.content() + explorer.page.url
    assert token not in explorer.page.evaluate("JSON.stringify([localStorage, sessionStorage])")


def test_a_new_token_wins_over_the_one_of_an_earlier_run(explorer: Explorer) -> None:
    """After a restart of the demo nobody meets an old token, whatever was open before."""
    page = explorer.page
    config = explorer.config()
    stale = "sk_of_an_earlier_run"
    explorer.fake_config = json.dumps({**config, "demo": {**config["demo"], "token": stale}})
    explorer.is_muted = True
    explorer.open()
    explorer.example(config["examples"][1]).click()
    explorer.run()
    assert explorer.authorizations() == {f"Bearer {stale}"}
    # Both tabs, and apart from them the text of the open one, are stored a moment after the last change.
    page.wait_for_function(
        """() => {
            const stored = name => Object.entries(localStorage).find(([key]) => key.endsWith(name))?.[1]
            const { tabs = [], activeTabIndex } = JSON.parse(stored('tabState') ?? '{}')
            return tabs.length === 2 && tabs[activeTabIndex].query === stored('graphiql:query')
        }"""
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
    assert explorer.authorizations() == {f"Bearer {config['demo']['token']}"}


def test_without_a_token_the_user_types_the_headers(explorer: Explorer) -> None:
    """A server that hands out no token gets none, until the user types one."""
    explorer.fake_config = json.dumps({**explorer.config(), "demo": None})
    explorer.is_muted = True
    explorer.open()
    explorer.run()
    assert explorer.authorizations() == {None}

    write(explorer.headers(), '{"Authorization": "Bearer sk_typed"}')
    explorer.run()
    assert explorer.sent().headers["authorization"] == "Bearer sk_typed"

    explorer.operations.clear()
    explorer.reload()
    explorer.run()
    assert explorer.authorizations() == {None}


def test_typed_headers_are_kept_when_the_user_asks_for_it(explorer: Explorer) -> None:
    """With "Persist headers" a key survives a reload, but never reaches the demo."""
    page = explorer.page
    config = explorer.config()
    explorer.fake_config = json.dumps({**config, "demo": None})
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
    assert explorer.authorizations() == {f"Bearer {config['demo']['token']}"}


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
    assert explorer.run()["data"] == {"__typename": "Query"}


def test_the_page_works_without_its_config(explorer: Explorer) -> None:
    """If config.json is missing, the page still loads and says it has no examples."""
    explorer.fake_config = "<html>"
    explorer.is_muted = True
    explorer.open()
    expect(explorer.panel).to_contain_text("no saved examples")
