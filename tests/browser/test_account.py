"""Who asks in the explorer: signing in and out, staying signed in, and what a subscription shows to whom."""

import re
from typing import Any

import pyotp
import pytest
from playwright.sync_api import WebSocketRoute, expect

from tests.browser.page import EDITOR, Explorer, write

pytestmark = pytest.mark.browser

CLARA = "clara.whitfield@giftbarn.example"
REFRESH = """mutation($old: String!) { sessionRefresh(input: {refreshToken: $old}) {
  session { id } userErrors { code } } }"""
REVOKE = "mutation { sessionRevoke(input: {everywhere: true}) { revokedCount } }"
DECIDE = """mutation($source: String!) {
  consentRecord(input: {purpose: PROFILING, decision: REFUSED, source: $source}) {
    userErrors { message } } }"""
LIVE = "What happens to me, live"
ENDED = "The session has ended"


def password(explorer: Explorer) -> str:
    """Return the password of everybody in the demo."""
    return str(explorer.config()["demo"]["password"])


def run_example(explorer: Explorer, name: str) -> dict[str, Any]:
    """Open an example and run it; return its answer."""
    explorer.panel.get_by_role("button", name=name, exact=True).click()
    return explorer.run()


def follow_oneself(explorer: Explorer) -> None:
    """Run the subscription among the examples, and wait until the server listens."""
    explorer.panel.get_by_role("button", name=LIVE, exact=True).click()
    expect(explorer.page.locator(EDITOR)).to_contain_text("subscription MyEvents")
    with explorer.page.expect_websocket() as opened:
        explorer.run_button.click()
    sent = opened.value.wait_for_event("framesent", lambda frame: '"subscribe"' in str(frame))
    assert "MyEvents" in str(sent)


def expect_event(explorer: Explorer, source: str) -> None:
    """Let something happen until the page shows it: the server listens a moment after it was asked to."""
    result = explorer.page.locator(".result-window")
    for attempt in range(20):
        token = explorer.kept()["session"]["accessToken"]
        assert explorer.ask(DECIDE, token, source=f"{source} {attempt}")["data"]["consentRecord"]["userErrors"] == []
        try:
            expect(result).to_contain_text("ConsentChanged", timeout=500)
        except AssertionError:
            continue
        return
    expect(result).to_contain_text("ConsentChanged")


def test_staff_sign_in(explorer: Explorer) -> None:
    """By e-mail and password; the page says who asks, in which role, and asks as them, also after a reload."""
    explorer.open()
    explorer.sign_in("Agent@demo.example", password(explorer))
    expect(explorer.account).to_have_text("Agnes Byrne agent")
    expect(explorer.account_panel).to_be_hidden()
    for _ in range(2):
        viewer = run_example(explorer, "Who am I, and what may I do?")["data"]["viewer"]
        assert (viewer["kind"], viewer["staffMember"]) == ("STAFF", {"name": "Agnes Byrne", "role": "AGENT"})
        explorer.reload()
        expect(explorer.account).to_have_text("Agnes Byrne agent")
    explorer.open_account()
    you = explorer.account_panel.get_by_role("region", name="You", exact=True)
    you.get_by_text("May do 7 things").click()
    expect(you).to_contain_text("customers:write")


def test_a_shopper_signs_in(explorer: Explorer) -> None:
    """They see themselves and nobody else; the token is kept for this tab only, and never stands in the address."""
    explorer.open()
    hint = explorer.panel.get_by_role("button", name="Sign in as a shopper first")
    hint.first.click()
    explorer.sign_in(CLARA, password(explorer))
    expect(explorer.account).to_have_text("Clara Whitfield shopper")
    expect(hint).to_have_count(0)
    assert run_example(explorer, "My account and my orders")["data"]["me"]["email"] == CLARA
    refused = run_example(explorer, "Who are the best customers?")
    assert refused["data"] == {"customers": None}
    session = explorer.kept()["session"]
    assert session["accessToken"] not in explorer.page.url + explorer.page.evaluate("JSON.stringify(localStorage)")
    assert explorer.sent().headers["authorization"] == f"Bearer {session['accessToken']}"


def test_a_wrong_password_is_told(explorer: Explorer) -> None:
    """Nothing changes; the right one works afterwards, and a second click sends nothing."""
    explorer.open()
    explorer.sign_in("agent@demo.example", "wrong")
    refusal = explorer.account_panel.get_by_role("alert").filter(has_text="wrong")
    expect(refusal).to_have_text("The e-mail address, the password or the one-time code is wrong.")
    expect(explorer.account).to_have_text("Demo app")
    explorer.account_panel.get_by_role("textbox", name="Password").fill(password(explorer))
    explorer.account_panel.get_by_role("button", name="Sign in", exact=True).dblclick()
    expect(explorer.account).to_have_text("Agnes Byrne agent")
    assert len(explorer.own("SignIn")) == 2


