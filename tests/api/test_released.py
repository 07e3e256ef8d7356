"""What a request holds is given back, whatever ends it; and a database that is gone is told of."""

from pathlib import Path

import httpx

from api.app import create_app
from api.settings import Settings, unknown_settings
from domain.base.actors import Permission
from tests.api.shop import sell
from tests.conftest import Client

REFUSED_BESIDE_A_LEVEL = "{ orders(first: 1) { nodes { lines { sku } store { code } } } }"


async def test_a_refused_sibling_leaves_no_connection(client: Client) -> None:
    """A field that is refused at once ends the answer while another level is about to be read; nothing stays open."""
    await sell(client, 1, customer="Ada")
    key = await client.new_key(Permission.ORDERS_READ)
    for _ in range(20):
        answer = await client.ask(REFUSED_BESIDE_A_LEVEL, key=key)
        assert answer.codes == ["FORBIDDEN"]
    assert client.works.database.lanes.busy == 0
    assert (await client.ask("{ orders(first: 1) { totalCount } }", key=key)).data == {"orders": {"totalCount": 1}}


async def test_a_database_that_is_gone_is_a_typed_answer(tmp_path: Path) -> None:
    """A token cannot be looked up: 503 with code and request id, no text of the driver."""
    settings = Settings(_env_file=None, database_url=f"sqlite:///{tmp_path / 'nowhere' / 'x.sqlite3'}")
    transport = httpx.ASGITransport(app=create_app(settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        response = await http.post(
            "/graphql", json={"query": "{ viewer { kind } }"}, headers={"Authorization": "Bearer sk_any"}
        )
    (error,) = response.json()["errors"]
    assert response.status_code == 503
    assert error["extensions"] == {"code": "INTERNAL", "requestId": response.headers["x-request-id"]}
    assert "sqlite" not in response.text.lower()


def test_a_slip_in_a_settings_name_is_seen() -> None:
    """What begins like a setting and is none is named; what compose.yaml and the tests use is not."""
    environment = {"SPORTELLO_PORT": "1", "SPORTELLO_PROT": "1", "SPORTELLO_TEST_POSTGRES": "", "PATH": ""}
    assert unknown_settings(environment) == ["SPORTELLO_PROT"]
