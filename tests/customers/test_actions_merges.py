"""Making one customer of two, and two of one again: what is done, what is refused, what nobody may notice."""

from datetime import timedelta
from uuid import uuid4

from domain.base.actors import Permission
from domain.base.repository.events import list_events
from domain.customers.rules.families import FAMILY_SIZE_MAX
from schema.base.ids import global_id
from tests.conftest import Client, StandingClock
from tests.customers.family_changing import MERGE, add_family, change, id_of, join, key_in, merge, unmerge
from tests.orders.shop import Input, new_customer, nothing_changes, read_customer, send_note, send_order
from tests.snapshots import Snapshot, snapshot

PREVIEW = """query($survivor: ID!, $absorbed: ID!) {
  customerMergePreview(survivorId: $survivor, absorbedId: $absorbed) {
    survivor { id displayName } absorbed { id displayName } blockers { code message field }
    identities { value } orderCount conversationCount } }"""

ABSORBED = """query($id: ID!) { customer(id: $id) { merges { state
  survivor { id } absorbed { id displayName country version tags value { orderCount netSpent { amount } }
    orders(first: 9) { totalCount } creditNotes(first: 9) { totalCount } identities { value }
    timeline(first: 9) { nodes { id } } merges { id } } } } }"""

WRITTEN_BY_A_MERGE = {
    *("audit_entries", "events", "event_heads"),
    *("customer_merges", "customers", "customer_records", "customer_tags", "customer_attributes"),
}
"""The edge, whose a record is, and what is shown; whatever came in through a customer is not among them."""


async def preview(client: Client, survivor_id: str, absorbed_id: str) -> Input | None:
    """Return what a merge would do."""
    found: Input | None = (await client.ask(PREVIEW, {"survivor": survivor_id, "absorbed": absorbed_id})).data[
        "customerMergePreview"
    ]
    return found


async def new_ids(client: Client, count: int) -> list[str]:
    """Add customers of whom nothing is known, and return their ids."""
    return [(await new_customer(client))["id"] for _ in range(count)]


async def without_audit(client: Client) -> Snapshot:
    """Return all rows but those that say who called."""
    return await snapshot(client.works, without={"audit_entries"})


async def test_two_customers_become_one_and_two_again(client: Client, clock: StandingClock) -> None:
    """The merge says who, when and why; the events say it to others; undone, both are as they were."""
    one, other = await new_ids(client, 2)
    before = [await read_customer(client, each) for each in (one, other)]
    clock.advance(timedelta(seconds=1))
    done = await merge(client, one, other, reason=" They called. ")
    assert done == {
        "id": done["id"],
        "state": "APPLIED",
        "reason": "They called.",
        "unmergeReason": None,
        "proposedAt": None,
        "mergedAt": "2026-11-22T12:00:01Z",
        "unmergedAt": None,
        "survivor": {"id": one},
        "absorbed": {"id": other},
    }
    clock.advance(timedelta(seconds=1))
    parted = await unmerge(client, done["id"], reason="They were sisters.")
    assert (parted["survivor"]["id"], parted["absorbed"]["id"]) == (one, other)
    node = (
        await client.ask(f"query($id: ID!) {{ node(id: $id) {{ ... on CustomerMerge {{ {MERGE} }} }} }}", done)
    ).data
    undone = {"state": "UNDONE", "unmergedAt": "2026-11-22T12:00:02Z", "unmergeReason": "They were sisters."}
    assert node["node"] == done | undone
    assert [await read_customer(client, each) for each in (one, other)] == before
    async with client.works.database.reading() as session:
        events = [(event.type, event.subjects) for event in await list_events(session, limit=100)]
    subjects = {"customer_id": one, "absorbed_id": other, "merge_id": done["id"]}
    pair = {name: key_in(each).hex for name, each in subjects.items()}
    assert events[-2:] == [("CustomerMerged", pair), ("CustomerUnmerged", pair)]