def test_a_one_time_code_is_asked_for(explorer: Explorer) -> None:
    """Whoever uses a device is asked for its code once the password was right."""
    explorer.open()
    secret = password(explorer)
    explorer.become("Supervisor")
    token = explorer.kept()["session"]["accessToken"]
    enrol = "mutation($password: String!) { totpEnrol(input: {password: $password}) { secret } }"
    shown = explorer.ask(enrol, token, password=secret)["data"]["totpEnrol"]["secret"]
    confirm = "mutation($otp: String!) { totpConfirm(input: {otp: $otp}) { recoveryCodes } }"
    code = pyotp.TOTP(shown).now()
    recovery, *_, last = explorer.ask(confirm, token, otp=code)["data"]["totpConfirm"]["recoveryCodes"]
    try:
        explorer.sign_in("supervisor@demo.example", secret)
        field = explorer.account_panel.get_by_role("textbox", name="One-time code")
        expect(field).to_be_focused()
        field.fill(recovery)
        field.press("Enter")
        expect(explorer.account_panel).to_be_hidden()
        expect(explorer.account).to_have_text("Sam Okafor supervisor")
    finally:
        remove = """mutation($password: String!, $otp: String!) { totpRemove(input: {password: $password, otp: $otp}) {
          isRemoved } }"""
        token = explorer.kept()["session"]["accessToken"]
        assert explorer.ask(remove, token, password=secret, otp=last)["data"]["totpRemove"]["isRemoved"]


def test_signing_out_ends_the_session(explorer: Explorer) -> None:
    """At the server as well; afterwards nobody asks, also after a reload, until somebody does again."""
    explorer.open()
    explorer.become("Agent")
    former = explorer.kept()["session"]
    explorer.open_account()
    explorer.account_panel.get_by_role("button", name="Sign out").click()
    expect(explorer.account).to_have_text("Sign in")
    explorer.reload()
    expect(explorer.account).to_have_text("Sign in")
    assert explorer.kept()["session"] is None
    assert run_example(explorer, "Who am I, and what may I do?")["data"]["viewer"]["kind"] == "ANONYMOUS"
    refused = explorer.ask(REFRESH, old=former["refreshToken"])["data"]["sessionRefresh"]
    assert refused == {"session": None, "userErrors": [{"code": "BAD_CREDENTIALS"}]}
    explorer.become("App")
    expect(explorer.account).to_have_text("Demo app")


def test_whoever_comes_next_ends_the_session_before(explorer: Explorer) -> None:
    """Nobody's session is left behind when somebody else sits down."""
    explorer.open()
    explorer.become("Agent")
    former = explorer.kept()["session"]
    with explorer.page.expect_response(lambda response: "ExplorerSignOut" in (response.request.post_data or "")):
        explorer.become("Shopper")
    expect(explorer.account).to_have_text("Clara Whitfield shopper")
    refused = explorer.ask(REFRESH, old=former["refreshToken"])["data"]["sessionRefresh"]
    assert refused["session"] is None


def test_a_token_is_renewed_before_it_ends(explorer: Explorer) -> None:
    """Once, although the page asks for the schema and for more at the same time; the old one is not sent again."""
    explorer.open()
    explorer.become("Agent")
    old = explorer.kept()["session"]
    explorer.operations.clear()
    explorer.keep(renewAt=0)
    explorer.run()
    new = explorer.kept()["session"]
    assert (new["id"], new["refreshToken"] == old["refreshToken"]) == (old["id"], False)
    assert len(explorer.own("Renew")) == 1
    assert explorer.authorizations() == {None, f"Bearer {new['accessToken']}"}


def test_a_refused_token_is_renewed(explorer: Explorer) -> None:
    """After a 401 the same operation is sent again with a new token, and nobody notices."""
    explorer.open()
    explorer.become("Agent")
    explorer.keep(accessToken="x.y.z")
    explorer.problems.clear()  # the browser tells of the 401
    explorer.run()
    assert len(explorer.own("Renew")) == 1
    expect(explorer.account).to_have_text("Agnes Byrne agent")


def test_a_session_that_was_ended_elsewhere_is_told(explorer: Explorer) -> None:
    """The page says so, asks as nobody, and offers to sign in again."""
    explorer.open()
    explorer.become("Agent")
    explorer.ask(REVOKE, explorer.kept()["session"]["accessToken"])
    explorer.keep(renewAt=0)
    expect(explorer.account_panel.get_by_role("status")).to_contain_text(ENDED)
    expect(explorer.account).to_have_text("Sign in")
    explorer.become("Agent")
    expect(explorer.account).to_have_text("Agnes Byrne agent")


