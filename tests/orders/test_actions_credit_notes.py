"""Taking over credit notes: what is kept, what a repetition does, what is refused without a trace."""

from datetime import timedelta
from typing import Any

import pytest

from domain.base.actors import SYSTEM
from domain.base.repository.events import list_events
from domain.customers.rules.profiles import Buyer
from domain.orders.actions.credit_notes import upsert_credit_notes
from domain.orders.rules import CreditNoteDetails
from tests.conftest import NOW, Client, StandingClock
from tests.orders.shop import Input, days_ago, line, note_input, read_order, refused, send_note, send_order
from tests.orders.test_api_concentration import cups
from tests.snapshots import snapshot


async def test_a_whole_credit_note_is_kept_as_it_was_sent(client: Client) -> None:
    """Every field comes back; the total is that of its lines, its customer its order's."""
    order = await send_order(client, customer={"externalId": "k"})
    lines = [line(quantity=2, price="0.001", externalId="l"), line("fee", total="3.5") | {"title": ""}]
    note = await send_note(client, number="C/1", orderId=order["id"], lines=lines, currencyCode="eur", sequence=1)
    assert note["total"] == {"amount": "3.502", "currencyCode": "EUR"}
    assert (note["number"], note["issuedAt"]) == ("C/1", "2026-11-22T00:00:00Z")
    assert note["summary"] == "Credit note C/1: 3.502 EUR given back"
    assert [(each["title"], each["quantity"], each["total"]["amount"]) for each in note["lines"]] == [
        ("A cup", 2, "0.002"),
        ("fee", 1, "3.50"),
    ]
    assert (note["customer"]["externalId"], note["order"]["externalId"]) == ("k", "o-1")
    known = await read_order(client)
    assert known is not None
    assert known["refunded"] == {"amount": "3.502", "currencyCode": "EUR"}
    assert (await send_note(client, "c-2", orderExternalId="o-1"))["number"] == "c-2"
    known = await read_order(client)
    assert known is not None
    assert (known["refunded"]["amount"], [each["externalId"] for each in known["creditNotes"]]) == (
        "7.502",
        ["c-1", "c-2"],
    )


async def test_the_same_note_again_changes_nothing(client: Client, clock: StandingClock) -> None:
    """A second click leaves note, lines, sums and event log as they are."""
    await send_order(client, customer={"externalId": "k"})
    for more in ({"orderExternalId": "o-1"}, {"customer": {"externalId": "k"}}, {}):
        first = await send_note(client, **more)
        before = await snapshot(client.works, without=["audit_entries"])
        clock.advance(timedelta(minutes=1))
        assert await send_note(client, **more) == first
        assert await snapshot(client.works, without=["audit_entries"]) == before


async def test_a_note_sent_again_is_replaced(client: Client) -> None:
    """Lines, order and customer are those that were sent last; the log has each change with whom it left."""
    await send_order(client, "o-1", customer={"externalId": "a"})
    await send_order(client, "o-2", customer={"externalId": "b"})
    first = await send_note(client, orderExternalId="o-1")
    changed = await send_note(client, orderExternalId="o-2", lines=[line("pot", quantity=3, price="1"), line("cup")])
    assert changed["id"] == first["id"]
    assert ([each["sku"] for each in changed["lines"]], changed["total"]["amount"]) == (["pot", "cup"], "13.00")
    assert changed["customer"]["externalId"] == "b"
    for name, amount in (("o-1", "0.00"), ("o-2", "13.00")):
        order = await read_order(client, name)
        assert order is not None
        assert order["refunded"]["amount"] == amount
    nobody = await send_note(client)
    assert (nobody["customer"], nobody["order"]) == (None, None)
    async with client.works.database.reading() as session:
        events = [e.subjects for e in await list_events(session, limit=100) if e.type == "CreditNoteChanged"]
    assert [set(subjects) - {"credit_note_id"} for subjects in events] == [
        {"order_id", "customer_id"},
        {"order_id", "customer_id", "previous_customer_id"},
        {"previous_customer_id"},
    ]


