"""The application behind a transport that shows everything a client would see."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any, TypeAlias

import httpx
import pytest
from starlette.applications import Starlette

from api.app import create_app
from api.explorer import Demo
from api.settings import Settings
from domain.base.work import Works
from tests.api.sockets import Socket, new_app, nothing_left
from tests.conftest import Client
from tests.orders.shop import Input, new_customer

Serve: TypeAlias = Callable[..., Any]


@pytest.fixture
async def serve(works: Works) -> AsyncIterator[Serve]:
    """Return a function that serves with these settings and returns a client without a key."""
    async with AsyncExitStack() as stack:

        async def start(*, demo: Demo | None = None, **settings: Any) -> httpx.AsyncClient:  # noqa: ANN401
            app = create_app(Settings(_env_file=None, **settings), works=works, demo=demo)
            transport = httpx.ASGITransport(app=app)
            return await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://test"))

        yield start


@pytest.fixture
async def bounded(serve: Serve, client: Client) -> Client:
    """Return a client with a key that opens every door of the application as it comes, with its limits and costs."""
    found = Client(await serve(), client.works)
    found.key = client.key
    return found


@pytest.fixture
async def http(serve: Serve) -> httpx.AsyncClient:
    """Return a client of the application as it comes, without a key."""
    client: httpx.AsyncClient = await serve()
    return client


@pytest.fixture
async def app(client: Client) -> AsyncIterator[Starlette]:
    """Return the application; nothing is left over of its sockets."""
    app = new_app(client.works)
    async with nothing_left(app):
        yield app


@pytest.fixture
async def socket(app: Starlette, client: Client) -> AsyncIterator[Socket]:
    """Return a socket with a key that opens every door."""
    socket = await Socket(app).open()
    await socket.initialise(client.key)
    yield socket
    assert socket.task is not None
    if not socket.task.done():
        await socket.leave()


@pytest.fixture
async def customer(client: Client) -> Input:
    """Return a customer."""
    return await new_customer(client, externalId="k")
