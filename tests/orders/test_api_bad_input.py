"""Whatever a client sends, the answer says what was wrong with it, and nothing changes."""

import json
from typing import Any

import httpx

from tests.conftest import Client
from tests.orders.shop import (
    Input,
    ask_write,
    line,
    new_customer,
    note_input,
    nothing_changes,
    order_input,
    refused,
    send_note,
    send_order,
    write,
)

WRONG_ORDERS: list[Input] = [
    {"externalId": None},
    {"externalId": 7},
    {"externalId": ["o"]},
    {"placedAt": "0000-01-01T00:00:00Z"},
    {"placedAt": "2026-02-30T00:00:00Z"},
    {"placedAt": "2026-11-22"},
    {"placedAt": "2026-11-22T09:00:00"},
    {"placedAt": "9999-12-31T23:59:59-01:00"},
    {"placedAt": 1_700_000_000},
    {"placedAt": "x" * 10_001},
    {"currencyCode": 978},
    {"currencyCode": "x" * 10_001},
    {"lines": None},
    {"lines": [None]},
    {"lines": "cup"},
    {"lines": [{"sku": "cup"}]},
    {"lines": [line() | {"quantity": 1.5}]},
    {"lines": [line() | {"quantity": "1"}]},
    {"lines": [line() | {"quantity": 2**31}]},
    {"lines": [line() | {"quantity": True}]},
    {"lines": [line(price="ten")]},
    {"lines": [line(price="")]},
    {"lines": [line(price="NaN")]},
    {"lines": [line(price="Infinity")]},
    {"lines": [line(price="1" * 41)]},
    {"lines": [line() | {"unitPrice": True}]},
    {"lines": [line() | {"unitPrice": {"amount": "1"}}]},
    {"lines": [line(withdrawalException="TIRED")]},
    {"lines": [line(unknown=1)]},
    {"sequence": 2**31},
    {"sequence": 1.5},
    {"customer": {"email": 7}},
    {"customer": "ada"},
    {"surprise": 1},
]
"""What a client's code is answerable for: refused before anything runs."""

TEXTS = ["a\x00b", "\x00", "a\x1fb", "a\x7f", "a\u0085b"]
"""Control characters; PostgreSQL cannot keep the first two at all."""


async def test_wrong_types_never_run(client: Client) -> None:
    """A value that is not of its type is the top-level error BAD_USER_INPUT, and nothing changes."""
    async with nothing_changes(client.works):
        for wrong in WRONG_ORDERS:
            answer = await ask_write(client, "orderUpsert", order_input() | wrong)
            assert (answer.status, answer.codes) == (200, ["BAD_USER_INPUT"] * len(answer.codes)), wrong
            assert answer.codes, wrong
            assert "data" not in answer.body, wrong


async def test_amounts_come_as_text_or_exact_numbers(client: Client) -> None:
    """Text, whole numbers and floats are read as they are written; what they add up to is exact."""
    for number, price in enumerate(("12.3", 12.3, "12.30", "1.23E1", "012.3000")):
        order = await send_order(client, f"o-{number}", lines=[line(quantity=3) | {"unitPrice": price}])
        assert order["total"]["amount"] == "36.90", price
    whole = await send_order(client, "whole", lines=[line() | {"unitPrice": 7}])
    assert whole["total"]["amount"] == "7.00"
    for price in ("0.00001", 1e-5, "-0.01", -1, "1E+10", 1e300):
        found = await refused(client, "orderUpsert", order_input(lines=[line() | {"unitPrice": price}]))
        assert found == [("INVALID", "lines.0.unitPrice")], price


