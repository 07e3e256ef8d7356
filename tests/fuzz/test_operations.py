"""Attack 8: random valid operations for each role find no fault of the server."""

import os
from dataclasses import fields

import pytest
from hypothesis import HealthCheck, given, settings

from domain.base.actors import EVERY_PERMISSION, Permission
from domain.identity.rules import ROLE_PERMISSIONS
from tests.api.shop import Sale, sell
from tests.conftest import Client
from tests.fuzz.operations import operations

OPERATIONS = int(os.environ.get("OPERATIONS", "5000"))
SHORT = 100
ROLES: dict[str, frozenset[Permission] | None] = {
    "anonymous": None,
    "app": EVERY_PERMISSION,
    **{role.value.lower(): permissions for role, permissions in ROLE_PERMISSIONS.items()},
}


async def run(client: Client, *, role: str, count: int) -> None:
    """Ask so many operations as this role; every one is answered, refused or rejected, and none breaks anything."""
    permissions = ROLES[role]
    key = None if permissions is None else await client.new_key(*permissions)
    known_ids = ids_of(await sell(client, 1, customer="a"))
    statuses: set[int] = set()
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    drawn: list[str] = []

    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(operations(known_ids))
    def draw(text: str) -> None:
        drawn.append(text)

    draw()
    for text in drawn:
        response = await client.http.post("/graphql", json={"query": text}, headers=headers)
        statuses.add(response.status_code)
        answer = response.json()
        codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
        assert response.status_code in (200, 400), (text, answer)
        assert not codes & {"INTERNAL", "TIMEOUT"}, (text, answer)
        assert "Traceback" not in response.text
    assert len(drawn) >= count // 2
    assert 200 in statuses


def ids_of(sale: Sale) -> list[str]:
    """Return the ids of what was sold."""
    found = []
    for each in fields(sale):
        value = getattr(sale, each.name)
        found += value if isinstance(value, list) else [value]
    return found


@pytest.mark.parametrize("role", ["anonymous", "app"])
async def test_a_hundred_operations_are_answered(client: Client, role: str) -> None:
    """The short run of `make fuzz`, on both databases."""
    await run(client, role=role, count=SHORT)


@pytest.mark.fuzz
@pytest.mark.parametrize("role", ROLES)
async def test_thousands_of_operations_are_answered(client: Client, role: str) -> None:
    """For each role: `make fuzz OPERATIONS=5000`."""
    await run(client, role=role, count=OPERATIONS)


def test_generated_operations_name_real_objects() -> None:
    """Half of the ids are known ones: otherwise nothing would ever be found."""
    found: list[str] = []

    @settings(max_examples=SHORT, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(operations(["known"]))
    def draw(text: str) -> None:
        found.append(text)

    draw()
    assert sum('"known"' in text for text in found) > SHORT // 20
