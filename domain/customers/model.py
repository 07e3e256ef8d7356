"""Customers: who they are, by what they are recognised, what they brought."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.base.columns import Document, SortedText
from domain.base.identifiers import new_id
from domain.base.model import STRICT, Base, one_of
from domain.customers.rules.identities import IdentityKind, IdentitySource, IdentityVerification
from domain.customers.rules.search import TermKind


class Customer(Base, kw_only=True):
    """A person (or firm) who buys, asks or plays along, whatever the channel.

    The last group of columns is what orders brought, written by a reaction at each order's commit.
    """

    __tablename__ = "customers"
    __table_args__ = (
        Index("ix_customers_created_at", "created_at", "id"),
        Index("ix_customers_updated_at", "updated_at", "id"),
        Index("ix_customers_sort_name", "sort_name", "id"),
        Index("ix_customers_last_order_key", "last_order_key", "rank_key", "id"),
        Index("ix_customers_net_spent", "net_spent", "rank_key", "id"),
        Index("ix_customers_order_count", "order_count", "rank_key", "id"),
        Index(
            "ix_customers_ranked",
            "net_spent",
            "rank_key",
            "id",
            sqlite_where=text("order_count > 0"),
            postgresql_where=text("order_count > 0"),
        ),
        Index("ix_customers_country", "country", "id"),
        STRICT,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    external_id: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    given_name: Mapped[str | None]
    family_name: Mapped[str | None]
    locale: Mapped[str | None]
    time_zone: Mapped[str | None]
    birth_date: Mapped[date | None]
    country: Mapped[str | None]
    sort_name: Mapped[str] = mapped_column(SortedText())
    rank_key: Mapped[str] = mapped_column(SortedText())
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    order_count: Mapped[int] = mapped_column(default=0)
    net_spent: Mapped[Decimal] = mapped_column(default=Decimal(0))
    first_order_at: Mapped[datetime | None] = mapped_column(default=None)
    last_order_at: Mapped[datetime | None] = mapped_column(default=None)
    last_order_key: Mapped[int] = mapped_column(default=0)
    """Microseconds from 1970 to the last order, 0 without one: lists are ordered by columns without NULL."""


class CustomerIdentity(Base, kw_only=True):
    """One sign by which a customer is recognised.

    The partial unique indexes are the promises that hold also under races: a verified identity belongs
    to one customer, and so does an unverified e-mail among those of the same source.
    """

    __tablename__ = "customer_identities"
    __table_args__ = (
        one_of("kind", IdentityKind),
        one_of("verification", IdentityVerification),
        one_of("source", IdentitySource),
        Index("ix_customer_identities_value", "kind", "namespace", "value"),
        Index(
            "uq_customer_identities_verified",
            "kind",
            "namespace",
            "value",
            unique=True,
            sqlite_where=text("verification = 'VERIFIED'"),
            postgresql_where=text("verification = 'VERIFIED'"),
        ),
        Index(
            "uq_customer_identities_claimed",
            "value",
            "source",
            unique=True,
            sqlite_where=text("verification = 'UNVERIFIED' AND kind = 'EMAIL'"),
            postgresql_where=text("verification = 'UNVERIFIED' AND kind = 'EMAIL'"),
        ),
        STRICT,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"), index=True)
    kind: Mapped[str]
    namespace: Mapped[str] = mapped_column(default="")
    value: Mapped[str]
    verification: Mapped[str]
    source: Mapped[str]
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]


class CustomerTag(Base, kw_only=True):
    """A word that staff put on a customer."""

    __tablename__ = "customer_tags"
    __table_args__ = (Index("ix_customer_tags_tag", "tag", "customer_id"), STRICT)

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"), primary_key=True)
    tag: Mapped[str] = mapped_column(primary_key=True)


class CustomerTerm(Base, kw_only=True):
    """A word that finds a customer: folded, so that a search is a look-up in an index.

    `subject_id` is what the term comes from (the customer, or an order), so that it is replaced with it.
    """

    __tablename__ = "customer_terms"
    __table_args__ = (one_of("kind", TermKind), Index("ix_customer_terms_term", "term", "customer_id"), STRICT)

    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    term: Mapped[str] = mapped_column(SortedText(), primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"), index=True)


class CustomerSpending(Base, kw_only=True):
    """What a customer's orders and credit notes in one currency add up to."""

    __tablename__ = "customer_spendings"
    __table_args__ = (STRICT,)

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"), primary_key=True)
    currency_code: Mapped[str] = mapped_column(primary_key=True)
    order_count: Mapped[int]
    ordered: Mapped[Decimal]
    credited: Mapped[Decimal]
    net: Mapped[Decimal]


class ValueRanking(Base, kw_only=True):
    """Where the fifths and tenths of customers begin, as of one instant: a single row, replaced whole."""

    __tablename__ = "value_rankings"
    __table_args__ = (STRICT,)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    as_of: Mapped[datetime]
    currency_code: Mapped[str]
    customer_count: Mapped[int]
    boundaries: Mapped[dict[str, Any]] = mapped_column(Document())
