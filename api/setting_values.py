"""What the values of settings have to be, where a kind and bounds do not say it."""

import base64
from collections.abc import Callable
from urllib.parse import urlsplit

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from domain.base.errors import Refusal

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
_BROKERS = {"valkey", "valkeys", "redis", "rediss"}


def checked(check: Callable[[str], str], value: str) -> str:
    """Return what the domain makes of a value; its refusal becomes the settings' own."""
    try:
        return check(value)
    except Refusal as refusal:
        raise ValueError(refusal.message) from None


def decoded(key: str) -> bytes:
    """Return the bytes of a key in base64, of either alphabet; none where it is no base64."""
    try:
        bare = key.strip().removesuffix("=").replace("-", "+").replace("_", "/")
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except ValueError:
        return b""


def check_database(value: str) -> str:
    """Return the address of a database that there is a driver for; in memory each connection would have its own."""
    try:
        url = make_url(value)
    except ArgumentError:
        url = URL.create("nothing")
    if url.get_backend_name() not in DRIVERS or url.database in (None, "", ":memory:"):
        message = "give sqlite:///path or postgresql://user:password@host:port/name"
        raise ValueError(message)
    return value


def check_broker(value: str | None) -> str | None:
    """Return the address of a broker of hints, if there is to be one."""
    if value is not None and (urlsplit(value).scheme not in _BROKERS or not urlsplit(value).hostname):
        message = "give valkey://host:port, valkeys:// for TLS, or redis:// and rediss:// likewise"
        raise ValueError(message)
    return value
