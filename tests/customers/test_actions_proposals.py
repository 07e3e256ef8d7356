"""Noticing that two customers may be one, and asking a person."""

from collections import Counter
from datetime import timedelta
from uuid import UUID

from domain.base.actors import SYSTEM
from domain.base.repository.events import list_events
from domain.base.work import Work, Works
from domain.customers.actions.buyers import recognise_buyers
from domain.customers.rules.profiles import Buyer
from schema.base.ids import global_id
from tests.conftest import Client, StandingClock
from tests.customers.identities import (
    EMAIL,
    PHONE,
    add,
    change,
    identities,
    merge,
    merges,
    reject,
    unmerge,
    verify,
)
from tests.orders.shop import Input, new_customer, nothing_changes, send_order, write

BORN = {"givenName": "Ada", "familyName": "Byron", "birthDate": "1990-12-10"}


async def proposed(client: Client) -> list[tuple[str, str]]:
    """Return score and signals of what waits for a person, the newest first."""
    return [(str(each["score"]), " ".join(each["signals"])) for each in await merges(client, "PROPOSED")]


async def rename(client: Client, customer: Input, **more: object) -> None:
    """Change a customer, so that they are looked at again."""
    assert (await write(client, "customerUpdate", {"customerId": customer["id"], **more})).errors == []


async def test_the_same_number_is_proposed(client: Client, works: Works, clock: StandingClock) -> None:
    """With its evidence; the older customer would survive; looked at again it is the same proposal."""
    ada = await new_customer(client, phone=PHONE)
    clock.advance(timedelta(days=1))
    bob = await new_customer(client, phone="06 69812345")
    (found,) = await merges(client)
    assert found == {
        "id": found["id"],
        "state": "PROPOSED",
        "score": "0.5000",
        "signals": ["SAME_IDENTITY"],
        "evidence": [f"The same, not verified: PHONE {PHONE}."],
        "reason": None,
        "proposedAt": "2026-11-23T12:00:00Z",
        "mergedAt": None,
        "rejectedAt": None,
        "unmergedAt": None,
        "survivor": {"id": ada["id"]},
        "absorbed": {"id": bob["id"]},
    }
    clock.advance(timedelta(days=1))
    for customer in (ada, bob):
        await rename(client, customer, locale="it-IT")
    assert await merges(client) == [found]
    async with works.database.reading() as session:
        types = Counter(event.type for event in await list_events(session, limit=100))
    assert types["MergeProposed"] == 1


async def test_a_proposal_grows_with_its_evidence(client: Client) -> None:
    """Verified on one side, then the same name, then another one: the score is what speaks for it most."""
    ada = await new_customer(client, phone=PHONE)
    bob = await new_customer(client, phone=PHONE)
    (number,) = await identities(client, bob["id"])
    await verify(client, number)
    assert await proposed(client) == [("0.7000", "VERIFIED_ON_ONE")]
    for customer in (ada, bob):
        await rename(client, customer, givenName="Ada")
    assert await proposed(client) == [("0.8200", "VERIFIED_ON_ONE SAME_NAME")]
    await rename(client, bob, givenName="Bob")
    assert await proposed(client) == [("0.8200", "VERIFIED_ON_ONE SAME_NAME")], "as it was when it was proposed"


async def test_new_proof_is_shown_also_where_names_differ_by_now(client: Client) -> None:
    """A person decides on what is verified, though the score was higher before."""
    ada, bob = [await new_customer(client, phone=PHONE, givenName="Ada", country="IT") for _ in range(2)]
    assert await proposed(client) == [("0.7150", "SAME_IDENTITY SAME_NAME SAME_COUNTRY")]
    await rename(client, bob, givenName="Bob")
    await verify(client, (await identities(client, ada["id"]))[0])
    assert await proposed(client) == [("0.5362", "VERIFIED_ON_ONE OTHER_NAME SAME_COUNTRY")]


async def test_a_mailbox_in_two_spellings_is_proposed_with_a_name(client: Client) -> None:
    """Plus tags anywhere, dots where the provider ignores them; alone it is too little."""
    for one, other, name, expected in (
        ("eve@example.org", "eve+shop@example.org", None, []),
        ("ada@example.org", "ada+shop@example.org", "Ada", [("0.6400", "SAME_MAILBOX SAME_NAME")]),
        ("b.o.b@gmail.com", "Bob+x@GoogleMail.com", "Bob", [("0.6400", "SAME_MAILBOX SAME_NAME")]),
        ("c.d@example.org", "cd@example.org", "Cid", []),
    ):
        before = await proposed(client)
        for email in (one, other):
            await new_customer(client, email=email, givenName=name)
        assert await proposed(client) == expected + before, one


