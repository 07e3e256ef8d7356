"""Recording deliveries: what is on its way, how far it makes the order, what can never be."""

from datetime import timedelta
from typing import Any

from domain.base.repository.events import list_events
from tests.conftest import Client, StandingClock
from tests.orders.shop import (
    Input,
    days_ago,
    line,
    nothing_changes,
    order_input,
    read_order,
    refused,
    send_delivery,
    send_order,
    write,
)
from tests.snapshots import snapshot

LINES = [line("cup", quantity=3, externalId="a"), line("pot", quantity=2, externalId="b")]


def pieces(**quantities: int) -> list[Input]:
    """Return the lines of a delivery: pieces by the line's external id."""
    return [{"orderLineExternalId": name, "quantity": quantity} for name, quantity in quantities.items()]


def progress(order: Input) -> tuple[str, list[int]]:
    """Return how far an order has come, and what arrived of each line."""
    return order["state"], [each["deliveredQuantity"] for each in order["lines"]]


async def test_an_order_goes_through_its_states(client: Client) -> None:
    """Announced, sent and handed over piece by piece: each step shows, and undoing one shows too."""
    assert progress(await send_order(client, lines=LINES)) == ("PLACED", [0, 0])
    first: Input = {"lines": pieces(a=1, b=2)}
    assert progress(await send_delivery(client, "d-1", **first)) == ("PLACED", [0, 0])
    assert progress(await send_delivery(client, "d-1", shippedAt=days_ago(0.9))) == ("PARTLY_SHIPPED", [0, 0])
    shipped = await send_delivery(client, "d-2", shippedAt=days_ago(0.8), lines=pieces(a=2))
    assert progress(shipped) == ("SHIPPED", [0, 0])
    arrived = await send_delivery(client, "d-1", deliveredAt=days_ago(0.5))
    assert progress(arrived) == ("PARTLY_DELIVERED", [1, 2])
    assert progress(await send_delivery(client, "d-2", deliveredAt=days_ago(0.4))) == ("DELIVERED", [3, 2])
    assert progress(await send_delivery(client, "d-1", deliveredAt=None)) == ("PARTLY_DELIVERED", [2, 0])
    back = await send_delivery(client, "d-2", deliveredAt=None, shippedAt=None)
    assert progress(back) == ("PARTLY_SHIPPED", [0, 0])
    assert progress(await send_delivery(client, "d-1", shippedAt=None)) == ("PLACED", [0, 0])
    assert await read_order(client) == await send_order(client, lines=LINES)


async def test_what_arrived_was_sent(client: Client) -> None:
    """A delivery with an arrival only counts as sent as well."""
    await send_order(client, lines=LINES)
    arrived = await send_delivery(client, "d-1", deliveredAt=days_ago(0.5), lines=pieces(a=3))
    assert progress(arrived) == ("PARTLY_DELIVERED", [3, 0])
    assert progress(await send_delivery(client, "d-2", deliveredAt=days_ago(0.5), lines=pieces(b=2)))[0] == "DELIVERED"


async def test_a_new_delivery_without_lines_holds_every_line_in_full(client: Client) -> None:
    """Left out or null, both mean all; on a known delivery both leave its contents."""
    await send_order(client, "o-1", lines=LINES)
    order = await send_delivery(client, "d-1", shippedAt=days_ago(0.5))
    (delivery,) = order["deliveries"]
    assert sorted((each["orderLine"]["sku"], each["quantity"]) for each in delivery["lines"]) == [
        ("cup", 3),
        ("pot", 2),
    ]
    await send_order(client, "o-2", lines=LINES)
    assert progress(await send_delivery(client, "d-1", "o-2", lines=None, shippedAt=days_ago(0)))[0] == "SHIPPED"
    await send_order(client, "o-3", lines=LINES)
    await send_delivery(client, "d-1", "o-3", lines=pieces(a=1))
    for left_out in ({}, {"lines": None}):
        order = await send_delivery(client, "d-1", "o-3", carrier="Post", **left_out)
        assert [each["quantity"] for each in order["deliveries"][0]["lines"]] == [1]


