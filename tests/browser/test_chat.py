"""The chat page in a real browser: two sides that talk, each behind a network of its own that is cut in between.

Needs the built page (`make explorer`) and a Chromium.
"""

import time
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.chat import AGENT, AT_MOST_MS, CUSTOMER, GUEST, Chat, Net, OpenChat, ask

pytestmark = pytest.mark.browser

REVOKE = "mutation { sessionRevoke(input: {}) { revokedCount } }"
CONVERSATIONS = """{ conversations(first: 50) { nodes {
  customer { displayName } interactions(first: 100) { nodes { __typename ... on Message { text } } } } } }"""


def test_both_sides_see_each_other_at_once(two: tuple[Chat, Net, Chat, Net]) -> None:
    """Messages both ways, who writes, how far they came; the inbox, the customer's column, what became of it."""
    shopper, _, agent, _ = two
    shopper.begin("Where is my cake stand?")
    row = agent.page.locator(".row", has_text="Where is my cake stand?")
    expect(row.locator(".badge")).to_have_text("1")
    agent.choose("Where is my cake stand?")
    expect(row.locator(".badge")).to_have_count(0)
    shopper.expect_fate("Where is my cake stand?", "read")
    column = agent.page.get_by_role("complementary", name="Customer")
    expect(column).to_contain_text("Clara Whitfield")
    expect(column.locator(".card").first).to_be_visible()
    expect(column.locator(".timeline li", has_text="Where is my cake stand?")).to_be_visible()

    agent.field.fill("It left")
    expect(shopper.page.locator(".typists")).to_have_text("Agnes is writing…")
    shopper.field.fill("Is it")
    expect(agent.page.locator(".typists")).to_have_text("Clara Whitfield is writing…")
    agent.say("It left this morning.")
    expect(shopper.page.locator(".typists")).to_have_text("")
    expect(shopper.said("It left this morning.")).to_be_visible()
    agent.expect_fate("It left this morning.", "read")

    agent.page.get_by_role("button", name="Take it").click()
    expect(shopper.page.locator(".window-title")).to_contain_text("with Agnes")
    agent.page.get_by_role("button", name="Resolve").click()
    expect(shopper.log).to_contain_text("Marked as resolved.")
    expect(row).to_have_count(0)
    agent.page.get_by_role("button", name="Done").click()
    expect(agent.page.locator(".row", has_text="It left this morning.")).to_be_visible()
    shopper.say("Thank you, one thing more.")
    agent.page.get_by_role("button", name="Mine").click()
    expect(agent.page.locator(".row", has_text="one thing more")).to_be_visible()
    expect(agent.log).to_contain_text("Clara Whitfield opened it again")


def test_a_note_stays_with_the_team(two: tuple[Chat, Net, Chat, Net], demo_url: str, demo: dict[str, Any]) -> None:
    """The shopper never sees it, nor that one is written; the other agent does, and each sees that the other looks."""
    shopper, _, agent, _ = two
    shopper.begin("Is the red one still to be had?")
    agent.choose("Is the red one still to be had?")
    agent.page.get_by_role("button", name="Note", exact=True).click()
    agent.field.press_sequentially("Two left, one is chipped.")
    agent.field.press("Enter")
    expect(agent.log.locator(".note")).to_have_count(1)
    agent.page.get_by_role("button", name="Reply", exact=True).click()
    agent.say("Yes, two of them.")
    expect(shopper.said("Yes, two of them.")).to_be_visible()
    expect(shopper.page.get_by_text("chipped")).to_have_count(0)
    assert [text for text in shopper.texts() if "chipped" in text] == []
    seqs = ask(
        demo_url, demo, "{ conversations(first: 1) { nodes { interactions(first: 9) { nodes { __typename } } } } }"
    )
    kinds = [node["__typename"] for node in seqs["conversations"]["nodes"][0]["interactions"]["nodes"]]
    assert kinds.count("Note") == 1


