"""Attack 8: random valid operations for each role find no fault of the server."""

import os
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings

from api.access import Access
from domain.base.actors import Actor, StaffRole
from tests.access.shop import Shop, open_shop
from tests.conftest import Client
from tests.fuzz.operations import operations, operations_of_schemathesis

OPERATIONS = int(os.environ.get("OPERATIONS", "5000"))
SHORT = 60
ROLES = ("ANONYMOUS", "SHOPPER", *StaffRole, "APP")


TOOLS = {"hypothesis-graphql": operations, "schemathesis": operations_of_schemathesis}


def drawn(shop: Shop, *, count: int, tool: str = "hypothesis-graphql") -> list[str]:
    """Return so many generated documents, some of which name objects of the shop."""
    found: list[str] = []
    ids = [*shop.own.ids.values(), *shop.strange.ids.values()]

    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(TOOLS[tool](ids))
    def draw(text: str) -> None:
        found.append(text)

    draw()
    assert len(found) >= count // 2
    return found


async def ask_all(client: Client, monkeypatch: pytest.MonkeyPatch, documents: Sequence[str], *, actor: Actor) -> None:
    """Send every document as somebody: each is answered, refused or rejected, and none breaks anything."""

    async def actor_of(*_: object) -> Actor:
        return actor

    monkeypatch.setattr(Access, "actor", actor_of)
    statuses: set[int] = set()
    for text in documents:
        response = await client.http.post("/graphql", json={"query": text})
        statuses.add(response.status_code)
        answer = response.json()
        codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
        assert response.status_code in (200, 400), (text, answer)
        assert not codes & {"INTERNAL", "TIMEOUT"}, (text, answer)
        assert "Traceback" not in response.text
    assert 200 in statuses


async def test_some_operations_are_answered(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The short run of `make fuzz`, on both databases.

    The shopper and the partner agent see a part only, so that the second fence is tried with all that can be asked.
    """
    shop = await open_shop(client)
    documents = [text for tool in TOOLS for text in drawn(shop, count=SHORT // 2, tool=tool)]
    for role in ("ANONYMOUS", "SHOPPER", StaffRole.PARTNER_AGENT, "APP"):
        await ask_all(client, monkeypatch, documents, actor=shop.roles[role])


@pytest.mark.fuzz
@pytest.mark.parametrize(("tool", "kind"), [("hypothesis-graphql", "postgresql"), ("schemathesis", "sqlite")])
async def test_thousands_of_operations_are_answered(client: Client, monkeypatch: pytest.MonkeyPatch, tool: str) -> None:
    """The same ones for each role: `make fuzz OPERATIONS=5000`."""
    shop = await open_shop(client)
    documents = drawn(shop, count=OPERATIONS, tool=tool)
    for role in ROLES:
        await ask_all(client, monkeypatch, documents, actor=shop.roles[role])


def test_generated_operations_name_real_objects() -> None:
    """Half of the ids are known ones: otherwise nothing would ever be found."""
    found: list[str] = []

    @settings(max_examples=SHORT, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(operations(["known"]))
    def draw(text: str) -> None:
        found.append(text)

    draw()
    assert sum('"known"' in text for text in found) > SHORT // 20