async def test_a_name_is_proposed_with_a_day_of_birth(client: Client) -> None:
    """In any order, case and accents; alone, misspelled or with another day it is too little."""
    await new_customer(client, **BORN)
    await new_customer(client, givenName="Ada", familyName="Byron")
    await new_customer(client, **BORN | {"birthDate": "1990-12-11"})
    await new_customer(client, **BORN | {"familyName": "Biron"})
    await new_customer(client, birthDate=BORN["birthDate"])
    assert await proposed(client) == []
    await new_customer(client, givenName="BÝRON", familyName="ada", birthDate=BORN["birthDate"], country="IT")
    assert await proposed(client) == [("0.5800", "SAME_NAME SAME_BIRTH_DATE")]


async def test_a_family_with_one_number_is_not_proposed(client: Client) -> None:
    """Other names and days of birth speak against it; a misspelled name speaks for it."""
    await new_customer(client, phone=PHONE, givenName="Ada", familyName="Byron", birthDate="1990-12-10")
    await new_customer(client, phone=PHONE, givenName="Bob", familyName="Byron")
    await new_customer(client, phone=PHONE, birthDate="1991-01-01")
    assert await proposed(client) == [("0.5000", "SAME_IDENTITY")], "bob, and whoever was born then"
    await new_customer(client, phone=PHONE, givenName="Ada", familyName="Biron")
    assert ("0.6250", "SAME_IDENTITY SIMILAR_NAME") in await proposed(client)


async def test_what_several_share_is_no_evidence(client: Client) -> None:
    """Also for two who do not share it themselves, and beside other evidence."""
    school = await new_customer(client)
    await add(client, school["id"], isShared=True)
    await add(client, school["id"], EMAIL, "EMAIL", isShared=True)
    for _ in range(2):
        customer = await new_customer(client, phone=PHONE)
        await add(client, customer["id"], EMAIL, "EMAIL")
    assert await proposed(client) == []
    for _ in range(2):
        await new_customer(client, phone=PHONE, **BORN)
    assert await proposed(client) == [("0.5800", "SAME_NAME SAME_BIRTH_DATE")]


async def test_a_shared_address_is_no_mailbox_of_anybodys(client: Client) -> None:
    """Who has it without knowing that others share it is not taken for them by another spelling of it."""
    known = await new_customer(client, email=EMAIL, givenName="Ada")
    other = await new_customer(client)
    await add(client, other["id"], EMAIL, "EMAIL", isShared=True)
    await new_customer(client, email="ada+shop@example.org", givenName="Ada")
    assert await proposed(client) == []
    await change(client, "Remove", identityId=(await identities(client, other["id"]))[0]["id"])
    await rename(client, known, locale="it-IT")
    assert await proposed(client) == [("0.6400", "SAME_MAILBOX SAME_NAME")]


async def test_what_stands_for_anybody_is_no_evidence(client: Client) -> None:
    """Two profiles with one relay address of a marketplace, and one name."""
    for _ in range(2):
        await new_customer(client, email="x1@marketplace.amazon.de", givenName="Ada")
    for number in range(2):
        customer = {"email": "noreply@shop.test", "emailVerified": True, "givenName": "Ada"}
        await send_order(client, f"o-{number}", customer=customer)
    assert await proposed(client) == []


async def test_what_many_have_is_no_evidence(client: Client) -> None:
    """Six customers with one number are asked about; with the seventh it is a shop's own, whatever else there is."""
    for _ in range(6):
        await new_customer(client, phone=PHONE)
    assert await proposed(client) == [("0.5000", "SAME_IDENTITY")] * 15
    await new_customer(client, phone=PHONE, **BORN)
    await new_customer(client, phone=PHONE, **BORN)
    assert (await proposed(client))[0] == ("0.5800", "SAME_NAME SAME_BIRTH_DATE")
    assert len(await proposed(client)) == 16


async def test_keys_that_many_have_are_no_evidence(client: Client) -> None:
    """Seven of one name and day of birth are no longer asked about, nor are seven spellings of one mailbox."""
    for number in range(7):
        await new_customer(client, email=f"ada+{number}@example.org", **BORN)
    expected = ("0.7480", "SAME_MAILBOX SAME_NAME SAME_BIRTH_DATE")
    assert await proposed(client) == [expected] * 15


