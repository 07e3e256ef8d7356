"""The messages of graphql-transport-ws: what a client may send, taken apart."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

_ID_LENGTH_MAX = 128
"""Characters of an operation's id; clients use a number or a UUID."""


class MessageType(StrEnum):
    """What a client may say, in the protocol's words."""

    CONNECTION_INIT = "connection_init"
    PING = "ping"
    PONG = "pong"
    SUBSCRIBE = "subscribe"
    COMPLETE = "complete"


class MessageMalformed(Exception):  # noqa: N818  reads as what it is
    """The message is none of the protocol."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message, as far as every handler relies on it."""

    type: MessageType
    id: str
    """Which operation it is about; empty for the messages that are about the connection."""
    payload: Any


def read_message(text: bytes) -> Message:
    """Return what a client said. Raises `MessageMalformed`, whose words are short enough to close a socket with."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        message = "A message is one JSON object"
        raise MessageMalformed(message) from None
    if not isinstance(found, dict) or found.get("type") not in set(MessageType):
        message = "A message is one JSON object with a type of graphql-transport-ws"
        raise MessageMalformed(message)
    kind = MessageType(found["type"])
    payload = found.get("payload")
    if not isinstance(payload, dict | None) or (kind is MessageType.SUBSCRIBE and payload is None):
        message = "The payload must be a JSON object"
        raise MessageMalformed(message)
    return Message(kind, _id_of(found.get("id"), kind), payload)


def _id_of(value: object, kind: MessageType) -> str:
    if kind not in (MessageType.SUBSCRIBE, MessageType.COMPLETE):
        return ""
    if not isinstance(value, str) or not 0 < len(value) <= _ID_LENGTH_MAX:
        message = f"The id must be a text of 1 to {_ID_LENGTH_MAX} characters"
        raise MessageMalformed(message)
    return value


def authorization_in(payload: Any) -> str | None:  # noqa: ANN401  what the client sent beside connection_init
    """Return what the client comes in with, None for nothing. The name is spelled with or without its capital."""
    for name, value in (payload or {}).items():
        if name.lower() == "authorization" and isinstance(value, str):
            return value
    return None