async def test_a_merge_rewrites_nothing(client: Client) -> None:
    """What came in through either of them stays as it was written, whether they are merged or taken apart."""
    await send_order(client, customer={"externalId": "k-1", "email": "ada@shop.test", "emailVerified": True})
    await send_order(client, "o-2", customer={"externalId": "k-2", "givenName": "Ada"})
    await send_note(client, orderExternalId="o-2")
    one, other = await ids_by_account(client, "k-1", "k-2")
    await change(client, "consentRecord", customerId=other, purpose="MARKETING", decision="GRANTED")
    before = await snapshot(client.works, without=WRITTEN_BY_A_MERGE)
    done = await merge(client, one, other)
    assert await snapshot(client.works, without=WRITTEN_BY_A_MERGE) == before
    await unmerge(client, done["id"])
    assert await snapshot(client.works, without=WRITTEN_BY_A_MERGE) == before


async def ids_by_account(client: Client, *accounts: str) -> list[str]:
    """Return the ids of the customers with these external ids."""
    query = "query($v: String!) { customerByIdentity(kind: EXTERNAL_ACCOUNT, value: $v) { id } }"
    return [(await client.ask(query, {"v": each})).data["customerByIdentity"]["id"] for each in accounts]


async def test_a_second_click_is_the_same_merge(client: Client) -> None:
    """The same merge again answers the same and changes nothing, also after its survivor was absorbed."""
    one, two, three = await new_ids(client, 3)
    done = await merge(client, one, two)
    before = await without_audit(client)
    assert await merge(client, one, two, reason="Again.") == done
    assert await without_audit(client) == before
    await merge(client, three, one)
    again = await merge(client, one, two)
    assert again == done | {"survivor": {"id": three}}


async def test_what_cannot_be_merged_is_refused_and_shown_before(client: Client) -> None:
    """With oneself, with an absorbed one, in a ring: MERGE_BLOCKED, nothing changed, and the preview says it first."""
    one, two, three, four = await new_ids(client, 4)
    await merge(client, one, two)
    await merge(client, three, four)
    refused: list[tuple[str, str, list[str]]] = [
        (one, one, ["absorbedId"]),
        (two, two, ["absorbedId"]),
        (two, one, ["absorbedId"]),
        (two, three, ["survivorId"]),
        (three, two, ["absorbedId"]),
        (two, four, ["survivorId", "absorbedId"]),
    ]
    for survivor, absorbed, fields in refused:
        async with nothing_changes(client.works):
            written = await change(client, "customerMerge", survivorId=survivor, absorbedId=absorbed)
        assert written.refusals == [("MERGE_BLOCKED", name) for name in fields]
        shown = await preview(client, survivor, absorbed)
        assert shown is not None
        assert shown["blockers"] == written.errors


async def test_who_does_not_exist_is_not_merged(client: Client) -> None:
    """A stranger's id, another thing's id and nonsense answer alike; the preview is null."""
    (one,) = await new_ids(client, 1)
    for stranger in (id_of(uuid4()), global_id("Order", key_in(one)), "nonsense", ""):
        for survivor, absorbed, field in ((one, stranger, "absorbedId"), (stranger, one, "survivorId")):
            async with nothing_changes(client.works):
                written = await change(client, "customerMerge", survivorId=survivor, absorbedId=absorbed)
            assert written.refusals == [("NOT_FOUND", field)]
    assert await preview(client, one, id_of(uuid4())) is None
    assert await preview(client, id_of(uuid4()), one) is None
    assert await preview(client, one, global_id("Order", key_in(one))) is None
    bad = await client.ask(PREVIEW, {"survivor": one, "absorbed": "nonsense"})
    assert bad.codes == ["BAD_USER_INPUT"]