async def test_merges_are_listed_page_by_page(client: Client) -> None:
    """The newest first, in the states that are asked for, with the count of them all, from both ends."""
    for _ in range(4):
        await new_customer(client, phone=PHONE)
    everything = await merges(client)
    assert len(everything) == 6
    assert (await reject(client, everything[0]["id"])).codes == []
    done = await merge(client, everything[1]["survivor"]["id"], everything[1]["absorbed"]["id"])
    ids = [each["id"] for each in everything]
    assert [each["id"] for each in await merges(client, "REJECTED")] == ids[:1]
    assert [each["id"] for each in await merges(client, "APPLIED")] == [done]
    waiting = [each["id"] for each in await merges(client, "PROPOSED")]
    assert waiting == ids[2:]
    assert [each["id"] for each in await merges(client, "REJECTED", "PROPOSED")] == ids[:1] + waiting
    assert done == ids[1]
    assert [each["id"] for each in await merges(client)] == ids
    query = """query($first: Int, $after: String, $last: Int, $before: String) {
      customerMerges(state: [PROPOSED], first: $first, after: $after, last: $last, before: $before) {
        nodes { id } totalCount pageInfo { endCursor startCursor hasNextPage hasPreviousPage } } }"""
    for sizes, cursor, more in (
        (("first", "after"), "endCursor", "hasNextPage"),
        (("last", "before"), "startCursor", "hasPreviousPage"),
    ):
        seen: list[str] = []
        page: Input = {"pageInfo": {cursor: None, more: True}}
        while page["pageInfo"][more]:
            answer = await client.ask(query, {sizes[0]: 3, sizes[1]: page["pageInfo"][cursor]})
            page = answer.data["customerMerges"]
            found = [node["id"] for node in page["nodes"]]
            seen = seen + found if sizes[0] == "first" else found + seen
            assert page["totalCount"] == len(waiting)
        assert seen == waiting
    for wrong in ({}, {"first": 0}, {"first": 101}, {"first": 1, "after": "?"}, {"first": 1, "last": 1}):
        assert (await client.ask(query, wrong)).codes == ["BAD_USER_INPUT"]


async def test_a_rejected_pair_does_not_come_back(client: Client, clock: StandingClock) -> None:
    """Not by looking again, nor by more that is not verified; by new proof it does, and is asked about anew."""
    ada, bob = [await new_customer(client, phone=PHONE) for _ in range(2)]
    (found,) = await merges(client)
    clock.advance(timedelta(days=1))
    for _ in range(2):  # a second click changes nothing
        payload = (await reject(client, found["id"])).data["customerMergeReject"]
        assert payload["merge"] == {
            "id": found["id"],
            "state": "REJECTED",
            "reason": "Two.",
            "rejectedAt": "2026-11-23T12:00:00Z",
        }
        clock.advance(timedelta(days=1))
    for customer in (ada, bob):
        await rename(client, customer, givenName="Ada", birthDate="1990-12-10")
        await add(client, customer["id"], "+390669812346")
    assert await proposed(client) == []
    (number,) = [each for each in await identities(client, ada["id"]) if each["value"] == PHONE]
    await verify(client, number)
    expected = "VERIFIED_ON_ONE SAME_IDENTITY SAME_NAME SAME_BIRTH_DATE"
    assert await proposed(client) == [("0.9370", expected)]
    assert [each["state"] for each in await merges(client)] == ["PROPOSED", "REJECTED"]
    await reject(client, (await merges(client, "PROPOSED"))[0]["id"])
    await rename(client, bob, locale="it-IT")
    assert await proposed(client) == []


async def test_what_cannot_be_rejected(client: Client) -> None:
    """What is none, and what was decided otherwise."""
    ada, bob = [await new_customer(client, phone=PHONE) for _ in range(2)]
    done = await merge(client, ada["id"], bob["id"])
    for wrong, expected in (
        (done, ("INVALID_STATE", ["mergeId"])),
        (ada["id"], ("NOT_FOUND", ["mergeId"])),
        (global_id("CustomerMerge", UUID(int=7)), ("NOT_FOUND", ["mergeId"])),
        ("?", ("NOT_FOUND", ["mergeId"])),
    ):
        async with nothing_changes(client.works):
            payload = (await reject(client, wrong)).data["customerMergeReject"]
        assert payload["merge"] is None
        assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [expected]
    await unmerge(client, done)
    assert (await reject(client, done)).data["customerMergeReject"]["userErrors"][0]["code"] == "INVALID_STATE"


