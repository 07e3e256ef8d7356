"""The explorer's page and what it is told, and the examples that it opens with."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from graphql import build_schema, parse, validate

from api import explorer
from api.demo import furnish
from api.demo_conversations import converse, find_places
from api.demo_logins import ready_logins
from api.examples import Example, list_examples
from domain.base.actors import SYSTEM
from domain.identity.actions.stores import upsert_store
from schema.root import make_schema
from tests.api.bodies import SERVER_SENT, Exchange
from tests.api.conftest import Serve
from tests.api.sockets import new_app, nothing_left
from tests.conftest import ITALY, Client
from tests.identity.staff import add_staff, enter
from tests.orders.shop import UNITED_KINGDOM

SQLITE_ONLY = pytest.mark.parametrize("kind", ["sqlite"])


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a built explorer that has one page and one script."""
    folder = tmp_path / "explorer"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<title>Explorer</title>")
    (folder / "assets" / "index-abc123.js").write_text("1")
    monkeypatch.setattr(explorer, "_BUILT", folder)
    return folder


@SQLITE_ONLY
async def test_the_explorer_can_be_off(serve: Serve) -> None:
    """Then there is the API and nothing else."""
    http = await serve(explorer=False)
    for path in ("/", "/explorer/", "/explorer/config.json"):
        assert (await http.get(path)).status_code == 404
    assert (await http.get("/healthz")).status_code == 200