def test_who_else_looks_on_is_told(two: tuple[Chat, Net, Chat, Net], open_chat: OpenChat, demo: dict[str, Any]) -> None:
    """Two who open the same conversation know of each other; whoever vanishes is gone."""
    shopper, _, agent, _ = two
    shopper.begin("Who of you reads this?")
    agent.choose("Who of you reads this?")
    supervisor, supervisor_net = open_chat("agent")
    supervisor.sign_in("supervisor@demo.example", demo["password"])
    supervisor.expect_live()
    expect(supervisor.page.locator(".team")).to_contain_text("Agnes")
    supervisor.choose("Who of you reads this?")
    expect(supervisor.page.locator(".viewers")).to_have_text("Agnes is looking at this too")
    expect(agent.page.locator(".viewers")).to_have_text("Sam is looking at this too")
    supervisor_net.sever()
    expect(agent.page.locator(".viewers")).to_have_text("", timeout=AT_MOST_MS)


def test_nothing_is_lost_without_a_network(two: tuple[Chat, Net, Chat, Net]) -> None:
    """Both write on while both lines are cut; afterwards both have everything, in one order, each once."""
    shopper, shopper_net, agent, agent_net = two
    shopper.begin("Do you hear me?")
    agent.choose("Do you hear me?")
    agent.note("Calls from a train.")
    for side, net in ((shopper, shopper_net), (agent, agent_net)):
        net.sever()
        side.expect_lost()
    shopper.say("Tunnel one", "Tunnel two", "Tunnel three")
    agent.note("Noted in the dark.")
    for text in ("Tunnel one", "Tunnel two", "Tunnel three"):
        shopper.expect_fate(text, "waiting")
    expect(shopper.page.locator(".banner")).to_contain_text("3 messages will be sent")
    assert [entry["text"] for entry in sorted(shopper.waiting(), key=lambda each: each["writtenAt"])] == [
        "Tunnel one",
        "Tunnel two",
        "Tunnel three",
    ]
    for side, net in ((shopper, shopper_net), (agent, agent_net)):
        net.restore()
        expect(side.page.locator(".banner")).to_contain_text("nothing was lost", timeout=AT_MOST_MS)
    shopper.expect_texts(["Do you hear me?", "Tunnel one", "Tunnel two", "Tunnel three"])
    for text in ("Tunnel one", "Tunnel two", "Tunnel three", "Noted in the dark."):
        expect(agent.said(text)).to_have_count(1, timeout=AT_MOST_MS)
    expect(agent.log.locator(".said")).to_have_count(6)
    assert [text for text in agent.texts() if "Tunnel" in text] == ["Tunnel one", "Tunnel two", "Tunnel three"]
    for side in (shopper, agent):
        side.expect_nothing_waits()


def test_an_answer_that_gets_lost_doubles_nothing(
    two: tuple[Chat, Net, Chat, Net], demo_url: str, demo: dict[str, Any]
) -> None:
    """The server wrote it and nobody heard: it is sent again under its own id, the first message of all too."""
    shopper, shopper_net, agent, agent_net = two
    shopper_net.lose_answer("conversationStart")
    shopper.begin("Half a word from me")
    agent.choose("Half a word from me")
    agent_net.lose_answer("messageSend")
    agent.say("Half a word from us")
    shopper_net.lose_answer("messageSend")
    shopper.say("and the other half")
    agent.expect_fate("Half a word from us", "sent", "read")
    expected = ["Half a word from me", "Half a word from us", "and the other half"]
    for side in (shopper, agent):
        expect(side.log.locator(".said")).to_have_count(3, timeout=AT_MOST_MS)
        assert sorted(side.texts()) == sorted(expected)
    assert (shopper_net.proxy.happened, agent_net.proxy.happened) == (
        ["after conversationStart", "after messageSend"],
        ["after messageSend"],
    )
    nodes = ask(demo_url, demo, CONVERSATIONS)["conversations"]["nodes"]
    written = [node["text"] for each in nodes for node in each["interactions"]["nodes"] if "text" in node]
    assert [written.count(text) for text in expected] == [1, 1, 1]


