"""The ledger of consents: what is written in it stays, and what counts of it is shown with the reason."""

import asyncio
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from domain.base.actors import Permission
from domain.customers.model import Consent
from schema.base.ids import global_id, parse_id
from tests.conftest import NOW, Answer, Client, StandingClock
from tests.customers.test_api_statements import counting
from tests.orders.shop import Input, days_ago, instant, new_customer, nothing_changes, send_order, write
from tests.snapshots import snapshot

CONSENT = """id __typename purpose channel decision textVersion source proof reason decidedAt recordedAt
  occurredAt summary"""
_PAYLOADS = {
    "consentRecord": f"consent {{ {CONSENT} }} customer {{ id consents {{ id }} }}",
    "customerMerge": "customer { id } merge { id }",
    "customerUnmerge": "survivor { id } absorbed { id }",
}
EVERYTHING = f"""{{ customers(first: 100) {{ nodes {{ id version updatedAt
  consents {{ {CONSENT} }} consentHistory(first: 100) {{ totalCount nodes {{ {CONSENT} }} }}
  timeline(first: 100) {{ nodes {{ id }} }} }} }} }}"""
HISTORY = f"""query($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {{ customer(id: $id) {{
  consentHistory(first: $first, after: $after, last: $last, before: $before) {{ totalCount
    nodes {{ id }} edges {{ cursor node {{ {CONSENT} }} }}
    pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }} }}"""


async def ask_for(client: Client, field: str, given: Input, *, key: str | None = None) -> Answer:
    """Send a write about consents or merges, and return what came back."""
    kind = f"{field[0].upper()}{field[1:]}Input"
    query = (
        f"mutation($i: {kind}!) {{ {field}(input: $i) {{ {_PAYLOADS[field]} userErrors {{ code message field }} }} }}"
    )
    return await client.ask(query, {"i": given}, key=key)


async def record(client: Client, customer_id: str, decision: str = "GRANTED", **more: Any) -> Input:  # noqa: ANN401
    """Record a decision on offers by e-mail, but for what is said otherwise, and return the payload."""
    given = {"customerId": customer_id, "purpose": "MARKETING", "channel": "EMAIL", "decision": decision, **more}
    payload: Input = (await ask_for(client, "consentRecord", given)).data["consentRecord"]
    assert payload["userErrors"] == []
    return payload


async def merge(client: Client, survivor_id: str, absorbed_id: str) -> str:
    """Merge two customers, and return the merge."""
    given = {"survivorId": survivor_id, "absorbedId": absorbed_id}
    payload = (await ask_for(client, "customerMerge", given)).data["customerMerge"]
    assert payload["userErrors"] == []
    return str(payload["merge"]["id"])


async def unmerge(client: Client, merge_id: str) -> None:
    """Take a merge back."""
    payload = (await ask_for(client, "customerUnmerge", {"mergeId": merge_id})).data["customerUnmerge"]
    assert payload["userErrors"] == []


async def everything(client: Client) -> dict[str, Input]:
    """Return all that the API says of every customer's consents, by customer."""
    return {node["id"]: node for node in (await client.ask(EVERYTHING)).data["customers"]["nodes"]}


async def counts(client: Client, customer_id: str) -> list[Input]:
    """Return what counts of a customer's decisions."""
    found: list[Input] = (await everything(client))[customer_id]["consents"]
    return found


async def page(client: Client, customer_id: str, **arguments: Any) -> Input:  # noqa: ANN401
    """Return a page of a customer's ledger."""
    found: Input = (await client.ask(HISTORY, {"id": customer_id, **arguments})).data["customer"]["consentHistory"]
    return found


async def ledger(client: Client) -> list[tuple[Any, ...]]:
    """Return every row of the ledger as it is stored."""
    async with client.works.database.reading() as session:
        return [tuple(row) for row in await session.execute(select(Consent.__table__).order_by(Consent.id))]


async def people(client: Client, count: int) -> list[str]:
    """Add so many customers, and return their ids."""
    return [(await new_customer(client, externalId=f"k-{number}"))["id"] for number in range(count)]