@SQLITE_ONLY
async def test_an_explorer_that_is_not_built_says_how(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Node the API works; the page says what to run."""
    monkeypatch.setattr(explorer, "_BUILT", tmp_path)
    http = await serve()
    page = await http.get("/")
    assert page.status_code == 200
    assert "make explorer" in page.text
    assert (await http.get("/explorer/")).status_code == 404


@SQLITE_ONLY
@pytest.mark.usefixtures("built")
async def test_the_page_keeps_to_itself(serve: Serve) -> None:
    """The page may load nothing from elsewhere, nor be shown inside another one; hashed files are kept for long."""
    http = await serve()
    home = await http.get("/")
    assert (home.status_code, home.headers["location"]) == (307, "/explorer/")
    page = await http.get("/explorer/")
    assert "Explorer" in page.text
    script = await http.get("/explorer/assets/index-abc123.js")
    for response in (page, script):
        policy = response.headers["content-security-policy"]
        assert "connect-src 'self';" in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "http" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-cache"
    assert "immutable" in script.headers["cache-control"]


@SQLITE_ONLY
@pytest.mark.usefixtures("built")
@pytest.mark.parametrize(
    "path", ["/explorer/../cli.py", "/explorer/%2e%2e/%2e%2e/cli.py", "/explorer/assets/..%2f..%2fcli.py"]
)
async def test_only_the_page_is_served(serve: Serve, path: str) -> None:
    """No path leads out of the folder."""
    response = await (await serve()).get(path)
    assert response.status_code == 404


@SQLITE_ONLY
async def test_the_chat_page_is_where_the_explorer_is(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps to itself as the explorer does; it is missing where it is not built, and where the explorer is off."""
    monkeypatch.setattr(explorer, "_CHAT", tmp_path)
    assert (await (await serve()).get("/examples/chat/")).status_code == 404
    (tmp_path / "index.html").write_text("<title>Chat</title>")
    page = await (await serve()).get("/examples/chat/")
    assert "Chat" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-cache"
    assert (await (await serve(explorer=False)).get("/examples/chat/")).status_code == 404


GIVEN_AWAY = explorer.Demo("sk_demo", "secret", {"AGENT": "agent@demo.example"}, {"conversation": "an id"})
SHOWN = {"token": "sk_demo", "password": "secret", "logins": [{"who": "AGENT", "email": "agent@demo.example"}]}


@SQLITE_ONLY
@pytest.mark.parametrize(("demo", "shown"), [(None, None), (GIVEN_AWAY, SHOWN)])
async def test_keys_and_passwords_are_told_in_the_demo_only(
    serve: Serve, demo: explorer.Demo | None, shown: object
) -> None:
    """Without the demo the page starts as nobody; nothing keeps the answer."""
    response = await (await serve(demo=demo)).get("/explorer/config.json")
    config = response.json()
    assert config["demo"] == shown
    assert config["endpoint"] == "/graphql"
    assert config["title"] == "Sportello"
    assert config["examples"] == list_examples(None if demo is None else demo.places)
    assert ("<conversation>" in response.text) == (demo is None)
    assert response.headers["cache-control"] == "no-store"


def is_stream(example: Example) -> bool:
    """Tell whether it is followed, not answered once."""
    return "\nsubscription " in f"\n{example['query']}"


def test_every_example_has_a_name_and_fits_the_schema() -> None:
    """What a newcomer finds is valid, named, and each a thing of its own."""
    examples = list_examples()
    assert len(examples) == len(list((Path(explorer.__file__).parent / "saved_examples").glob("*.graphql")))
    assert len({example["name"] for example in examples}) == len(examples) >= 8
    schema = build_schema(make_schema().as_str())
    for example in examples:
        assert example["name"]
        assert example["group"]
        assert validate(schema, parse(example["query"])) == []
        assert isinstance(orjson.loads(example["variables"] or "{}"), dict)


def test_there_are_examples_for_everybody() -> None:
    """A shopper, an agent and an app find their own, a newcomer is led in, and something can be followed live."""
    examples = list_examples()
    groups = list(dict.fromkeys(example["group"] for example in examples))
    assert groups == [
        "Start here",
        *("For an agent", "Conversations of an agent"),
        *("For a shopper", "Conversations of a shopper"),
        *("For an app", "Conversations of an app"),
        "For an analyst",
    ]
    assert [example["group"] for example in examples] == sorted(
        (example["group"] for example in examples), key=groups.index
    )
    assert {example["actor"] for example in examples} == {"ANYBODY", "STAFF", "CUSTOMER", "APP"}
    assert [is_stream(example) for example in examples].count(True) == 3


async def furnished(client: Client, folder: Path) -> list[Example]:
    """Make a small demo: four customers of the real one, and what is invented beside them; return its examples."""
    for number in ("13050", "16700", "12700", "17450"):
        order = (
            f'mutation {{ orderUpsert(input: {{externalId: "{number}-1", placedAt: "2011-01-01T00:00:00Z", '
            f'currencyCode: "EUR", customer: {{externalId: "{number}"}}, storeCode: "it", number: "536365", '
            'lines: [{sku: "A", title: "A", quantity: 1, unitPrice: "2.55"}]}) { userErrors { message } } }'
        )
        assert (await client.ask(order)).data["orderUpsert"]["userErrors"] == []
    for store in (replace(ITALY, country="GB"), UNITED_KINGDOM):  # telephone numbers are British, as in the demo
        await client.works.perform(
            lambda work, store=store: upsert_store(work, details=store),  # type: ignore[misc]
            actor=SYSTEM,
            action="storeUpsert",
        )
    assert await furnish(client.works)
    _, logins = await ready_logins(client.works, folder)
    await converse(client.works, agent_email=logins["AGENT"])
    return list_examples(await find_places(client.works, agent_email=logins["AGENT"]))


async def tokens(client: Client) -> dict[str, str]:
    """Return a token for each who runs examples: a shopper is Clara Whitfield, staff an agent."""
    await add_staff(client.works, "agent@shop.example")
    agent = await enter(client, "agent@shop.example")
    minted = (await client.ask('mutation { customerTokenCreate(input: {externalId: "13050"}) { accessToken } }')).data
    assert client.key is not None
    return {
        "ANYBODY": client.key,
        "APP": client.key,
        "STAFF": agent["accessToken"],
        "CUSTOMER": minted["customerTokenCreate"]["accessToken"],
    }


async def test_every_example_is_answered(client: Client, tmp_path: Path) -> None:
    """Run one after the other on a small demo as whom they are for, each gets data and no error; writes twice."""
    examples = [example for example in await furnished(client, tmp_path) if not is_stream(example)]
    known = await tokens(client)
    found = {}
    for example in [*examples, *examples]:
        variables = orjson.loads(example["variables"] or "{}")
        answer = await client.ask(example["query"], variables, key=known[example["actor"]])
        for field in answer.data.values():
            assert field, example["name"]
            assert not isinstance(field, dict) or field.get("userErrors", []) == []
        found[example["name"]] = answer.data
    assert found["Who are the best customers?"]["customers"]["totalCount"] == 4 + 2 + 2
    assert found["Find somebody"]["customers"]["nodes"]
    assert {each["displayName"] for each in found["Find a misspelled name"]["customers"]["nodes"]} == {
        "Clara Whitfield",
        "Daniel Whitfield",
    }
    caller = found["Who is calling?"]["customerByIdentity"]
    assert (caller["displayName"], caller["externalId"]) == ("Clara Whitfield", "13050")
    happened = found["What happened with them?"]["customerByIdentity"]["timeline"]["nodes"]
    assert [item["__typename"] for item in happened] == ["Consent", "Consent"]  # what she said as a shopper, and before
    assert found["Who may be one person?"]["customerMerges"]["totalCount"] == 2
    assert [
        merge["survivor"]["displayName"] for merge in found["Who was merged, and why?"]["customerMerges"]["nodes"]
    ] == ["Harriet Osei"]
    (harriet,) = found["What may we write to them for?"]["customers"]["nodes"]
    assert harriet["consents"][0]["decision"] == "REFUSED"
    assert "stricter" in harriet["consents"][0]["reason"]
    assert found["Find them by an attribute"]["customers"]["totalCount"] == 2
    assert found["My account and my orders"]["me"]["orders"]["nodes"]
    assert found["No more surveys, please"]["consentRecord"]["consent"]["decision"] == "REFUSED"
    check_talks(found)


def check_talks(found: dict[str, dict[str, Any]]) -> None:
    """The examples about conversations find something, and what one of them writes another one shows."""
    assert found["The inbox, and its numbers"]["conversations"]["totalCount"] == 6
    assert found["The inbox, and its numbers"]["conversationCounts"][0] == 3
    conversation = found["One of them, and whom it is with"]["conversation"]
    assert (conversation["subject"], conversation["customer"]["displayName"]) == (
        "A cracked cakestand",
        "Clara Whitfield",
    )
    kinds = [each["__typename"] for each in conversation["interactions"]["nodes"]]
    assert kinds == ["Message", "StatusChange", "Message", "Note", "Message", "Message", "Message", "Note", "Message"]
    assert [each["contact"]["name"] for each in found["Find what was said"]["conversations"]["nodes"]] == [
        "Lucia Ferri"
    ]
    listed = found["What I wrote about"]["me"]["conversations"]["nodes"]
    (chat,) = [each for each in listed if each["subject"] == "A cracked cakestand"]
    texts = [each["text"] for each in chat["interactions"]["nodes"] if each["__typename"] == "Message"]
    assert texts[-2:] == ["It will be with you on Thursday.", "Thursday is lovely, thank you!"]
    assert found["Who is at it?"]["conversationAssign"]["conversation"]["assignee"]["displayName"] == "Agnes"
    received = found["A message came in"]["messageReceive"]["conversation"]
    assert received["customer"]["displayName"] == "Clara Whitfield"
    told = [each["__typename"] for each in found["What happened since?"]["events"]["items"]]
    assert told.count("ConversationStarted") == 6


LIVE = {
    "What happens to me, live": ("No more surveys, please", "CUSTOMER", "ConsentChanged"),
    "The inbox, live": ("Write to the shop", "CUSTOMER", "InteractionAdded"),
    "The chat, live": ("Answer", "STAFF", "InteractionAdded"),
}
"""By what is followed: what is run in another window, by whom, and what comes."""


@pytest.mark.parametrize("name", LIVE)
async def test_what_happens_is_told_live(client: Client, tmp_path: Path, name: str) -> None:
    """Whoever follows sees what is run in another window."""
    by_name = {example["name"]: example for example in await furnished(client, tmp_path)}
    assert {example["name"] for example in by_name.values() if is_stream(example)} == {*LIVE}
    other, who, of = LIVE[name]
    follow, run, known = by_name[name], by_name[other], await tokens(client)
    app = new_app(client.works)
    async with nothing_left(app):
        exchange = Exchange(app, accept=SERVER_SENT, key=known[follow["actor"]])
        await exchange.follow(follow["query"], **orjson.loads(follow["variables"] or "{}"))
        await client.ask(run["query"], orjson.loads(run["variables"]), key=known[who])
        (told,) = orjson.loads((await exchange.chunk() or b"").partition(b"data: ")[2])["data"].values()
        await exchange.leave()
    assert told["__typename"] == of
    if of == "InteractionAdded":
        assert told["interaction"]["text"] == orjson.loads(run["variables"])["input"]["text"]
    else:
        assert told["consent"] == {"purpose": "SURVEYS", "channel": None, "decision": "REFUSED"}
