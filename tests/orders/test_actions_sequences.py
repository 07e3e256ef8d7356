"""Random histories of orders, credit notes and deliveries against a plain model that is told the same."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from domain.base.changes import UNCHANGED
from domain.base.errors import Refusal
from domain.base.money import shown
from domain.base.work import Works
from domain.customers.rules.profiles import Buyer
from domain.orders.actions.credit_notes import upsert_credit_note
from domain.orders.actions.deliveries import record_delivery
from domain.orders.actions.orders import upsert_order
from domain.orders.rules import CreditNoteDetails, DeliveredLine, DeliveryDetails, LineDetails, OrderDetails
from tests.conftest import NOW, Client
from tests.orders.shop import Input, perform

SEQUENCES = 20
STEPS = 20

STATE = """query($search: String!) {
  orders(first: 100, filter: {search: $search}) { nodes {
    externalId state total { amount } refunded { amount } customer { externalId }
    lines { externalId deliveredQuantity } } }
  customers(first: 100, filter: {search: $search}) { nodes { externalId
    value { orderCount netSpent { amount } firstOrderAt lastOrderAt } } } }"""

Refused: TypeAlias = str | None


@dataclass
class ModelDelivery:
    """A delivery of the model."""

    is_shipped: bool = False
    is_delivered: bool = False
    contents: dict[str, int] = field(default_factory=dict)


@dataclass
class ModelOrder:
    """An order of the model: what was sent last, and its deliveries."""

    sent: OrderDetails
    deliveries: dict[str, ModelDelivery] = field(default_factory=dict)

    @property
    def quantities(self) -> dict[str, int]:
        """Return the pieces by line."""
        return {str(each.external_id): each.quantity for each in self.sent.lines}

    @property
    def total(self) -> Decimal:
        """Return what the lines add up to."""
        return sum((each.unit_price * each.quantity for each in self.sent.lines), Decimal(0))

    @property
    def customer(self) -> str | None:
        """Return whose it is."""
        return None if self.sent.buyer is None else self.sent.buyer.external_id

    def pieces(self, wanted: Callable[[ModelDelivery], bool]) -> Counter[str]:
        """Return the pieces by line in the deliveries that are wanted."""
        found: Counter[str] = Counter()
        for delivery in self.deliveries.values():
            found.update(delivery.contents if wanted(delivery) else {})
        return found

    @property
    def state(self) -> str:
        """Return how far it has come, by the words of the API."""
        if self.sent.cancelled_at is not None:
            return "CANCELLED"
        ordered = Counter(self.quantities)
        for name, pieces in (
            ("DELIVERED", self.pieces(lambda each: each.is_delivered)),
            ("SHIPPED", self.pieces(lambda each: each.is_shipped or each.is_delivered)),
        ):
            if pieces == ordered:
                return name
            if pieces:
                return f"PARTLY_{name}"
        return "PLACED"


@dataclass
class Model:
    """All that the shop is to know."""

    orders: dict[str, ModelOrder] = field(default_factory=dict)
    notes: dict[str, CreditNoteDetails] = field(default_factory=dict)

    def order(self, sent: OrderDetails) -> Refused:
        """Take over an order, or say why not."""
        known = self.orders.get(sent.external_id)
        if known is None:
            self.orders[sent.external_id] = ModelOrder(sent)
            return None
        if is_older(known.sent.sequence, sent.sequence):
            return None
        replaced = ModelOrder(sent, known.deliveries)
        if any(replaced.quantities.get(name, 0) < count for name, count in known.pieces(lambda _: True).items()):
            return "LineAlreadyDelivered"
        known.sent = keep_sequence(sent, known.sent.sequence)
        return None

    def note(self, sent: CreditNoteDetails) -> Refused:
        """Take over a credit note, or say why not."""
        known = self.notes.get(sent.external_id)
        if known is not None and is_older(known.sequence, sent.sequence):
            return None
        if sent.order_external_id is not None and sent.order_external_id not in self.orders:
            return "OrderNotFound"
        self.notes[sent.external_id] = keep_sequence(sent, None if known is None else known.sequence)
        return None

    def delivery(self, name: str, sent: DeliveryDetails) -> Refused:
        """Record a delivery, or say why not."""
        order = self.orders.get(name)
        if order is None:
            return "OrderNotFound"
        known = order.deliveries.get(sent.external_id)
        contents: dict[str, int] = order.quantities if known is None else known.contents
        if sent.lines is not None:
            contents = {str(each.order_line_external_id): each.quantity for each in sent.lines}
        if not contents.keys() <= order.quantities.keys():
            return "OrderLineNotFound"
        others = ModelOrder(order.sent, {n: d for n, d in order.deliveries.items() if n != sent.external_id})
        elsewhere = others.pieces(lambda _: True)
        if any(count + elsewhere[line] > order.quantities[line] for line, count in contents.items()):
            return "MoreDeliveredThanOrdered"
        made = order.deliveries.setdefault(sent.external_id, ModelDelivery())
        made.contents = contents
        made.is_shipped = made.is_shipped if sent.shipped_at is UNCHANGED else sent.shipped_at is not None
        made.is_delivered = made.is_delivered if sent.delivered_at is UNCHANGED else sent.delivered_at is not None
        return None

    def customer_of(self, note: CreditNoteDetails) -> str | None:
        """Return whose a credit note is: its order's customer, else the one named."""
        if note.order_external_id is not None:
            return self.orders[note.order_external_id].customer
        return None if note.buyer is None else note.buyer.external_id

    def is_counted(self, note: CreditNoteDetails) -> bool:
        """Tell whether a credit note is taken off: not where its order is cancelled."""
        name = note.order_external_id
        return name is None or self.orders[name].sent.cancelled_at is None

    def shown(self) -> dict[str, Any]:
        """Return what the API is to show."""
        orders = {}
        for name, order in self.orders.items():
            delivered = order.pieces(lambda each: each.is_delivered)
            refunded = sum((amount(n) for n in self.notes.values() if n.order_external_id == name), Decimal(0))
            lines = {line: delivered[line] for line in order.quantities}
            orders[name] = (order.state, shown(order.total, "EUR"), shown(refunded, "EUR"), order.customer, lines)
        return {"orders": orders, "customers": {name: self.value(name) for name in self.customers()}}

    def customers(self) -> set[str]:
        """Return everybody who has or had an order or credit note."""
        named = [*(order.customer for order in self.orders.values()), *map(self.customer_of, self.notes.values())]
        return {name for name in named if name is not None}

    def value(self, customer: str) -> tuple[int, str, str | None, str | None]:
        """Return what a customer brought."""
        orders = [o for o in self.orders.values() if o.customer == customer and o.sent.cancelled_at is None]
        credited = [amount(n) for n in self.notes.values() if self.customer_of(n) == customer and self.is_counted(n)]
        net = sum((order.total for order in orders), Decimal(0)) - sum(credited, Decimal(0))
        placed = sorted(order.sent.placed_at for order in orders)
        first, last = (plain(placed[0]), plain(placed[-1])) if placed else (None, None)
        return len(orders), shown(net, "EUR"), first, last


