"""The two forms in which answers come one after another over HTTP."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, Protocol

from api.requests import Answer, written
from api.streams.groups import Ready

_EVENT_STREAM = "text/event-stream"
_MULTIPART = "multipart/mixed"
_SUBSCRIPTION_SPEC = "subscriptionspec"
_ACCEPTS_MAX = 256
"""Ways to say what is accepted that are not read again."""

_ONE_ANSWER = ("application/json", "application/graphql-response+json", "application/*", "*/*")


class Form(Protocol):
    """How answers, heartbeats and the end are written."""

    media_type: str
    beginning: bytes
    heartbeat: bytes
    end: bytes

    def part(self, answer: Ready, *, cursor: str | None = None) -> bytes:
        """Return one answer as it is written. `cursor`: of the event that it tells."""

    def failure(self, answer: Answer) -> bytes:
        """Return why the stream ends before its time."""


class ServerSentEvents:
    """graphql-sse in its distinct connections mode: one operation, one stream."""

    media_type = "text/event-stream; charset=utf-8"
    beginning = b":\n\n"
    heartbeat = b":\n\n"
    end = b"event: complete\ndata:\n\n"

    def part(self, answer: Ready, *, cursor: str | None = None) -> bytes:
        """Return one answer as it is written; the cursor of an event is its id, which clients send to resume."""
        place = b"" if cursor is None else b"id: " + cursor.encode() + b"\n"
        return b"event: next\n" + place + b"data: " + written(answer) + b"\n\n"

    def failure(self, answer: Answer) -> bytes:
        """Return why the stream ends before its time."""
        return self.part(answer)


class MultipartSubscription:
    """Apollo's multipart protocol for subscriptions, version 1.0.

    A boundary ends each part, as clients read a part only when they have seen the next boundary.
    """

    media_type = 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0'
    beginning = b"\r\n--graphql"
    heartbeat = b"\r\ncontent-type: application/json\r\n\r\n{}\r\n--graphql"
    end = b"--\r\n"

    def part(self, answer: Ready, *, cursor: str | None = None) -> bytes:  # noqa: ARG002  its form has no place for it
        """Return one answer as it is written."""
        return self._part({"payload": answer})

    def failure(self, answer: Answer) -> bytes:
        """Return why the stream ends before its time."""
        return self._part({"payload": None, **answer})

    @staticmethod
    def _part(content: Mapping[str, object]) -> bytes:
        return b"\r\ncontent-type: application/json\r\n\r\n" + written(content) + b"\r\n--graphql"


SERVER_SENT_EVENTS = ServerSentEvents()
MULTIPART_SUBSCRIPTION = MultipartSubscription()

TRANSPORTS = (
    "A subscription is a stream, so it does not come as plain JSON. Use a WebSocket with the subprotocol "
    "graphql-transport-ws on this address, or POST with Accept: text/event-stream (graphql-sse), or with Accept: "
    'multipart/mixed;boundary="graphql";subscriptionSpec=1.0 (Apollo).'
)


@lru_cache(maxsize=_ACCEPTS_MAX)
def choose_form(accept: str | None, *, kind: Literal["query", "mutation", "subscription"]) -> Form | None:
    """Return the first form that the client accepts and that fits the operation; None: one answer, no stream.

    The order of the client counts: some send text/event-stream last, and want it for subscriptions only.
    """
    for item in (accept or "").split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        names = {parameter.partition("=")[0].strip() for parameter in parameters}
        if name == _EVENT_STREAM:
            return SERVER_SENT_EVENTS
        if kind == "subscription" and name == _MULTIPART and _SUBSCRIPTION_SPEC in names:
            return MULTIPART_SUBSCRIPTION
        if kind != "subscription" and name in _ONE_ANSWER:
            return None
    return None


def takes_streams(accept: str | None) -> bool:
    """Tell whether the client accepts answers one after another, in some form."""
    return choose_form(accept, kind="subscription") is not None