async def test_left_out_stays_and_null_empties(client: Client) -> None:
    """Of a known delivery only what is named changes."""
    full: Input = {
        "carrier": " Poste ",
        "trackingNumber": "T 1",
        "trackingUrl": "https://example.org/t",
        "shippedAt": "2026-11-22T09:00:00+01:00",
        "deliveredAt": "2026-11-22T10:00:00Z",
    }
    await send_order(client)
    (delivery,) = (await send_delivery(client, **full))["deliveries"]
    kept = full | {"carrier": "Poste", "shippedAt": "2026-11-22T08:00:00Z"}
    assert {name: delivery[name] for name in full} == kept
    (delivery,) = (await send_delivery(client, trackingNumber="T 2"))["deliveries"]
    assert {name: delivery[name] for name in full} == kept | {"trackingNumber": "T 2"}
    nothing: Input = dict.fromkeys(full)
    (delivery,) = (await send_delivery(client, **nothing))["deliveries"]
    assert {name: delivery[name] for name in full} == dict.fromkeys(full)


async def test_the_same_delivery_again_changes_nothing(client: Client, clock: StandingClock) -> None:
    """A second click leaves every row and the event log as they are; only the audit knows of it."""
    await send_order(client, lines=LINES)
    given: dict[str, Any] = {"shippedAt": days_ago(0.5), "carrier": "Poste", "lines": pieces(a=1, b=1)}
    first = await send_delivery(client, **given)
    before = await snapshot(client.works, without=["audit_entries"])
    clock.advance(timedelta(minutes=1))
    assert await send_delivery(client, **given) == first
    assert await send_delivery(client) == first
    assert await snapshot(client.works, without=["audit_entries"]) == before
    assert (await send_delivery(client, carrier="Other"))["updatedAt"] > first["updatedAt"]


async def test_deliveries_are_named_within_their_order(client: Client) -> None:
    """Two orders may each have a delivery of the same name; one order lists its own as they were recorded."""
    for name in ("o-1", "o-2"):
        await send_order(client, name, lines=LINES)
    for name in ("z", "a"):
        await send_delivery(client, name, "o-1", lines=pieces(a=1))
    order = await send_delivery(client, "z", "o-2")
    assert [each["externalId"] for each in order["deliveries"]] == ["z"]
    known = await read_order(client)
    assert known is not None
    assert [each["externalId"] for each in known["deliveries"]] == ["z", "a"]


async def test_an_order_and_its_lines_are_named_by_id_too(client: Client) -> None:
    """Global ids and the shop's own ids name the same; pieces of one line named twice are added up."""
    order = await send_order(client, lines=LINES)
    cup = order["lines"][0]["id"]
    lines = [{"orderLineId": cup, "quantity": 1}, *pieces(a=1), {"orderLineId": cup, "quantity": 1}]
    given = {"externalId": "d", "orderId": order["id"], "lines": lines, "deliveredAt": days_ago(0)}
    recorded = (await write(client, "deliveryRecord", given)).found
    assert progress(recorded) == ("PARTLY_DELIVERED", [3, 0])


async def test_more_than_was_ordered_is_refused(client: Client) -> None:
    """Over all deliveries of a line, and within one; the field names the line, and nothing changes."""
    await send_order(client, lines=LINES)
    await send_delivery(client, "d-1", lines=pieces(a=2))
    plain = {"orderExternalId": "o-1", "externalId": "d-2"}
    for lines, path in (
        (pieces(a=2), "lines.0.quantity"),
        (pieces(b=1, a=2), "lines.1.quantity"),
        (pieces(b=3), "lines.0.quantity"),
        ([*pieces(b=1), *pieces(b=2)], "lines.0.quantity"),
        (None, "lines"),
    ):
        assert await refused(client, "deliveryRecord", plain | {"lines": lines}) == [("QUANTITY_EXCEEDED", path)]
    await send_delivery(client, "d-2", lines=pieces(a=1, b=2))
    found = await refused(client, "deliveryRecord", plain | {"externalId": "d-1", "lines": pieces(a=3)})
    assert found == [("QUANTITY_EXCEEDED", "lines.0.quantity")]
    assert progress(await send_delivery(client, "d-1", lines=pieces(a=1)))[0] == "PLACED"
    assert len((await send_delivery(client, "d-1", lines=pieces(a=2)))["deliveries"]) == 2