async def test_control_characters_are_refused_everywhere(client: Client) -> None:
    """Every text of every write: refused with its place, on both databases alike."""
    await send_order(client, "known", lines=[line(externalId="l")], customer={"externalId": "k"})
    for bad in TEXTS:
        orders: list[tuple[Input, str]] = [
            ({"externalId": bad}, "externalId"),
            ({"number": bad}, "number"),
            ({"storeCode": bad}, "storeCode"),
            ({"currencyCode": bad}, "currencyCode"),
            ({"shippingCountry": bad}, "shippingCountry"),
            ({"customer": {"externalId": bad}}, "customer.externalId"),
            ({"customer": {"email": f"{bad}@example.org"}}, "customer.email"),
            ({"customer": {"givenName": bad}}, "customer.givenName"),
            ({"lines": [line() | {"sku": bad}]}, "lines.0.sku"),
            ({"lines": [line(externalId=bad)]}, "lines.0.externalId"),
            ({"lines": [line() | {"title": bad}]}, "lines.0.title"),
            ({"lines": [line(imageUrl=f"https://{bad}")]}, "lines.0.imageUrl"),
        ]
        for wrong, path in orders:
            found = await refused(client, "orderUpsert", order_input() | wrong)
            assert [(code in {"INVALID", "NOT_FOUND"}, place) for code, place in found] == [(True, path)], wrong
        delivery = {"externalId": "d", "orderExternalId": "known"}
        deliveries: list[tuple[Input, str]] = [
            ({"externalId": bad}, "externalId"),
            ({"orderExternalId": bad}, "orderExternalId"),
            ({"carrier": bad}, "carrier"),
            ({"trackingNumber": bad}, "trackingNumber"),
            ({"trackingUrl": f"https://{bad}"}, "trackingUrl"),
            ({"lines": [{"orderLineExternalId": bad, "quantity": 1}]}, "lines.0.orderLineExternalId"),
        ]
        for wrong, path in deliveries:
            found = await refused(client, "deliveryRecord", delivery | wrong)
            assert (found[0][0] in {"INVALID", "NOT_FOUND"}, found[0][1]) == (True, path), (wrong, found)
        for wrong, path in (({"externalId": bad}, "externalId"), ({"orderExternalId": bad}, "orderExternalId")):
            found = await refused(client, "creditNoteUpsert", note_input() | wrong)
            assert (found[0][0] in {"INVALID", "NOT_FOUND"}, found[0][1]) == (True, path), (wrong, found)


async def test_reads_answer_strange_texts(client: Client) -> None:
    """A look-up by a text that nothing can have finds nothing, or says what is wrong with it; it never fails."""
    await send_order(client)
    for bad in (*TEXTS, "", " ", "x" * 10_000, "%", "'", "\u202e"):
        found = await client.ask("query($t: String!) { orderByExternalId(externalId: $t) { id } }", {"t": bad})
        assert found.status == 200
        assert found.codes in ([], ["BAD_USER_INPUT"]), bad
        assert (found.body["data"] or {}).get("orderByExternalId") is None
        for wanted in ({"search": bad}, {"storeCode": [bad]}):
            query = "query($f: OrderFilter) { orders(first: 9, filter: $f) { nodes { externalId } totalCount } }"
            found = await client.ask(query, {"f": wanted})
            assert found.status == 200
            assert found.codes in ([], ["BAD_USER_INPUT"]), wanted
            if not found.codes and bad.strip():
                assert found.data["orders"] == {"nodes": [], "totalCount": 0}, wanted


async def test_texts_of_every_script_are_kept(client: Client) -> None:
    """Emoji, right-to-left text, combining marks and quotes come back as they were sent."""
    for number, text in enumerate(
        ("🎉👩\u200d🚀", "مرحبا بالعالم", "שלום", "e\u0301", "O'Brien; --", "%_\\", "\u202eevil")
    ):
        order = await send_order(
            client, f"{number}{text}", number=f"{text} {number}", lines=[line(text)], customer={"familyName": text}
        )
        kept = text.replace("e\u0301", "é")
        assert order["externalId"] == f"{number}{kept}"
        assert (order["lines"][0]["sku"], order["lines"][0]["title"]) == (kept, f"A {kept}")
        assert order["customer"]["familyName"] == kept


async def test_an_external_id_is_the_same_in_every_spelling(client: Client) -> None:
    """What was sent with blanks or in Unicode's other form is found when it is sent so again, by every field."""
    sent = " cafe\u0301-1 "
    order = await send_order(client, sent, lines=[line(externalId=sent)])
    assert (await send_order(client, sent, lines=[line(externalId=sent)]))["id"] == order["id"]
    note = await send_note(client, orderExternalId=sent)
    assert note["order"]["externalId"] == "café-1"
    lines = [{"orderLineExternalId": sent, "quantity": 1}]
    delivered = await write(client, "deliveryRecord", {"externalId": sent, "orderExternalId": sent, "lines": lines})
    assert delivered.found["id"] == order["id"]
    query = "query($t: String!) { orderByExternalId(externalId: $t) { id } }"
    assert (await client.ask(query, {"t": sent})).data["orderByExternalId"] == {"id": order["id"]}