def amount(note: CreditNoteDetails) -> Decimal:
    """Return what a credit note gives back."""
    return sum((each.unit_price * each.quantity for each in note.lines), Decimal(0))


def plain(at: datetime) -> str:
    """Return an instant as the API shows it."""
    return at.isoformat().replace("+00:00", "Z")


def is_older(known: int | None, sent: int | None) -> bool:
    """Tell whether the shop's counter goes back."""
    return known is not None and sent is not None and sent < known


def keep_sequence(sent: Any, known: int | None) -> Any:  # noqa: ANN401  an order or a credit note
    """Return the document with the counter that is known where it was sent without one."""
    return sent if sent.sequence is not None else replace(sent, sequence=known)


class Chance:
    """Makes up what a shop may send, from a seed."""

    def __init__(self, seed: int) -> None:
        """Start with a seed."""
        self._random = random.Random(seed)  # noqa: S311  a seed makes it the same each time
        self.prefix = f"s{seed}-"
        self._sent: list[OrderDetails] = []

    def _name(self, names: str) -> str:
        return self.prefix + self._random.choice(names)

    def _lines(self) -> list[LineDetails]:
        names = self._random.sample("abc", self._random.randint(1, 3))
        return [
            LineDetails(
                sku=name,
                title=name,
                external_id=name,
                quantity=self._random.randint(1, 3),
                unit_price=Decimal(self._random.randint(0, 99_999)).scaleb(-4),
            )
            for name in names
        ]

    def _buyer(self) -> Buyer | None:
        return self._random.choice(
            [Buyer(external_id=f"{self.prefix}ada"), Buyer(external_id=f"{self.prefix}bob"), None]
        )

    def _sequence(self) -> int | None:
        return self._random.choice([None, 1, 2, 3])

    def order(self) -> OrderDetails:
        """Return a new order, one sent before unchanged or a little changed."""
        if self._sent and self._random.random() < 0.4:
            again = self._random.choice(self._sent)
            changed: Input = self._random.choice(
                [
                    {},
                    {"buyer": self._buyer()},
                    {"lines": self._lines()},
                    {"cancelled_at": NOW if again.cancelled_at is None else None},
                    {"sequence": self._sequence()},
                ]
            )
            return replace(again, **changed)
        made = OrderDetails(
            external_id=self._name("xyz"),
            placed_at=NOW - timedelta(days=self._random.randint(1, 5)),
            currency_code="EUR",
            lines=self._lines(),
            buyer=self._buyer(),
            cancelled_at=self._random.choice([None, None, None, NOW]),
            sequence=self._sequence(),
        )
        self._sent.append(made)
        return made

    def note(self) -> CreditNoteDetails:
        """Return a credit note, on an order or not."""
        return CreditNoteDetails(
            external_id=self._name("pqr"),
            issued_at=NOW,
            currency_code="EUR",
            lines=self._lines(),
            order_external_id=self._random.choice([self._name("xyz"), None]),
            buyer=self._buyer(),
            sequence=self._sequence(),
        )

    def delivery(self) -> tuple[str, DeliveryDetails]:
        """Return an order's name and a delivery of it."""
        lines = [DeliveredLine(quantity=each.quantity, order_line_external_id=each.sku) for each in self._lines()]
        return self._name("xyz"), DeliveryDetails(
            external_id=self._random.choice("12"),
            shipped_at=self._random.choice([UNCHANGED, None, NOW - timedelta(hours=2)]),
            delivered_at=self._random.choice([UNCHANGED, None, NOW - timedelta(hours=1)]),
            lines=self._random.choice([None, lines, lines[:1]]),
        )

    def kind(self) -> str:
        """Return what comes next."""
        return self._random.choice(["order"] * 4 + ["note"] * 2 + ["delivery"] * 3)


