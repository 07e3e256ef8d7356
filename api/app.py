"""The composition root: nothing is created at import, everything is wired here."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import explorer, exports
from api.access import Access
from api.attachments import Attachments
from api.background import Background
from api.graphql import GraphQLEndpoint
from api.health import is_ready
from api.issuer import Issuer
from api.mails import Postman
from api.operations import Operations
from api.requests import REQUEST_ID, headers_of, request_id_of
from api.settings import Settings
from api.streams.shared import Streams
from api.streams.sockets import SocketEndpoint
from domain.base.clock import Clock, SystemClock
from domain.base.database import POOL_SIZE, Database
from domain.base.work import Works
from domain.identity.actions.codes import SendMail
from domain.jobs import HANDLERS, SCHEDULES
from domain.reactions import REACTIONS
from schema.files.types.attachments import FILES_PATH
from schema.root import make_schema

GRAPHQL_PATH = "/graphql"


def open_works(settings: Settings, *, clock: Clock | None = None) -> Works:
    """Return the doors to the domain for these settings."""
    database = Database(settings.async_url, pool_size=settings.pool_size or POOL_SIZE)
    return Works(
        database=database,
        reactions=REACTIONS,
        clock=clock or SystemClock(),
        organisation=settings.organisation,
        hints_url=settings.hints_url,
    )


def new_background(settings: Settings, works: Works) -> Background:
    """Return the runner of background jobs for these settings."""
    postman = Postman(sender=settings.mail_from, server=settings.mail_server, folder=settings.mail_path)
    return Background(
        works,
        handlers={**HANDLERS, SendMail: postman.send},
        schedules=SCHEDULES,
        concurrency=settings.background_concurrency,
    )


def create_app(settings: Settings, *, works: Works | None = None, demo: explorer.Demo | None = None) -> Starlette:
    """Return the application. `demo`: what its explorer gives away, in the demo only."""
    works = works or open_works(settings)
    issuer = None if settings.provider is None else Issuer(settings.provider)
    operations = Operations(make_schema(), settings=settings, clock=works.clock)
    access = Access(works, issuer=issuer)
    streams = Streams(operations=operations, works=works, access=access, settings=settings)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        background = new_background(settings, works)
        running = asyncio.create_task(background.run()) if settings.background else None
        async with works.feed.hearing():
            yield
        background.stop()
        if running is not None:
            await running
        if issuer is not None:
            await issuer.close()
        await works.readings.settle()
        await works.database.dispose()

    endpoint = GraphQLEndpoint(streams)
    routes = [
        Route(GRAPHQL_PATH, endpoint),
        WebSocketRoute(GRAPHQL_PATH, SocketEndpoint(streams)),
        Route("/healthz", _healthz),
        Route("/readyz", _readyz(works)),
        exports.route(works),
        *Attachments(works).routes(),
        *(explorer.routes(demo=demo) if settings.explorer else []),
    ]
    middleware = [
        Middleware(RequestId),
        Middleware(
            ApiCors,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT"],
            allow_headers=["authorization", "content-type", "last-event-id", "x-request-id"],
            expose_headers=["x-request-id", "retry-after"],
            max_age=86_400,
        ),
    ]
    app = Application(endpoint, routes=routes, middleware=middleware, lifespan=lifespan)
    app.state.streams = streams
    return app


class Application(Starlette):
    """Routes and their middleware, with a short way to GraphQL: what is asked within one origin needs none of it."""

    def __init__(self, api: ASGIApp, /, **options: Any) -> None:  # noqa: ANN401  those of Starlette
        """Take what answers GraphQL, and everything else."""
        super().__init__(**options)
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        is_api = scope["type"] == "http" and scope["path"] == GRAPHQL_PATH
        if is_api and not any(name == b"origin" for name, _ in scope["headers"]):
            await self._api(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


async def _healthz(_request: Request) -> Response:
    """Answer that the process is alive."""
    return JSONResponse({"status": "ok"})


def _readyz(works: Works) -> Callable[[Request], Awaitable[Response]]:
    async def readyz(_request: Request) -> Response:
        """Answer whether requests can be served: the database is there, and at the schema of this code."""
        ready, reason = await is_ready(works)
        return JSONResponse({"status": "ok" if ready else "unavailable", "reason": reason}, 200 if ready else 503)

    return readyz


class ApiCors:
    """Lets pages of other origins call the API, and nothing else: the demo's explorer holds a key."""

    def __init__(self, app: ASGIApp, /, **options: Any) -> None:  # noqa: ANN401  those of CORSMiddleware
        """Wrap the application twice."""
        self._app = app
        self._shared = CORSMiddleware(app, **options)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        is_api = scope["type"] == "http" and (scope["path"] == GRAPHQL_PATH or scope["path"].startswith(FILES_PATH))
        await (self._shared if is_api else self._app)(scope, receive, send)


class RequestId:
    """Gives each request an id, or keeps the one it came with, and sends it back."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = scope.setdefault("state", {})[REQUEST_ID] = request_id_of(headers_of(scope))

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._app(scope, receive, stamped)