async def test_proof_that_was_rejected_does_not_come_back_by_half(client: Client) -> None:
    """Rejected though it was proven on both sides, it is not proposed as verified on one."""
    profile = await new_customer(client, externalId="a", email=EMAIL)
    await send_order(client, "o-1", customer={"externalId": "b"})
    await send_order(client, "o-1", customer={"externalId": "b", "email": EMAIL, "emailVerified": True})
    assert await proposed(client) == [("0.7000", "VERIFIED_ON_ONE")]
    await send_order(client, "o-2", customer={"externalId": "a", "email": EMAIL, "emailVerified": True})
    (found,) = await merges(client)
    assert (found["score"], found["signals"]) == ("0.9500", ["VERIFIED_ON_BOTH"])
    await reject(client, found["id"])
    await rename(client, profile, givenName="Ada")
    await send_order(client, "o-2", customer={"externalId": "a", "email": EMAIL, "emailVerified": True})
    assert await proposed(client) == []


async def test_what_was_undone_waits_as_before(client: Client) -> None:
    """Where a person merged the two and took it back, the proposal is as it was: it has not been decided."""
    ada, bob = [await new_customer(client, phone=PHONE) for _ in range(2)]
    (before,) = await merges(client)
    done = await merge(client, bob["id"], ada["id"])
    (applied,) = await merges(client)
    assert [applied[name] for name in ("state", "score", "signals")] == ["APPLIED", "0.5000", ["SAME_IDENTITY"]]
    assert (applied["id"], applied["survivor"]["id"]) == (done, bob["id"])
    assert done == before["id"]
    await unmerge(client, done)
    (again,) = await merges(client, "PROPOSED")
    assert again == before | {"id": again["id"]}
    await verify(client, (await identities(client, ada["id"]))[0])
    assert await proposed(client) == [("0.7000", "VERIFIED_ON_ONE")]
    assert sorted(each["state"] for each in await merges(client)) == ["PROPOSED", "UNDONE"]


async def test_a_merge_that_nobody_proposed_is_not_proposed_once_it_is_undone(client: Client) -> None:
    """A person decided on it; by new verified evidence it is asked about anew."""
    ada, bob = [await new_customer(client) for _ in range(2)]
    await unmerge(client, await merge(client, ada["id"], bob["id"]))
    for customer in (ada, bob):
        await add(client, customer["id"])
    assert await proposed(client) == []
    await verify(client, (await identities(client, ada["id"]))[0])
    assert await proposed(client) == [("0.7000", "VERIFIED_ON_ONE")]


async def test_proposals_within_a_family_wait(client: Client) -> None:
    """While two are one customer nobody is asked about them; taken apart they are proposed as before."""
    ada, bob, eve = [await new_customer(client, phone=PHONE) for _ in range(3)]
    before = await merges(client, "PROPOSED")
    assert len(before) == 3
    edge = await merge(client, ada["id"], bob["id"])
    assert {each["absorbed"]["id"] for each in await merges(client, "PROPOSED")} == {eve["id"]}
    second = await merge(client, ada["id"], eve["id"])
    assert await merges(client, "PROPOSED") == []
    assert len(await merges(client)) == 2, "what waits for nobody is not listed at all"
    await rename(client, ada, givenName="Ada")
    await unmerge(client, second)
    await unmerge(client, edge)
    after = await merges(client, "PROPOSED")
    assert sorted(str(each | {"id": ""}) for each in after) == sorted(str(each | {"id": ""}) for each in before)


async def test_a_proposal_between_families_shows_who_they_are_now(client: Client) -> None:
    """Of an absorbed one the survivor is shown; who would be absorbed is shown as themselves."""
    first, ada, bob = [await new_customer(client) for _ in range(3)]
    await merge(client, first["id"], ada["id"])
    for customer in (bob, first):
        await add(client, customer["id"])
    (found,) = await merges(client, "PROPOSED")
    assert (found["survivor"]["id"], found["absorbed"]["id"]) == (first["id"], bob["id"])
    await rename(client, ada, givenName="Ada")
    assert len(await merges(client, "PROPOSED")) == 1


async def test_buyers_of_one_batch_are_proposed(works: Works, client: Client) -> None:
    """What one batch proves of two customers that it brought itself, in either direction, is one proposal."""

    async def story(work: Work) -> int:
        buyers = [
            Buyer(external_id="a"),
            Buyer(email=EMAIL, is_email_verified=True),
            Buyer(external_id="a", email=EMAIL, is_email_verified=True),
            Buyer(external_id="a", email="two@example.org", is_email_verified=True),
            Buyer(external_id="b"),
            Buyer(external_id="b", email="two@example.org", is_email_verified=True),
        ]
        return len(set(await recognise_buyers(work, buyers=buyers)))

    assert await works.perform(story, actor=SYSTEM, action="test") == 3
    assert await proposed(client) == [("0.9500", "VERIFIED_ON_BOTH")] * 2