async def step(works: Works, chance: Chance, model: Model) -> Refused:
    """Send something to the shop and to the model: both take it, or both refuse it, which is returned."""
    kind = chance.kind()
    before = model.shown()
    if kind == "order":
        order = chance.order()
        expected = model.order(order)
        refused = await outcome(works, lambda work: upsert_order(work, order=order))
    elif kind == "note":
        note = chance.note()
        expected = model.note(note)
        refused = await outcome(works, lambda work: upsert_credit_note(work, note=note))
    else:
        name, delivery = chance.delivery()
        expected = model.delivery(name, delivery)
        refused = await outcome(works, lambda work: record_delivery(work, delivery=delivery, order_external_id=name))
    assert refused == expected
    assert expected is None or model.shown() == before
    return expected


async def outcome(works: Works, story: Any) -> Refused:  # noqa: ANN401
    """Perform a write; return the name of its refusal, None where there is none."""
    try:
        await perform(works, story)
    except Refusal as refusal:
        return type(refusal).__name__
    return None


async def test_random_histories_end_as_the_model_says(client: Client) -> None:
    """After each step of 20 histories of 20 steps, orders, deliveries, refunds and sums are the model's."""
    refusals: set[Refused] = set()
    for seed in range(SEQUENCES):
        chance, model = Chance(seed), Model()
        known: set[str] = set()
        for _ in range(STEPS):
            refusals.add(await step(client.works, chance, model))
            found = (await client.ask(STATE, {"search": chance.prefix})).data
            expected = model.shown()
            known |= expected["customers"].keys()
            assert {
                node["externalId"]: (
                    node["state"],
                    node["total"]["amount"],
                    node["refunded"]["amount"],
                    node["customer"] and node["customer"]["externalId"],
                    {each["externalId"]: each["deliveredQuantity"] for each in node["lines"]},
                )
                for node in found["orders"]["nodes"]
            } == expected["orders"]
            values = {node["externalId"]: tuple(value_of(node["value"])) for node in found["customers"]["nodes"]}
            assert values == {name: model.value(name) for name in known}
    assert refusals == {
        None,
        "LineAlreadyDelivered",
        "OrderNotFound",
        "OrderLineNotFound",
        "MoreDeliveredThanOrdered",
    }, "the histories meet every refusal"


def value_of(value: Input) -> list[Any]:
    """Return what the model says of a customer."""
    return [value["orderCount"], value["netSpent"]["amount"], value["firstOrderAt"], value["lastOrderAt"]]
