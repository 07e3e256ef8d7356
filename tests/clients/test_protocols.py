"""Real clients of npm and PyPI, as docs/guides/protocols.md sets them up, against a real server that is restarted."""

import asyncio
import json
import os
import re
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportConnectionFailed, TransportError, TransportQueryError

from tests.clients.conftest import COMMAND, free_port, stop, wait_until_ready
from tests.documents import ROOT

GUIDE = ROOT / "docs" / "guides" / "protocols.md"
SNIPPETS = ROOT / "clients" / "snippets"
NAMES = ("graphql-ws", "graphql-sse", "apollo", "apollo-multipart", "urql", "urql-sse")
STOP_SECONDS = 5.0
"""What the server is given to stop in, with its streams open."""

STORE = """mutation { storeUpsert(input: {code: "it", name: "Italia", country: "IT", locale: "it-IT", currencyCode: "EUR",
  timeZone: "Europe/Rome"}) { userErrors { message } } }"""
NEW_KEY = """mutation { apiKeyCreate(input: {name: "gql", permissions: ["customers:read", "customers:write"]}) {
  apiKey { id } secret } }"""
REVOKE = "mutation($id: ID!) { apiKeyRevoke(input: {apiKeyId: $id}) { userErrors { message } } }"
CREATE = 'mutation { customerCreate(input: {givenName: "Ada"}) { customer { id } } }'
RECORD = """mutation($id: ID!) { consentRecord(input: {customerId: $id, purpose: MARKETING, decision: GRANTED}) {
  userErrors { message } } }"""
FOLLOW = "subscription($id: ID) { customerEvents(customerId: $id) { __typename } }"


