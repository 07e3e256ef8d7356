"""Where files are sent to and had: by addresses that nobody guesses, a piece at a time."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from domain.base.work import Works
from domain.files.actions.attachments import find_download, find_upload, read_piece, receive_file
from domain.files.errors import UploadRefused
from domain.files.rules import CHUNK_BYTES, SHOWN_TYPES, address_until
from schema.files.types.attachments import FILES_PATH

UPLOADS_MAX = 32
"""Files that are taken in at once: each has some of its bytes in memory."""

PIECE_WITHIN_S = 30.0
"""Seconds without a byte after which a sender is given up."""

_HEADERS = {
    # Whatever a file says that it is, no browser runs it.
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    # A frontend of another origin shows pictures of it.
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_NOTHING = "There is nothing here, or no longer: ask for the attachment's url again."


class Attachments:
    """The two ways of a file."""

    def __init__(self, works: Works, *, piece_within_s: float = PIECE_WITHIN_S) -> None:
        """Take the doors to the domain."""
        self._works = works
        self._piece_within_s = piece_within_s
        self._count = 0

    def routes(self) -> list[Route]:
        """Return the routes."""
        path = f"{FILES_PATH}{{address}}"
        return [Route(path, self.upload, methods=["PUT"]), Route(path, self.download, methods=["GET"])]

    async def upload(self, request: Request) -> Response:
        """Take a file in; the same one again changes nothing."""
        attachment = await find_upload(self._works, address=request.path_params["address"])
        if attachment is None:
            return _plain("This is no address to send a file to, or no longer: ask for another one.", 404)
        said = request.headers.get("content-length")
        if said is not None and said != str(attachment.byte_size):
            return _plain(f"{attachment.byte_size:,} bytes were announced.", 400, {"Connection": "close"})
        if self._count >= UPLOADS_MAX:
            return _plain("Too many files come in at once; try again in a moment.", 503, {"Retry-After": "2"})
        self._count += 1
        try:
            await receive_file(self._works, attachment=attachment, body=self._body(request))
        except (UploadRefused, TimeoutError, ClientDisconnect) as failed:
            return _failure(failed)
        finally:
            self._count -= 1
        return Response(status_code=204, headers=_HEADERS)

    async def _body(self, request: Request) -> AsyncIterator[bytes]:
        pieces = request.stream()
        while True:
            async with asyncio.timeout(self._piece_within_s):
                piece = await anext(pieces, None)
            if piece is None:
                return
            yield piece

    async def download(self, request: Request) -> Response:
        """Answer with the file; HEAD with what there is to be said of it."""
        works, now = self._works, self._works.clock.now()
        attachment = await find_download(works, address=request.path_params["address"])
        if attachment is None:
            return _plain(_NOTHING, 404, {"Cache-Control": "no-store"})
        tag = f'"{attachment.sha256}"'
        left_s = int((address_until(now) - now).total_seconds())
        headers = {
            **_HEADERS,
            "Cache-Control": f"private, max-age={left_s}, immutable",
            "Content-Disposition": _disposition(attachment),
            "ETag": tag,
        }
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        headers["Content-Length"] = str(attachment.byte_size)
        if request.method == "HEAD":
            return Response(headers=headers, media_type=attachment.content_type)
        return StreamingResponse(self._pieces(attachment), headers=headers, media_type=attachment.content_type)

    async def _pieces(self, attachment: Any) -> AsyncIterator[bytes]:  # noqa: ANN401  a row
        """Yield the file; one that is erased meanwhile ends where it is, and the client sees that it is not whole."""
        for position in range(-(-attachment.byte_size // CHUNK_BYTES)):
            async with self._works.database.reading() as session:
                piece = await read_piece(session, attachment=attachment, position=position)
            if piece is None:
                return
            yield piece


def _plain(text: str, status: int, headers: Mapping[str, str] | None = None) -> PlainTextResponse:
    return PlainTextResponse(text, status, headers={**_HEADERS, **(headers or {})})


def _failure(failed: Exception) -> Response:
    """Say why a file was not taken; what else the sender has on this connection is not waited for."""
    if isinstance(failed, TimeoutError):
        return _plain("Nothing came for half a minute; send the file again.", 408, {"Connection": "close"})
    return _plain(str(failed) or "The sender is gone.", 400, {"Connection": "close"})


def _disposition(attachment: Any) -> str:  # noqa: ANN401  a row
    kind = "inline" if attachment.content_type in SHOWN_TYPES else "attachment"
    return f"{kind}; filename*=UTF-8''{quote(attachment.filename, safe='')}"