def test_a_copied_tab_leaves_the_session_alone(explorer: Explorer) -> None:
    """A duplicate holds the same refresh token: if both used it, the server would end the session."""
    explorer.open()
    explorer.become("Agent")
    with explorer.page.context.expect_page() as opened:
        explorer.page.evaluate("void window.open(location.href)")
    copy = opened.value
    expect(copy.get_by_role("status")).to_contain_text("This tab is a copy", timeout=30_000)
    expect(copy.locator(".account-button")).to_have_text("Sign in")
    explorer.keep(renewAt=0)
    explorer.run()
    expect(explorer.account).to_have_text("Agnes Byrne agent")


def test_a_subscription_shows_what_happens(explorer: Explorer) -> None:
    """Over a socket to the same server, with the token in its first message, never in its address."""
    explorer.open()
    explorer.become("Shopper")
    addresses: list[str] = []
    explorer.page.on("websocket", lambda socket: addresses.append(socket.url))
    follow_oneself(explorer)
    expect_event(explorer, "live")
    assert addresses == [f"{explorer.origin.replace('http', 'ws', 1)}/graphql"]
    explorer.page.get_by_role("button", name="Stop query").click()
    expect(explorer.run_button).to_be_visible()


def test_a_subscription_comes_back_with_a_fresh_token(explorer: Explorer) -> None:
    """A socket that is closed with 4403 is opened again with a new token, and goes on."""
    doors: list[WebSocketRoute] = []

    def open_door(door: WebSocketRoute) -> None:
        doors.append(door)
        if len(doors) == 1:
            door.on_message(lambda _: door.close(code=4403, reason="Forbidden"))
        else:
            door.connect_to_server()

    explorer.page.route_web_socket(re.compile("/graphql$"), open_door)
    explorer.open()
    explorer.become("Shopper")
    explorer.panel.get_by_role("button", name=LIVE, exact=True).click()
    expect(explorer.page.locator(EDITOR)).to_contain_text("subscription MyEvents")
    explorer.run_button.click()
    expect_event(explorer, "again")
    assert len(doors) == 2
    assert len(explorer.own("Renew")) == 1


def test_whoever_comes_next_does_not_listen_on(explorer: Explorer) -> None:
    """The subscription stops, and says why."""
    explorer.open()
    explorer.become("Shopper")
    follow_oneself(explorer)
    explorer.become("Agent")
    expect(explorer.page.locator(".result-window")).to_contain_text("somebody else")
    expect(explorer.run_button).to_be_visible()


def test_a_subscription_that_is_refused_says_why(explorer: Explorer) -> None:
    """Who follows somebody without being allowed to reads the server's words."""
    explorer.open()
    explorer.become("Analyst")
    write(explorer.page.locator(EDITOR), "subscription S { customerEvents { __typename } }")
    explorer.run_button.click()
    expect(explorer.page.locator(".result-window")).to_contain_text('"message"')
    expect(explorer.run_button).to_be_visible()


def test_an_app_asks_with_its_own_key(explorer: Explorer) -> None:
    """A typed key is tried first; a wrong one is told and changes nothing."""
    explorer.open()
    explorer.open_account()
    explorer.account_panel.get_by_text("As an app, with an API key").click()
    key = explorer.account_panel.get_by_role("textbox", name="API key")
    key.fill("sk_wrong")
    key.press("Enter")
    expect(explorer.account_panel.get_by_role("form", name="API key").get_by_role("alert")).not_to_be_empty()
    explorer.problems.clear()  # the browser tells of the 401
    expect(explorer.account).to_have_text("Demo app")
    key.fill(explorer.config()["demo"]["token"])
    key.press("Enter")
    expect(explorer.account).to_have_text("An app app")
    explorer.reload()
    expect(explorer.account).to_have_text(re.compile("An app"))
    assert run_example(explorer, "Who am I, and what may I do?")["data"]["viewer"]["kind"] == "APP"


def test_the_page_cannot_reach_another_server(explorer: Explorer) -> None:
    """Nor by a socket: what it may connect to is its own server only."""
    explorer.open()
    violated = explorer.page.evaluate(
        """() => new Promise(resolve => {
            addEventListener('securitypolicyviolation', event => resolve(event.blockedURI), { once: true })
            try { new WebSocket('wss://elsewhere.example/graphql') } catch { }
        })"""
    )
    assert violated.startswith("wss://elsewhere.example")
    explorer.problems.clear()