def test_a_reply_that_missed_something_waits_for_its_author(two: tuple[Chat, Net, Chat, Net]) -> None:
    """Written without a network while the shopper wrote: it shows what was missed, and goes when the agent says so."""
    shopper, _, agent, agent_net = two
    shopper.begin("Please send it to Florence.")
    agent.choose("Please send it to Florence.")
    agent_net.sever()
    agent.expect_lost()
    agent.say("It goes to Florence.", "By Friday.")
    shopper.say("No: to Siena!")
    shopper.expect_fate("No: to Siena!", "sent")
    agent_net.restore()
    problem = agent.page.get_by_role("alert").filter(has_text="Something happened")
    expect(problem).to_be_visible(timeout=AT_MOST_MS)
    expect(problem.get_by_role("list", name="What you missed")).to_have_text("Clara Whitfield: No: to Siena!")
    expect(agent.said("No: to Siena!")).to_be_visible()
    agent.expect_fate("It goes to Florence.", "failed")
    agent.expect_fate("By Friday.", "waiting")
    assert shopper.texts() == ["Please send it to Florence.", "No: to Siena!"]

    problem.get_by_role("button", name="Send all the same").click()
    shopper.expect_texts(["Please send it to Florence.", "No: to Siena!", "It goes to Florence.", "By Friday."])
    expect(problem).to_be_hidden()


def test_a_reply_that_missed_something_can_be_changed(two: tuple[Chat, Net, Chat, Net]) -> None:
    """It goes back into the field, and is another message then; or it is thrown away."""
    shopper, _, agent, _ = two
    shopper.begin("Two of them, please.")
    agent.choose("Two of them, please.")
    network = agent.page.get_by_role("switch", name="Network")
    for shopper_says, button, left in (
        ("Three, I mean.", "Change it", "It is noted."),
        ("Four. Sorry.", "Discard", ""),
    ):
        agent.field.fill("")
        network.click()
        agent.expect_lost()
        agent.say("It is noted.")
        shopper.say(shopper_says)
        shopper.expect_fate(shopper_says, "sent")
        network.click()
        agent.page.get_by_role("button", name=button).click(timeout=AT_MOST_MS)
        expect(agent.field).to_have_value(left)
        expect(agent.said("It is noted.")).to_have_count(0)
        assert agent.waiting() == []
    agent.say("Four it is.")
    expect(shopper.said("Four it is.")).to_be_visible()


def test_what_waits_survives_the_page(two: tuple[Chat, Net, Chat, Net]) -> None:
    """Written without a network, loaded anew: it is still there, goes out once, and nobody signs in again."""
    shopper, shopper_net, agent, _ = two
    shopper.begin("Before the lift")
    shopper_net.sever()
    shopper.expect_lost()
    shopper.say("In the lift")
    shopper_net.restore()
    shopper.page.evaluate("""() => {
        const kept = JSON.parse(sessionStorage['sportello/chat/shopper'])
        sessionStorage['sportello/chat/shopper'] = JSON.stringify({ ...kept, renewAt: 0 })
    }""")
    shopper.open()
    shopper.expect_live()
    shopper.expect_texts(["Before the lift", "In the lift"])
    agent.choose("In the lift")
    agent.expect_texts(["Before the lift", "In the lift"])
    shopper.expect_nothing_waits()