async def test_a_decision_is_shown_as_it_was_recorded(client: Client) -> None:
    """In the answer, among what counts, in the history, in the timeline, and by its id."""
    (ada,) = await people(client, 1)
    more = {"textVersion": " 2026-05 ", "source": "newsletter form", "proof": "mailbox/77", "decidedAt": days_ago(3)}
    payload = await record(client, ada, **more)
    consent = payload["consent"]
    assert consent == {
        "id": consent["id"],
        "__typename": "Consent",
        "purpose": "MARKETING",
        "channel": "EMAIL",
        "decision": "GRANTED",
        "textVersion": "2026-05",
        "source": "newsletter form",
        "proof": "mailbox/77",
        "reason": None,
        "decidedAt": "2026-11-19T12:00:00Z",
        "recordedAt": "2026-11-22T12:00:00Z",
        "occurredAt": "2026-11-19T12:00:00Z",
        "summary": "MARKETING over EMAIL: GRANTED",
    }
    assert payload["customer"] == {"id": ada, "consents": [{"id": consent["id"]}]}
    shown = (await everything(client))[ada]
    assert shown["consents"] == shown["consentHistory"]["nodes"] == [consent]
    assert (shown["timeline"]["nodes"], shown["version"]) == ([{"id": consent["id"]}], 1)
    node = await client.ask(
        f"query($i: ID!) {{ node(id: $i) {{ ... on Consent {{ {CONSENT} }} }} }}", {"i": consent["id"]}
    )
    assert node.data["node"] == consent
    everywhere = (await record(client, ada, "REFUSED", channel=None))["consent"]
    assert (everywhere["channel"], everywhere["summary"]) == (None, "MARKETING: REFUSED")


async def test_the_latest_of_each_purpose_and_channel_counts(client: Client) -> None:
    """Without a channel is a key of its own; of many of one instant the last one told counts."""
    (ada,) = await people(client, 1)
    for number in range(30):
        await record(client, ada, "GRANTED" if number % 2 else "WITHDRAWN", channel=("EMAIL", "SMS", None)[number % 3])
    await record(client, ada, "REFUSED", purpose="SERVICE")
    found = [(each["purpose"], each["channel"], each["decision"]) for each in await counts(client, ada)]
    assert found == [
        ("MARKETING", None, "GRANTED"),
        ("MARKETING", "EMAIL", "GRANTED"),
        ("MARKETING", "SMS", "WITHDRAWN"),
        ("SERVICE", "EMAIL", "REFUSED"),
    ]
    assert (await page(client, ada, first=1))["totalCount"] == 31