@pytest.mark.parametrize(("known", "sent", "is_taken"), [(5, 4, False), (5, 5, True), (5, None, True), (None, 0, True)])
async def test_an_older_sequence_is_ignored(
    client: Client,
    known: int | None,
    sent: int | None,
    is_taken: bool,  # noqa: FBT001
) -> None:
    """Only a counter below the known one is ignored, though the rest of it would be refused."""
    await send_note(client, sequence=known, number="known")
    more: Input = {} if is_taken else {"orderExternalId": "unknown"}
    assert (await send_note(client, sequence=sent, number="sent", **more))["number"] == (
        "sent" if is_taken else "known"
    )


async def test_a_newer_sequence_alone_is_remembered(client: Client) -> None:
    """The same note with a higher counter tells nobody anything, but what comes below it then is ignored."""
    first = await send_note(client, sequence=1, number="known")
    before = await snapshot(client.works, without=["audit_entries", "credit_notes"])
    assert await send_note(client, sequence=3, number="known") == first
    assert await snapshot(client.works, without=["audit_entries", "credit_notes"]) == before
    assert (await send_note(client, sequence=2, number="late"))["number"] == "known"


async def test_a_bad_note_is_refused_whole(client: Client) -> None:
    """Each fault is named with its place, and no row changes: neither of a new note nor of a known one."""
    order = await send_order(client, customer={"externalId": "k"})
    await send_note(client, "known", orderExternalId="o-1")
    cases: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
        ({"externalId": ""}, [("REQUIRED", "externalId")]),
        ({"number": "x" * 201}, [("TOO_LONG", "number")]),
        ({"orderExternalId": "o-2"}, [("NOT_FOUND", "orderExternalId")]),
        ({"orderExternalId": "x" * 201}, [("TOO_LONG", "orderExternalId")]),
        ({"orderId": order["customer"]["id"]}, [("NOT_FOUND", "orderId")]),
        ({"orderId": order["id"], "orderExternalId": "o-1"}, [("INVALID", "orderExternalId")]),
        ({"orderExternalId": "o-1", "currencyCode": "USD"}, [("INVALID", "currencyCode")]),
        ({"currencyCode": "ZZZ"}, [("INVALID", "currencyCode")]),
        ({"issuedAt": "1969-12-31T23:59:59Z"}, [("INVALID", "issuedAt")]),
        ({"issuedAt": days_ago(-1.1)}, [("INVALID", "issuedAt")]),
        ({"sequence": -1}, [("INVALID", "sequence")]),
        ({"lines": []}, [("REQUIRED", "lines")]),
        ({"lines": [line(quantity=0)]}, [("INVALID", "lines.0.quantity")]),
        ({"lines": [line(price="-4")]}, [("INVALID", "lines.0.unitPrice")]),
        ({"lines": [line(total="-4")]}, [("INVALID", "lines.0.total")]),
        ({"lines": [line(), line(sku="")]}, [("REQUIRED", "lines.1.sku")]),
        ({"lines": [line(price="6000000000")] * 2}, [("INVALID", "lines")]),
        ({"customer": {"email": "@"}}, [("INVALID", "customer.email")]),
    ]
    for wrong, expected in cases:
        for external_id in ("new", "known"):
            assert await refused(client, "creditNoteUpsert", note_input(external_id) | wrong) == expected, wrong


async def test_a_refused_note_leaves_the_others_of_its_batch(client: Client) -> None:
    """In a batch each note stands for itself: outcomes are aligned to it."""
    order = await send_order(client, customer={"externalId": "k"})

    def note(external_id: str, **more: Any) -> CreditNoteDetails:  # noqa: ANN401
        plain: Input = {"issued_at": NOW, "currency_code": "EUR", "lines": cups(1)}
        return CreditNoteDetails(external_id=external_id, **plain | more)

    notes = [
        note("a", order_external_id="o-1"),
        note("b", order_external_id="unknown"),
        note("c", currency_code="?"),
        note("d", buyer=Buyer(external_id="new")),
        note("e"),
        note("f", order_external_id="o-1", currency_code="USD"),
    ]
    outcomes = await client.works.perform(
        lambda work: upsert_credit_notes(work, notes=notes), actor=SYSTEM, action="test"
    )
    kinds = [type(outcome).__name__ for outcome in outcomes]
    assert kinds == ["UUID", "OrderNotFound", "Refusals", "UUID", "UUID", "Invalid"]
    known = await read_order(client)
    assert known is not None
    assert (known["id"], known["refunded"]["amount"]) == (order["id"], "1.00")