async def test_a_person_has_at_most_a_hundred_records(client: Client) -> None:
    """Two families of 60 and 40 are merged; one more is refused, on either side, and shown in the preview."""
    large = await add_family(client.works, size=60)
    small = await add_family(client.works, size=40)
    (one,) = await new_ids(client, 1)
    await join(client.works, large, small)
    assert FAMILY_SIZE_MAX == 100
    for survivor, absorbed in ((id_of(large), one), (one, id_of(large))):
        async with nothing_changes(client.works):
            written = await change(client, "customerMerge", survivorId=survivor, absorbedId=absorbed)
        assert written.refusals == [("MERGE_BLOCKED", "absorbedId")]
        shown = await preview(client, survivor, absorbed)
        assert shown is not None
        assert shown["blockers"] == written.errors


async def test_a_preview_shows_what_would_be_gathered(client: Client) -> None:
    """Both as they are, all identities, the orders of both families; it changes nothing, and a merge keeps its word."""
    await send_order(client, customer={"externalId": "k-1"})
    await send_order(client, "o-2", customer={"externalId": "k-2"})
    await send_order(client, "o-3", customer={"externalId": "k-3"})
    await send_order(client, "o-4", customer={"externalId": "k-3"})
    one, two, three = await ids_by_account(client, "k-1", "k-2", "k-3")
    await merge(client, two, three)
    async with nothing_changes(client.works):
        shown = await preview(client, one, two)
    assert shown == {
        "survivor": {"id": one, "displayName": "k-1"},
        "absorbed": {"id": two, "displayName": "k-2"},
        "blockers": [],
        "identities": [{"value": "k-1"}, {"value": "k-2"}, {"value": "k-3"}],
        "orderCount": 4,
        "conversationCount": 0,
    }
    await merge(client, one, two)
    assert (await read_customer(client, one))["value"]["orderCount"] == 4
    for survivor, absorbed in ((one, two), (two, three), (one, one)):
        again = await preview(client, survivor, absorbed)
        assert again is not None
        assert (again["orderCount"], again["identities"]) == (4, shown["identities"]), "nothing is counted twice"


async def test_a_merge_of_merges_comes_apart_at_any_edge(client: Client) -> None:
    """An inner edge takes a whole branch off; whom that branch absorbed stays with it."""
    one, two, three, four = ids = await new_ids(client, 4)
    await merge(client, three, four)
    inner = await merge(client, two, three)
    outer = await merge(client, one, two)
    parted = await unmerge(client, inner["id"])
    assert (parted["survivor"], parted["absorbed"]) == ({"id": one, "version": 2}, {"id": three, "version": 2})
    assert [(await read_customer(client, each))["id"] for each in ids] == [one, one, three, three]
    parted = await unmerge(client, outer["id"])
    assert (parted["survivor"], parted["absorbed"]) == ({"id": one, "version": 1}, {"id": two, "version": 1})
    assert [(await read_customer(client, each))["id"] for each in ids] == [one, two, three, three]
    again = await merge(client, three, one)
    assert again["id"] not in (inner["id"], outer["id"])


async def test_only_an_applied_merge_is_undone(client: Client) -> None:
    """Undone, rejected or proposed it is INVALID_STATE, unknown NOT_FOUND; nothing changes. Merged anew, it can be."""
    one, two = await new_ids(client, 2)
    done = await merge(client, one, two)
    await unmerge(client, done["id"])
    proposed, rejected = await propose(client, "Ada"), await propose(client, "Eva")
    await change(client, "customerMergeReject", mergeId=rejected["id"])
    for merge_id in (done["id"], proposed["id"], rejected["id"]):
        async with nothing_changes(client.works):
            written = await change(client, "customerUnmerge", mergeId=merge_id)
        assert written.refusals == [("INVALID_STATE", "mergeId")]
    for stranger in (global_id("CustomerMerge", uuid4()), one, "nonsense"):
        async with nothing_changes(client.works):
            written = await change(client, "customerUnmerge", mergeId=stranger)
        assert written.refusals == [("NOT_FOUND", "mergeId")]
    anew = await merge(client, one, two)
    assert anew["id"] != done["id"]
    await unmerge(client, anew["id"])