def test_the_first_words_may_be_written_without_a_network(open_chat: OpenChat) -> None:
    """A conversation that the server never heard of: begun offline with several messages, it is one afterwards."""
    shopper, net = open_chat("shopper")
    shopper.enter(GUEST)
    expect(shopper.field).to_be_visible()
    net.sever()
    shopper.expect_lost()
    shopper.say("Nobody hears", "how this", "begins")
    net.restore()
    shopper.expect_live()
    for text in ("Nobody hears", "how this", "begins"):
        shopper.expect_fate(text, "sent")
    shopper.expect_texts(["Nobody hears", "how this", "begins"])
    shopper.page.get_by_role("button", name="All conversations").click()
    expect(shopper.page.locator(".own-row")).to_have_count(1)


def test_a_guest_keeps_the_conversation(open_chat: OpenChat) -> None:
    """They write without an account, load the page anew, sign in: it is the same conversation, now the customer's."""
    shopper, _ = open_chat("shopper")
    shopper.enter(GUEST)
    expect(shopper.page.locator(".who-am-i")).to_have_text("Guest")
    agent, _ = open_chat("agent")
    agent.enter(AGENT)
    shopper.say("May I ask without an account?")
    shopper.expect_fate("May I ask without an account?", "sent")
    row = agent.page.locator(".row", has_text="May I ask without an account?")
    expect(row.locator(".row-name")).to_have_text("Guest")
    shopper.open()
    expect(shopper.said("May I ask without an account?")).to_be_visible(timeout=AT_MOST_MS)
    agent.choose("May I ask without an account?")
    agent.say("Of course.")
    expect(shopper.said("Of course.")).to_be_visible()

    shopper.page.get_by_role("button", name="Close the chat").click()
    shopper.enter(CUSTOMER)
    expect(shopper.page.locator(".who-am-i")).to_have_text("Clara Whitfield")
    shopper.expect_texts(["May I ask without an account?", "Of course."])
    shopper.say("It is me, Clara.")
    expect(agent.said("It is me, Clara.")).to_be_visible()
    expect(agent.page.locator(".talk-title")).to_contain_text("Clara Whitfield")


def test_a_session_that_was_ended_elsewhere_keeps_what_waits(two: tuple[Chat, Net, Chat, Net], demo_url: str) -> None:
    """The page asks to sign in again; what was written meanwhile goes out then, once."""
    shopper, shopper_net, agent, _ = two
    shopper.begin("Am I still here?")
    shopper_net.sever()
    shopper.expect_lost()
    kept = shopper.page.evaluate("JSON.parse(sessionStorage['sportello/chat/shopper'])")
    headers = {"Authorization": f"Bearer {kept['accessToken']}"}
    while httpx.post(f"{demo_url}/graphql", json={"query": REVOKE}, headers=headers).is_success:
        time.sleep(0.1)  # a token is remembered for two seconds
    shopper.say("Not quite.")
    shopper_net.restore()
    expect(shopper.page.get_by_role("alert")).to_contain_text("The session has ended", timeout=AT_MOST_MS)
    assert [(entry["text"], entry.get("problem")) for entry in shopper.waiting()] == [("Not quite.", None)]
    shopper.enter(CUSTOMER)
    shopper.expect_texts(["Am I still here?", "Not quite."])
    agent.choose("Not quite.")
    agent.expect_texts(["Am I still here?", "Not quite."])
    shopper.problems = [text for text in shopper.problems if "401" not in text]  # the browser tells of those


def test_somebody_else_does_not_get_what_waits(open_chat: OpenChat) -> None:
    """What one person left unsent stays theirs, whoever sits down at the same browser."""
    shopper, net = open_chat("shopper")
    shopper.enter(CUSTOMER)
    shopper.begin("Clara was here")
    net.sever()
    shopper.expect_lost()
    shopper.say("for my eyes only")
    shopper.page.get_by_role("button", name="Sign out").click()
    net.restore()
    shopper.enter(GUEST)
    expect(shopper.page.get_by_text("for my eyes only")).to_have_count(0)
    shopper.say("Somebody else")
    shopper.expect_fate("Somebody else", "sent")
    assert [entry["text"] for entry in shopper.waiting()] == ["for my eyes only"]