async def test_what_was_said_long_ago_does_not_override_what_was_said_since(client: Client) -> None:
    """Told late, an old decision stands where it belongs in the ledger; the first and the last instant are taken."""
    (ada,) = await people(client, 1)
    newest = (await record(client, ada, "WITHDRAWN", decidedAt=days_ago(2)))["consent"]
    for at in (days_ago(3), "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "2026-11-20T13:59:59.999999+02:00"):
        payload = await record(client, ada, "GRANTED", decidedAt=at)
        assert payload["customer"]["consents"] == [{"id": newest["id"]}], at
    of_that_instant = (await record(client, ada, "GRANTED", decidedAt="2026-11-20T14:00:00+02:00"))["consent"]
    assert [each["id"] for each in await counts(client, ada)] == [of_that_instant["id"]]
    now = (await record(client, ada, "REFUSED", decidedAt=instant(NOW)))["consent"]
    assert [each["id"] for each in await counts(client, ada)] == [now["id"]]
    nodes = (await everything(client))[ada]["consentHistory"]["nodes"]
    assert [node["decidedAt"] for node in nodes] == sorted((node["decidedAt"] for node in nodes), reverse=True)
    assert nodes[-1]["decidedAt"] == "0001-01-01T00:00:00Z"


async def test_a_bad_decision_is_refused_and_leaves_nothing(client: Client) -> None:
    """Of the future, too long, of nobody: typed, with its place, and no row of any table changes."""
    (ada,) = await people(client, 1)
    kept = (await record(client, ada))["consent"]
    missing = global_id("Customer", parse_id(kept["id"])[1])
    plain = {"customerId": ada, "purpose": "MARKETING", "decision": "REFUSED"}
    cases: list[tuple[Input, list[tuple[str, list[str]]]]] = [
        ({"decidedAt": instant(NOW + timedelta(microseconds=1))}, [("INVALID", ["decidedAt"])]),
        ({"decidedAt": "9999-12-31T23:59:59Z"}, [("INVALID", ["decidedAt"])]),
        ({"textVersion": "x" * 201}, [("TOO_LONG", ["textVersion"])]),
        ({"source": "x" * 201}, [("TOO_LONG", ["source"])]),
        ({"proof": "x" * 2_001}, [("TOO_LONG", ["proof"])]),
        ({"proof": "x" * 20_000}, [("TOO_LONG", ["proof"])]),
        ({"source": "a\x00b"}, [("INVALID", ["source"])]),
        (
            {"source": "a\n.", "proof": "\x07", "decidedAt": "2026-11-22T12:00:01Z"},
            [("INVALID", ["source"]), ("INVALID", ["proof"]), ("INVALID", ["decidedAt"])],
        ),
        ({"customerId": None}, [("REQUIRED", ["customerId"])]),
        *(({"customerId": each}, [("NOT_FOUND", ["customerId"])]) for each in (missing, kept["id"], "", "?", "ù")),
        ({"idempotencyKey": " "}, [("REQUIRED", ["idempotencyKey"])]),
    ]
    for wrong, expected in cases:
        async with nothing_changes(client.works):
            payload = (await ask_for(client, "consentRecord", plain | wrong)).data["consentRecord"]
        assert (payload["consent"], payload["customer"]) == (None, None)
        assert [(each["code"], each["field"]) for each in payload["userErrors"]] == expected, wrong
    for wrong in ({"purpose": "EVERYTHING"}, {"channel": "FAX"}, {"decision": "MAYBE"}, {"decidedAt": "2026-11-22"}):
        async with nothing_changes(client.works):
            answer = await ask_for(client, "consentRecord", plain | wrong)
        assert answer.codes == ["BAD_USER_INPUT"], wrong
    async with nothing_changes(client.works):
        del plain["customerId"]
        payload = (await ask_for(client, "consentRecord", plain)).data["consentRecord"]
    assert [each["code"] for each in payload["userErrors"]] == ["REQUIRED"]


async def test_the_stranger_records_and_reads_nothing(client: Client) -> None:
    """Who may write customers records, but reads no ledger; who may read records nothing."""
    (ada,) = await people(client, 1)
    given = {"customerId": ada, "purpose": "MARKETING", "decision": "GRANTED"}
    reader, orders = await client.new_key(Permission.CUSTOMERS_READ), await client.new_key(Permission.ORDERS_WRITE)
    for key, code in ((reader, "FORBIDDEN"), (orders, "FORBIDDEN"), ("sk_nobody", "UNAUTHENTICATED")):
        async with nothing_changes(client.works):
            answer = await ask_for(client, "consentRecord", given, key=key)
        assert code in answer.codes
    consent = (await record(client, ada))["consent"]
    query = "query($i: ID!) { node(id: $i) { id } }"
    assert (await client.ask(query, {"i": consent["id"]}, key=reader)).data["node"] == {"id": consent["id"]}
    assert (await client.ask(query, {"i": consent["id"]}, key=orders)).body["data"]["node"] is None


async def test_the_same_key_is_one_decision(client: Client) -> None:
    """A second click, also at once, is answered with the first one's; another input under the key is refused."""
    (ada,) = await people(client, 1)
    more = {"idempotencyKey": "click", "source": "form"}
    at_once = await asyncio.gather(*(record(client, ada, **more) for _ in range(6)))
    assert len({payload["consent"]["id"] for payload in at_once}) == 1
    before = await snapshot(client.works, without=["audit_entries"])
    assert await record(client, ada, **more) == at_once[0]
    assert await snapshot(client.works, without=["audit_entries"]) == before
    assert len(await ledger(client)) == 1
    for other in ({"decision": "REFUSED"}, {"channel": None}, {"decidedAt": instant(NOW)}):
        given = {"customerId": ada, "purpose": "MARKETING", "channel": "EMAIL", "decision": "GRANTED", **more, **other}
        async with nothing_changes(client.works):
            payload = (await ask_for(client, "consentRecord", given)).data["consentRecord"]
        assert [each["code"] for each in payload["userErrors"]] == ["IDEMPOTENCY_MISMATCH"]


async def test_without_a_key_each_call_is_a_decision(client: Client) -> None:
    """Many at once lose none, and each has its own place in the ledger."""
    (ada,) = await people(client, 1)
    payloads = await asyncio.gather(*(record(client, ada, source=f"s-{number}") for number in range(12)))
    ids = {payload["consent"]["id"] for payload in payloads}
    found = await page(client, ada, first=100)
    assert (len(ids), found["totalCount"], {node["id"] for node in found["nodes"]}) == (12, 12, ids)


async def test_of_merged_customers_the_stricter_decision_counts_and_says_why(client: Client) -> None:
    """Until they decide again, under either id; unmerged, each has again what was theirs, and the new one its own."""
    ada, bob = await people(client, 2)
    no = (await record(client, ada, "REFUSED", decidedAt=days_ago(9)))["consent"]
    yes = (await record(client, bob, "GRANTED", decidedAt=days_ago(2)))["consent"]
    alone = (await record(client, bob, "GRANTED", channel="SMS", decidedAt=days_ago(2)))["consent"]
    before = await everything(client)
    merge_id = await merge(client, ada, bob)
    found = await counts(client, ada)
    assert [each["id"] for each in found] == [no["id"], alone["id"]]
    assert found[0]["reason"].startswith("REFUSED on 2026-11-13 counts although another record of this customer")
    assert found[0] | {"reason": None} == no
    assert found[1] == alone
    history = (await everything(client))[ada]["consentHistory"]
    assert (history["totalCount"], history["nodes"]) == (3, [alone, yes, no]), "the ledger is as it was written"
    await unmerge(client, merge_id)
    assert await everything(client) == before
    again = await merge(client, bob, ada)
    assert (await counts(client, bob))[0]["reason"] is not None
    await unmerge(client, again)
    assert await everything(client) == before


async def test_a_decision_stays_with_whom_it_came_in_through(client: Client, clock: StandingClock) -> None:
    """Under an absorbed id it counts for the family while there is one, and afterwards for that one alone."""
    ada, bob = await people(client, 2)
    await record(client, ada, "GRANTED", decidedAt=days_ago(5))
    await record(client, bob, "REFUSED", decidedAt=days_ago(4))
    merge_id = await merge(client, ada, bob)
    assert [each["decision"] for each in await counts(client, ada)] == ["REFUSED"]
    clock.advance(timedelta(seconds=1))
    payload = await record(client, bob, "GRANTED")
    assert payload["customer"] == {"id": ada, "consents": [{"id": payload["consent"]["id"]}]}
    assert (await counts(client, ada))[0]["reason"] is None
    clock.advance(timedelta(seconds=1))
    withdrawn = (await record(client, bob, "WITHDRAWN"))["consent"]
    late = (await record(client, ada, "REFUSED", decidedAt=days_ago(6)))["consent"]
    assert [each["id"] for each in await counts(client, ada)] == [withdrawn["id"]]
    await unmerge(client, merge_id)
    found = await everything(client)
    assert [each["decision"] for each in found[ada]["consents"]] == ["GRANTED"]
    assert [each["id"] for each in found[bob]["consents"]] == [withdrawn["id"]]
    assert found[ada]["timeline"]["nodes"][-1] == {"id": late["id"]}
    assert (found[ada]["consentHistory"]["totalCount"], found[bob]["consentHistory"]["totalCount"]) == (2, 3)


async def test_merges_of_merges_and_back(client: Client, clock: StandingClock) -> None:
    """Each edge that is taken back leaves exactly what was shown before it was drawn."""
    ids = await people(client, 5)
    for number, customer_id in enumerate(ids):
        await record(client, customer_id, ("GRANTED", "REFUSED", "WITHDRAWN")[number % 3], decidedAt=days_ago(number))
    states, edges = [await everything(client)], []
    for survivor, absorbed in ((1, 0), (2, 3), (2, 1), (4, 2)):
        clock.advance(timedelta(minutes=1))
        edges.append(await merge(client, ids[survivor], ids[absorbed]))
        states.append(await everything(client))
    assert list(states[-1]) == [ids[4]]
    (found,) = states[-1][ids[4]]["consents"]
    assert found["decidedAt"] == "2026-11-21T12:00:00Z", "the latest no of all five"
    assert found["reason"] is not None
    for edge, expected in zip(reversed(edges), reversed(states[:-1]), strict=True):
        await unmerge(client, edge)
        assert await everything(client) == expected


async def test_an_absorbed_customer_is_shown_with_their_own_decisions(client: Client) -> None:
    """As themselves: neither what the survivor decided, nor those whom they had absorbed."""
    ada, bob, eve = await people(client, 3)
    await record(client, ada, "REFUSED")
    own = (await record(client, bob, "GRANTED"))["consent"]
    await record(client, eve, "REFUSED")
    await merge(client, bob, eve)
    await merge(client, ada, bob)
    query = f"""query($i: ID!) {{ customer(id: $i) {{ merges {{ absorbed {{ id consents {{ {CONSENT} }}
      consentHistory(first: 9) {{ totalCount nodes {{ id }} }} timeline(first: 9) {{ nodes {{ id }} }} }} }} }} }}"""
    merges = (await client.ask(query, {"i": ada})).data["customer"]["merges"]
    (found,) = [each["absorbed"] for each in merges if each["absorbed"]["id"] == bob]
    assert (found["consents"], found["consentHistory"]["totalCount"]) == ([own], 1)
    assert found["consentHistory"]["nodes"] == found["timeline"]["nodes"] == [{"id": own["id"]}]


async def test_no_action_changes_or_takes_a_decision(client: Client, clock: StandingClock) -> None:
    """Whatever is done to customers afterwards: no statement updates or deletes, and every row is as it was."""
    ids = await people(client, 3)
    for number in range(6):
        await record(client, ids[number % 3], decidedAt=days_ago(number))
    kept = await ledger(client)
    with counting() as statements:
        await record(client, ids[0], "WITHDRAWN")
        edge = await merge(client, ids[0], ids[1])
        clock.advance(timedelta(days=400))
        await record(client, ids[1], "GRANTED", idempotencyKey="k")
        await record(client, ids[1], "GRANTED", idempotencyKey="k")
        await merge(client, ids[2], ids[0])
        await send_order(client, customer={"externalId": "k-1", "email": "k@example.org", "emailVerified": True})
        await write(client, "customerUpdate", {"customerId": ids[1], "givenName": None, "tags": ["x"]})
        await unmerge(client, edge)
        await everything(client)
    about = [each.split() for each in statements if "consents" in each]
    assert {words[0].upper() for words in about} == {"INSERT", "SELECT"}
    assert [row for row in await ledger(client) if row in kept] == kept
    assert len(await ledger(client)) == 8


async def test_decisions_and_a_merge_at_once(client: Client) -> None:
    """However they meet: who is absorbed meanwhile is found, every decision is in the ledger, and the no counts."""
    ids = await people(client, 8)
    pairs = list(zip(ids[::2], ids[1::2], strict=True))
    for ada, _ in pairs:
        await record(client, ada, "GRANTED", decidedAt=days_ago(2))
    for number, (ada, bob) in enumerate(pairs):
        await asyncio.gather(
            record(client, bob, "REFUSED", decidedAt=days_ago(3)),
            merge(client, ada, bob),
            record(client, bob, "GRANTED", decidedAt=days_ago(4)),
            send_order(client, f"o-{number}", customer={"externalId": f"k-{2 * number + 1}"}),
            record(client, ada, "GRANTED", decidedAt=days_ago(1)),
        )
    found = await everything(client)
    assert set(found) == set(ids[::2]), "nobody was taken for somebody new"
    for shown in found.values():
        assert (shown["consentHistory"]["totalCount"], len(shown["timeline"]["nodes"])) == (4, 5)
        (counting_one,) = shown["consents"]
        assert (counting_one["decision"], counting_one["decidedAt"]) == ("REFUSED", "2026-11-19T12:00:00Z")
        assert counting_one["reason"] is not None


async def test_ledgers_of_many_customers_cost_the_statements_of_one(client: Client) -> None:
    """A level is read at once, whoever is a family among them, and each has their own."""
    ids = await people(client, 12)
    for number, customer_id in enumerate(ids):
        await record(client, customer_id, source=str(number))
    await merge(client, ids[0], ids[11])
    query = """query($n: Int!) { customers(first: $n) {
      nodes { consents { id } consentHistory(first: 2) { totalCount } } } }"""
    costs = []
    for size in (1, 11):
        with counting() as statements:
            nodes = (await client.ask(query, {"n": size})).data["customers"]["nodes"]
        costs.append(sum(1 for each in statements if each.lstrip().upper().startswith("SELECT")))
        assert [len(node["consents"]) for node in nodes] == [1] * size
        assert [node["consentHistory"]["totalCount"] for node in nodes] == [2, *[1] * (size - 1)]
    assert costs[0] == costs[1] <= 7