async def propose(client: Client, name: str) -> Input:
    """Add two customers who may be the same person, and return the proposal."""
    known = {"givenName": name, "familyName": "Byron", "birthDate": "1990-01-01", "country": "IT"}
    one, other = await new_customer(client, **known), await new_customer(client, **known)
    query = "{ customerMerges(first: 1, state: [PROPOSED]) { nodes { id survivor { id } absorbed { id } } } }"
    (found,) = (await client.ask(query)).data["customerMerges"]["nodes"]
    assert {found["survivor"]["id"], found["absorbed"]["id"]} == {one["id"], other["id"]}
    return dict(found)


async def test_a_proposal_is_rejected_once(client: Client) -> None:
    """Rejected again it stays as it was decided; a merge that was applied or undone is INVALID_STATE."""
    proposed = await propose(client, "Ada")
    written = await change(client, "customerMergeReject", mergeId=proposed["id"], reason="Twins.")
    rejected = written.found["merge"]
    assert rejected == {
        "id": proposed["id"],
        "state": "REJECTED",
        "reason": "Twins.",
        "rejectedAt": rejected["rejectedAt"],
    }
    before = await without_audit(client)
    again = await change(client, "customerMergeReject", mergeId=proposed["id"], reason="Really.")
    assert again.found["merge"] == rejected
    assert await without_audit(client) == before
    one, two = await new_ids(client, 2)
    done = await merge(client, one, two)
    for _ in ("applied", "undone"):
        async with nothing_changes(client.works):
            written = await change(client, "customerMergeReject", mergeId=done["id"])
        assert written.refusals == [("INVALID_STATE", "mergeId")]
        await change(client, "customerUnmerge", mergeId=done["id"])
    async with nothing_changes(client.works):
        written = await change(client, "customerMergeReject", mergeId=global_id("CustomerMerge", uuid4()))
    assert written.refusals == [("NOT_FOUND", "mergeId")]


async def test_a_proposal_that_is_accepted_is_the_merge(client: Client, clock: StandingClock) -> None:
    """Whichever of the two survives, the proposal becomes the merge; undone, the pair waits as it did before."""
    waiting = """{ customerMerges(first: 5, state: [PROPOSED]) { totalCount nodes {
      score evidence proposedAt mergedAt survivor { id } absorbed { id } } } }"""
    proposed = await propose(client, "Ada")
    before = (await client.ask(waiting)).data["customerMerges"]
    clock.advance(timedelta(hours=1))
    done = await merge(client, proposed["absorbed"]["id"], proposed["survivor"]["id"])
    assert done["id"] == proposed["id"]
    assert (done["proposedAt"], done["mergedAt"]) == ("2026-11-22T12:00:00Z", "2026-11-22T13:00:00Z")
    assert (done["survivor"], done["absorbed"]) == (proposed["absorbed"], proposed["survivor"])
    assert (await client.ask(waiting)).data["customerMerges"] == {"totalCount": 0, "nodes": []}
    await unmerge(client, done["id"])
    assert (await client.ask(waiting)).data["customerMerges"] == before


async def test_a_reason_has_a_limit(client: Client) -> None:
    """A thousand characters are kept; one more is refused by each of the three writes, which then does nothing."""
    one, two = await new_ids(client, 2)
    long = "x" * 1_001
    proposed = await propose(client, "Ada")
    done = await merge(client, one, two, reason=long[1:])
    assert done["reason"] == long[1:]
    (three,) = await new_ids(client, 1)
    for field, given in (
        ("customerMerge", {"survivorId": one, "absorbedId": three}),
        ("customerUnmerge", {"mergeId": done["id"]}),
        ("customerMergeReject", {"mergeId": proposed["id"]}),
    ):
        async with nothing_changes(client.works):
            written = await change(client, field, reason=long, **given)
        assert written.refusals == [("TOO_LONG", "reason")]


