"""The shop itself: its stores, and the keys with which its programs come in."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from domain.base.columns import Document
from domain.base.identifiers import new_id
from domain.base.model import STRICT, Base


class Store(Base, kw_only=True):
    """Where the organisation sells: a brand in a market."""

    __tablename__ = "stores"
    __table_args__ = (STRICT,)

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    country: Mapped[str]
    locale: Mapped[str]
    currency_code: Mapped[str]
    time_zone: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ApiKey(Base, kw_only=True):
    """The key of a program. Only the hash of its secret is kept: 256 random bits need no slow hash."""

    __tablename__ = "api_keys"
    __table_args__ = (STRICT,)

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    name: Mapped[str]
    prefix: Mapped[str]
    secret_hash: Mapped[str] = mapped_column(unique=True)
    permissions: Mapped[list[str]] = mapped_column(Document())
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None] = mapped_column(default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
    last_used_at: Mapped[datetime | None] = mapped_column(default=None)
    """To the minute: it is not written with every request."""
