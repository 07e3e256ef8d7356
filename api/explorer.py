"""The explorer: GraphiQL, built from npm into `api/static/explorer/`, with examples for this schema.

Beside it the chat page of `examples/chat/`, which signs in with the logins that the explorer gives away in the demo.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from api.examples import list_examples

_BUILT = Path(__file__).parent / "static" / "explorer"
_CHAT = Path(__file__).parent / "static" / "chat"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""The page loads nothing from anywhere else, and opens sockets to its own server only (which `connect-src 'self'` lets
in as well); the editor needs styles of its own making."""

_NOT_BUILT = """<!doctype html><html lang="en"><title>Sportello</title>
<h1>Sportello is running</h1>
<p>The API is at <code>/graphql</code>. The explorer is not built: install Node 20.19 or newer and run
<code>make explorer</code>, then start the server again.</p></html>"""


@dataclass(frozen=True)
class Demo:
    """What the demo gives away to whoever opens its explorer."""

    token: str
    """A key that opens every door."""

    password: str = ""
    logins: Mapping[str, str] = field(default_factory=dict)
    """By role, the addresses of those who sign in with the password."""

    places: Mapping[str, str] = field(default_factory=dict)
    """What the words in the examples' variables stand for."""

    def shown(self) -> dict[str, object]:
        """Return it as the page reads it."""
        logins = [{"who": who, "email": email} for who, email in self.logins.items()]
        return {"token": self.token, "password": self.password, "logins": logins}


def is_built() -> bool:
    """Tell whether there is an explorer to serve."""
    return (_BUILT / "index.html").exists()


def has_chat() -> bool:
    """Tell whether there is a chat page to serve."""
    return (_CHAT / "index.html").exists()


def routes(*, demo: Demo | None) -> list[BaseRoute]:
    """Return the routes of explorer and chat page; outside of the demo nothing is given away."""
    was_built = is_built()
    given_away = None if demo is None else demo.shown()
    examples = list_examples(None if demo is None else demo.places)

    async def config(_request: Request) -> Response:
        body = {"endpoint": "/graphql", "demo": given_away, "title": "Sportello", "examples": examples}
        return Response(orjson.dumps(body), media_type="application/json", headers={"Cache-Control": "no-store"})

    async def home(_request: Request) -> Response:
        return RedirectResponse("/explorer/") if was_built else HTMLResponse(_NOT_BUILT)

    found: list[BaseRoute] = [Route("/", home), Route("/explorer/config.json", config)]
    if was_built:
        found.append(Mount("/explorer", app=_Guarded(StaticFiles(directory=_BUILT, html=True))))
    if has_chat():
        found.append(Mount("/examples/chat", app=_Guarded(StaticFiles(directory=_CHAT, html=True))))
    return found


class _Guarded:
    """Adds the headers that keep the page to itself."""

    def __init__(self, files: StaticFiles) -> None:
        """Take the files."""
        self._files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a file; those with a hash in their name never change."""
        is_fixed = "/assets/" in scope["path"]

        async def guarded(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                caching = b"public, max-age=31536000, immutable" if is_fixed else b"no-cache"
                message["headers"] = [
                    *message["headers"],  # type: ignore[misc]
                    (b"content-security-policy", _POLICY.encode()),
                    (b"x-content-type-options", b"nosniff"),
                    (b"referrer-policy", b"no-referrer"),
                    (b"cache-control", caching),
                ]
            await send(message)

        await self._files(scope, receive, guarded)  # type: ignore[arg-type]