async def test_who_may_only_read_merges_nobody(client: Client) -> None:
    """The three writes need `customers:write`: without it they are FORBIDDEN as a whole, whatever they are about."""
    one, two = await new_ids(client, 2)
    done = await merge(client, one, two)
    key = await client.new_key(*(set(Permission) - {Permission.CUSTOMERS_WRITE}))
    for written in (
        f'customerMerge(input: {{survivorId: "{one}", absorbedId: "{two}"}})',
        f'customerUnmerge(input: {{mergeId: "{done["id"]}"}})',
        f'customerMergeReject(input: {{mergeId: "{done["id"]}"}})',
    ):
        answer = await client.ask(f"mutation {{ {written} {{ userErrors {{ code }} }} }}", key=key)
        assert answer.codes == ["FORBIDDEN"]
    assert (await read_customer(client, two))["id"] == one


async def test_the_absorbed_one_is_shown_as_itself(client: Client) -> None:
    """What is known of it alone: its own name, tags, orders, timeline; not what it has in common with the others."""
    await send_order(client, customer={"externalId": "k-1", "givenName": "Ada"})
    await send_order(client, "o-2", customer={"externalId": "k-2", "givenName": "Eva", "country": "DE"})
    await send_note(client, orderExternalId="o-2")
    one, two = await ids_by_account(client, "k-1", "k-2")
    (three,) = [(await new_customer(client, externalId="k-3", tags=["vip"]))["id"]]
    await merge(client, two, three)
    await merge(client, one, two)
    merges = (await client.ask(ABSORBED, {"id": one})).data["customer"]["merges"]
    assert [each["survivor"]["id"] for each in merges] == [one, one]
    absorbed = {each["absorbed"]["id"]: each["absorbed"] for each in merges}
    assert absorbed[three] == {
        "id": three,
        "displayName": "k-3",
        "country": None,
        "version": 1,
        "tags": ["vip"],
        "value": {"orderCount": 0, "netSpent": {"amount": "0.00"}},
        "orders": {"totalCount": 0},
        "creditNotes": {"totalCount": 0},
        "identities": [{"value": "k-3"}],
        "timeline": {"nodes": []},
        "merges": [],
    }
    second = absorbed[two]
    assert len(second.pop("timeline")["nodes"]) == 2
    assert second == {
        "id": two,
        "displayName": "Eva",
        "country": "DE",
        "version": 1,
        "tags": [],
        "value": {"orderCount": 1, "netSpent": {"amount": "6.00"}},
        "orders": {"totalCount": 1},
        "creditNotes": {"totalCount": 1},
        "identities": [{"value": "k-2"}],
        "merges": [],
    }


async def test_what_comes_in_while_merged_is_with_whom_it_came_in_through(client: Client) -> None:
    """An order for the absorbed account counts for the survivor until they are taken apart, then for its own."""
    await send_order(client, customer={"externalId": "k-1"})
    await send_order(client, "o-2", customer={"externalId": "k-2"})
    one, two = await ids_by_account(client, "k-1", "k-2")
    done = await merge(client, one, two)
    assert (await send_order(client, "o-3", customer={"externalId": "k-2"}))["customer"]["id"] == one
    assert await spent(client, one) == (3, "30.00")
    await send_order(client, "o-2", customer={"externalId": "k-1"})
    assert await spent(client, one) == (3, "30.00")
    await unmerge(client, done["id"])
    assert [await spent(client, each) for each in (one, two)] == [(2, "20.00"), (1, "10.00")]


async def spent(client: Client, customer_id: str) -> tuple[int, str]:
    """Return how many orders a customer has, and what they brought."""
    value = (await read_customer(client, customer_id))["value"]
    return value["orderCount"], value["netSpent"]["amount"]