async def test_a_bad_delivery_is_refused_whole(client: Client) -> None:
    """Each fault is named with its place, and no row changes."""
    order = await send_order(client, lines=LINES)
    await send_delivery(client, "known", lines=pieces(a=1), shippedAt=days_ago(0.5))
    cup = order["lines"][0]["id"]
    cases: list[tuple[Input, list[tuple[str, str]]]] = [
        ({"orderExternalId": None}, [("REQUIRED", "orderId")]),
        ({"orderId": order["id"]}, [("REQUIRED", "orderId")]),
        ({"orderExternalId": "o-2"}, [("NOT_FOUND", "orderExternalId")]),
        ({"orderExternalId": ""}, [("NOT_FOUND", "orderExternalId")]),
        ({"orderExternalId": "x" * 201}, [("TOO_LONG", "orderExternalId")]),
        ({"externalId": " "}, [("REQUIRED", "externalId")]),
        ({"externalId": "x" * 201}, [("TOO_LONG", "externalId")]),
        ({"carrier": "x" * 201}, [("TOO_LONG", "carrier")]),
        ({"trackingNumber": "x" * 201}, [("TOO_LONG", "trackingNumber")]),
        ({"trackingUrl": "ftp://example.org"}, [("INVALID", "trackingUrl")]),
        ({"shippedAt": "1969-12-31T23:59:59Z"}, [("INVALID", "shippedAt")]),
        ({"deliveredAt": "9999-12-31T23:59:59Z"}, [("INVALID", "deliveredAt")]),
        ({"shippedAt": days_ago(0.4), "deliveredAt": days_ago(0.5)}, [("INVALID", "deliveredAt")]),
        ({"externalId": "known", "deliveredAt": days_ago(0.6)}, [("INVALID", "deliveredAt")]),
        ({"lines": []}, [("REQUIRED", "lines")]),
        ({"lines": pieces(a=0)}, [("INVALID", "lines.0.quantity")]),
        ({"lines": pieces(a=1_000_001)}, [("INVALID", "lines.0.quantity")]),
        ({"lines": pieces(c=1)}, [("NOT_FOUND", "lines.0.orderLineExternalId")]),
        ({"lines": pieces(**{"": 1})}, [("NOT_FOUND", "lines.0.orderLineExternalId")]),
        ({"lines": [*pieces(a=1), {"quantity": 1}]}, [("REQUIRED", "lines.1.orderLineId")]),
        (
            {"lines": [{"quantity": 1, "orderLineId": cup, "orderLineExternalId": "a"}]},
            [("REQUIRED", "lines.0.orderLineId")],
        ),
        (
            {"externalId": "", "lines": [{"quantity": 0}], "carrier": "\x07"},
            [
                ("INVALID", "carrier"),
                ("INVALID", "lines.0.quantity"),
                ("REQUIRED", "externalId"),
                ("REQUIRED", "lines.0.orderLineId"),
            ],
        ),
    ]
    for wrong, expected in cases:
        given = {"externalId": "new", "orderExternalId": "o-1", **wrong}
        assert sorted(await refused(client, "deliveryRecord", given)) == expected, wrong


async def test_lines_of_another_order_are_not_found(client: Client) -> None:
    """A line's id counts within its order only."""
    await send_order(client, "o-1", lines=LINES)
    other = await send_order(client, "o-2", lines=LINES)
    lines = [{"orderLineId": other["lines"][0]["id"], "quantity": 1}]
    given = {"externalId": "d", "orderExternalId": "o-1", "lines": lines}
    assert await refused(client, "deliveryRecord", given) == [("NOT_FOUND", "lines.0.orderLineId")]


async def test_sent_and_handed_over_at_once_is_possible(client: Client) -> None:
    """The two instants may be equal, not the other way round."""
    await send_order(client)
    order = await send_delivery(client, shippedAt=days_ago(0.5), deliveredAt=days_ago(0.5))
    assert order["state"] == "DELIVERED"


async def test_a_cancelled_order_stays_cancelled(client: Client) -> None:
    """What was on its way when it was called off is counted, and changes nothing of the state."""
    await send_order(client, lines=LINES, cancelledAt=days_ago(0.2))
    order = await send_delivery(client, deliveredAt=days_ago(0.1))
    assert progress(order) == ("CANCELLED", [3, 2])


async def test_a_recorded_delivery_is_told(client: Client) -> None:
    """The log has the delivery and the order that it changed, under the order's customer."""
    await send_order(client, customer={"externalId": "k"})
    await send_delivery(client, shippedAt=days_ago(0.5))
    async with client.works.database.reading() as session:
        events = (await list_events(session, limit=100))[-2:]
    assert [event.type for event in events] == ["DeliveryRecorded", "OrderChanged"]
    assert {frozenset(event.subjects) for event in events} == {
        frozenset({"delivery_id", "order_id", "customer_id"}),
        frozenset({"order_id", "customer_id"}),
    }


async def test_nothing_is_recorded_of_an_order_that_is_not_there(client: Client) -> None:
    """A delivery cannot come before its order."""
    async with nothing_changes(client.works):
        given = {"externalId": "d", "orderExternalId": "later"}
        assert (await write(client, "deliveryRecord", given)).refusals == [("NOT_FOUND", "orderExternalId")]
    assert (await write(client, "orderUpsert", order_input("later"))).found
