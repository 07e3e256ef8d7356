"""Global ids: opaque to clients, a type's name and a key to the product."""

import base64
import binascii
from binascii import b2a_base64
from functools import cache
from typing import Any
from uuid import UUID

import strawberry

from domain.base.errors import Invalid, NotFound

_KEY_BYTES = 16
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def global_id(type_name: str, key: UUID) -> strawberry.ID:
    """Return the id under which clients know an object."""
    shown: Any = b2a_base64(_prefix(type_name) + key.bytes, newline=False).translate(_URL_SAFE, b"=").decode()
    return shown  # type: ignore[no-any-return]  # `ID` is a name for text, and calling it takes time


@cache
def _prefix(type_name: str) -> bytes:
    return type_name.encode() + b":"


def parse_id(value: str) -> tuple[str, UUID]:
    """Return type and key of a global id. Raises `Invalid` for anything that this API never gave out."""
    try:
        padded = value.encode("ascii") + b"=" * (-len(value) % 4)
        type_name, _, key = base64.b64decode(padded, altchars=b"-_", validate=True).partition(b":")
        if len(key) == _KEY_BYTES and not value.endswith("="):  # one id, one spelling
            return type_name.decode("ascii"), UUID(bytes=key)
    except (binascii.Error, ValueError):
        pass
    message = "This is no id of this API; send one back exactly as it came."
    raise Invalid(message)


def key_of(value: str, type_name: str) -> UUID | None:
    """Return the key in an id of this type, None for an id of another one: like a missing object.

    Raises `Invalid` for anything that this API never gave out.
    """
    found, key = parse_id(value)
    return key if found == type_name else None


def required_key(value: str, type_name: str, *field: str | int) -> UUID:
    """Return the key in an id that a write names.

    Raises `NotFound`, with the path to it, for an id of another type and for anything that is none.
    """
    try:
        key = key_of(value, type_name)
    except Invalid:
        key = None
    if key is None:
        message = f"There is no {type_name} with this id."
        raise NotFound(message, field=field)
    return key