def snippets() -> dict[str, str]:
    """Return the guide's programs by the names in their first lines."""
    found = re.findall(r"^```(?:js|python)\n(?://|#) (\S+)\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    return dict(found)


@dataclass
class Service:
    """The real command, which can be stopped and started again on its port."""

    folder: Path
    port: int = field(default_factory=free_port)
    key: str = ""
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return the address of the API."""
        return f"http://127.0.0.1:{self.port}/graphql"

    @property
    def _environment(self) -> dict[str, str]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith("SPORTELLO_")}
        return plain | {"SPORTELLO_DATABASE_URL": f"sqlite:///{self.folder / 's.sqlite3'}"}

    def make_key(self) -> None:
        """Make a key that opens every door, as an administrator does."""
        made = subprocess.run(  # noqa: S603
            [COMMAND, "keys", "create", "Test"],
            cwd=self.folder,
            env=self._environment,
            check=True,
            capture_output=True,
            text=True,
        )
        found = re.search(r"sk_[\w-]+", made.stdout)
        assert found is not None, made.stdout
        self.key = found[0]

    def start(self) -> None:
        """Start, and wait until it answers."""
        log = self.folder / "output.txt"
        with log.open("ab") as output:
            self.process = subprocess.Popen(  # noqa: S603
                [COMMAND, "serve", "--port", str(self.port)],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        wait_until_ready(self.process, self.url.removesuffix("/graphql"), log)

    def stop(self) -> float:
        """Stop it as an operator does; return the seconds that it took."""
        assert self.process is not None
        began = time.monotonic()
        stop(self.process)
        return time.monotonic() - began

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        """Ask as the administrator."""
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = httpx.post(self.url, json={"query": query, "variables": variables}, headers=headers, trust_env=False)
        found = answer.json()
        assert "errors" not in found, found
        data: dict[str, Any] = found["data"]
        return data


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Return a running server with one store and an administrator's key."""
    service = Service(tmp_path)
    service.make_key()
    service.start()
    service.ask(STORE)
    yield service
    assert service.process is not None
    stop(service.process)


@contextmanager
def scenario(name: str, service: Service) -> Iterator[Callable[[], dict[str, Any]]]:
    """Run a client of npm through the scenario; yield what takes its next step."""
    SNIPPETS.mkdir(exist_ok=True)
    (SNIPPETS / f"{name}.mjs").write_text(snippets()[f"{name}.mjs"])
    process = subprocess.Popen(  # noqa: S603
        ["node", "scenario.mjs", name, service.url, service.key],  # noqa: S607
        cwd=SNIPPETS.parent,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = process.stdout

    def step() -> dict[str, Any]:
        line = lines.readline()
        assert line, f"{name} stopped with {process.wait(5)}"
        found: dict[str, Any] = json.loads(line)
        return found

    try:
        yield step
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        lines.close()


@pytest.mark.clients
@pytest.mark.parametrize("name", NAMES)
def test_a_client_of_npm(name: str, service: Service) -> None:
    """Query, mutation, error, subscription; then a fresh token after 4403, and the way back after a restart."""
    with scenario(name, service) as step:
        query = step()
        assert query["data"]["viewer"]["kind"] == "APP"
        assert step()["data"]["customerCreate"]["userErrors"] == []
        assert step()["codes"] == ["GRAPHQL_VALIDATION_FAILED"]
        for expected in ("subscription", "after the token was revoked"):
            found = step()
            assert found["step"] == expected
            assert found["event"]["__typename"] == "OrderChanged"
            assert found["event"]["cursor"]
        assert step()["step"] == "ready for the restart"
        assert service.stop() < STOP_SECONDS
        service.start()
        assert step()["event"]["__typename"] == "OrderChanged"


@pytest.fixture
def new_client() -> Callable[..., Client]:
    """Return the function of the guide that makes a client of gql."""
    module = ModuleType("gql_client")
    exec(snippets()["gql_client.py"], module.__dict__)  # noqa: S102  the guide's own words
    made: Callable[..., Client] = module.__dict__["new_client"]
    return made


@pytest.mark.clients
async def test_gql_of_python(service: Service, new_client: Callable[..., Client]) -> None:
    """The same with Python's client, which leaves coming back to the application."""
    key = service.ask(NEW_KEY)["apiKeyCreate"]
    async with new_client(service.url, key["secret"]) as session:
        assert (await session.execute(gql("{ viewer { kind } }")))["viewer"] == {"kind": "APP"}
        customer = (await session.execute(gql(CREATE)))["customerCreate"]["customer"]["id"]
        with pytest.raises(TransportQueryError) as error:
            await session.execute(gql("{ nothing }"))
        assert error.value.errors is not None
        assert error.value.errors[0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    await follow_until_lost(service, new_client(service.url, key["secret"], is_streaming=True), customer, REVOKE, key)
    fresh = service.ask(NEW_KEY)["apiKeyCreate"]
    streaming = new_client(service.url, fresh["secret"], is_streaming=True)
    await follow_until_lost(service, streaming, customer, None, fresh)


async def follow_until_lost(
    service: Service, client: Client, customer: str, mutation: str | None, key: dict[str, Any]
) -> None:
    """Follow a customer until the token is revoked, or else the server is stopped."""
    document = gql(FOLLOW)
    document.variable_values = {"id": customer}
    with pytest.raises((TransportConnectionFailed, TransportError)):  # noqa: PT012  that is where it ends
        async with client as session:
            assert (await session.execute(gql("{ viewer { kind } }")))["viewer"] == {"kind": "APP"}
            events = session.subscribe(document)
            assert await first_event(events, service, customer) == {"customerEvents": {"__typename": "ConsentChanged"}}
            if mutation is None:
                assert await asyncio.to_thread(service.stop) < STOP_SECONDS
            else:
                await asyncio.to_thread(service.ask, mutation, id=key["apiKey"]["id"])
            await asyncio.wait_for(all_of(events), 10)


async def all_of(events: AsyncIterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return every event until the end, which should be an error."""
    return [event async for event in events]


async def first_event(events: AsyncIterator[dict[str, Any]], service: Service, customer: str) -> dict[str, Any]:
    """Change something until the client hears of it, and return what it heard."""
    waiting = asyncio.ensure_future(anext(events))
    for _ in range(100):
        await asyncio.to_thread(service.ask, RECORD, id=customer)
        done, _ = await asyncio.wait([waiting], timeout=0.1)
        if done:
            break
    return await waiting


def test_every_program_of_the_guide_is_run() -> None:
    """None is shown that is not tried."""
    assert set(snippets()) == {*(f"{name}.mjs" for name in NAMES), "gql_client.py"}