async def test_lone_surrogates_are_no_text(client: Client) -> None:
    """Half a character, in JSON or in a document, is refused with 400 or as a faulty document."""
    async with nothing_changes(client.works):
        for text in ("\\ud800", "\\udfff x", "a\\ud83d"):
            body = (
                '{"query": "mutation($i: OrderUpsertInput!) { orderUpsert(input: $i) { order { id } } }",'
                ' "variables": {"i": ' + json.dumps(order_input()).replace("o-1", text) + "}}"
            )
            response = await post(client, body)
            assert response.status_code == 400
            assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
            document = f'{{ orderByExternalId(externalId: "{text}") {{ id }} }}'
            answer = await client.ask(document)
            assert answer.codes == ["GRAPHQL_PARSE_FAILED"]


async def post(client: Client, body: str) -> httpx.Response:
    """Send a body as it is."""
    headers = {"Authorization": f"Bearer {client.key}", "Content-Type": "application/json"}
    return await client.http.post("/graphql", content=body, headers=headers)


async def test_ids_that_are_none_are_not_found(client: Client) -> None:
    """Malformed, of another type, of nobody: a write says NOT_FOUND at its place, a read null or BAD_USER_INPUT."""
    order = await send_order(client, lines=[line(quantity=2)], customer={"externalId": "k"})
    customer = order["customer"]["id"]
    gone = order["id"][:-2] + ("AA" if not order["id"].endswith("AA") else "BA")
    for unknown in ("", "?", "ù", "x" * 9_000, customer, gone, "T3JkZXI6"):
        found = await refused(client, "creditNoteUpsert", note_input(orderId=unknown))
        assert found == [("NOT_FOUND", "orderId")], unknown
        found = await refused(client, "deliveryRecord", {"externalId": "d", "orderId": unknown})
        assert found == [("NOT_FOUND", "orderId")], unknown
        lines = [{"orderLineId": unknown, "quantity": 1}]
        found = await refused(client, "deliveryRecord", {"externalId": "d", "orderId": order["id"], "lines": lines})
        assert found == [("NOT_FOUND", "lines.0.orderLineId")], unknown
    for malformed in ("", "?", "ù", "T3JkZXI6", "x" * 9_000):
        for field in ("order", "node", "customer"):
            answer = await client.ask(f"query($id: ID!) {{ {field}(id: $id) {{ id }} }}", {"id": malformed})
            assert (answer.codes, answer.body["data"]) == (["BAD_USER_INPUT"], {field: None}), malformed
    for field, other in (("order", customer), ("order", gone), ("customer", order["id"]), ("node", gone)):
        answer = await client.ask(f"query($id: ID!) {{ {field}(id: $id) {{ id }} }}", {"id": other})
        assert answer.data == {field: None}
    query = "query($f: OrderFilter) { orders(first: 9, filter: $f) { nodes { id } totalCount } }"
    for unknown, codes in ((gone, []), (order["id"], []), ("?", ["BAD_USER_INPUT"])):
        answer = await client.ask(query, {"f": {"customerId": unknown}})
        assert answer.codes == codes
        assert codes or answer.data["orders"] == {"nodes": [], "totalCount": 0}


async def test_lists_have_their_limits(client: Client) -> None:
    """5,001 lines of an order, a credit note or a delivery, 251 values of a filter and 101 ids are too many."""
    small = {"sku": "a", "title": "", "quantity": 1, "unitPrice": 1}
    await send_order(client)
    assert await refused(client, "orderUpsert", order_input("new", lines=[small] * 5_001)) == [("TOO_LONG", "lines")]
    assert await refused(client, "creditNoteUpsert", note_input(lines=[small] * 5_001)) == [("TOO_LONG", "lines")]
    many = [{"orderLineExternalId": "a", "quantity": 1}] * 5_001
    found = await refused(client, "deliveryRecord", {"externalId": "d", "orderExternalId": "o-1", "lines": many})
    assert found == [("TOO_LONG", "lines")]
    filters: list[tuple[str, str, Any]] = [
        ("orders", "OrderFilter", {"storeCode": ["it"] * 251}),
        ("customers", "CustomerFilter", {"tag": ["a"] * 251}),
        ("customers", "CustomerFilter", {"country": ["IT"] * 251}),
        ("customers", "CustomerFilter", {"lifecycleStage": ["LEAD"] * 3_000}),
    ]
    for field, kind, wanted in filters:
        query = f"query($f: {kind}) {{ {field}(first: 1, filter: $f) {{ totalCount }} }}"
        answer = await client.ask(query, {"f": wanted})
        assert (answer.status, answer.codes) == (200, ["BAD_USER_INPUT"]), (field, list(wanted))
    customer = await new_customer(client)
    answer = await client.ask("query($i: [ID!]!) { nodes(ids: $i) { id } }", {"i": [customer["id"]] * 101})
    assert answer.codes == ["BAD_USER_INPUT"]
