"""Customers: who they are, by what they are recognised, what they brought."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, false, text, true
from sqlalchemy.orm import Mapped, mapped_column

from domain.base.columns import Document, SortedText
from domain.base.identifiers import new_id
from domain.base.model import STRICT, Base, one_of
from domain.customers.rules.attributes import AttributeAudience, AttributeType
from domain.customers.rules.consents import ChannelKind, ConsentDecision, ConsentPurpose
from domain.customers.rules.families import MergeState
from domain.customers.rules.identities import IdentityKind, IdentitySource, IdentityVerification
from domain.customers.rules.privacy import ExportState
from domain.customers.rules.search import TermKind


class Customer(Base, kw_only=True):
    """A person (or firm) who buys, asks or plays along, whatever the channel: what is shown of them.

    Every column is gathered from the records of the customer's family (`rules/families.py`), at each commit
    that changes one of them; nothing is known here that could not be gathered again. An absorbed customer is
    not listed, and what their orders brought counts for the one who absorbed them. Nor is one who was erased:
    nobody absorbed them, so their sums stay where they are, for the books.
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
        Index("ix_customers_absorbed", "id", sqlite_where=text("is_absorbed"), postgresql_where=text("is_absorbed")),
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
    is_absorbed: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Not listed nor shown: another customer has what is known of them, or, erased, nobody."""

    order_count: Mapped[int] = mapped_column(default=0)
    net_spent: Mapped[Decimal] = mapped_column(default=Decimal(0))
    first_order_at: Mapped[datetime | None] = mapped_column(default=None)
    last_order_at: Mapped[datetime | None] = mapped_column(default=None)
    last_order_key: Mapped[int] = mapped_column(default=0)
    """Microseconds from 1970 to the last order, 0 without one: lists are ordered by columns without NULL."""


class CustomerRecord(Base, kw_only=True):
    """What became known under one customer id, by itself: a merge leaves it as it is.

    `canonical_id` is the customer at the root of the tree of merges, the record itself where nobody absorbed
    it. Orders, identities, consents and all else name the record that they came in through. Of one who was
    erased (`erased_at`) nothing stays but the two ids: what the books need goes on naming them.
    """

    __tablename__ = "customer_records"
    __table_args__ = (Index("ix_customer_records_canonical_id", "canonical_id", "id"), STRICT)

    id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"), primary_key=True)
    canonical_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))
    external_id: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    given_name: Mapped[str | None]
    family_name: Mapped[str | None]
    locale: Mapped[str | None]
    time_zone: Mapped[str | None]
    birth_date: Mapped[date | None]
    country: Mapped[str | None]
    emptied: Mapped[list[str]] = mapped_column(Document(), default_factory=list)
    """Fields that were emptied on purpose while an absorbed customer's value was shown: not filled from there."""
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    erased_at: Mapped[datetime | None] = mapped_column(default=None)


class CustomerMerge(Base, kw_only=True):
    """An edge between two customers: proposed, applied, rejected or undone.

    The partial unique indexes hold also under races: nobody is absorbed twice, and a pair is proposed once.
    `first_id` and `second_id` are the pair in the order of their ids.
    """

    __tablename__ = "customer_merges"
    __table_args__ = (
        one_of("state", MergeState),
        CheckConstraint("survivor_id <> absorbed_id", name="two"),
        Index("ix_customer_merges_state", "state", "id"),
        Index("ix_customer_merges_survivor_id", "survivor_id", "state"),
        Index("ix_customer_merges_absorbed_id", "absorbed_id", "state"),
        Index("ix_customer_merges_pair", "first_id", "second_id", "state"),
        Index(
            "uq_customer_merges_applied",
            "absorbed_id",
            unique=True,
            sqlite_where=text("state = 'APPLIED'"),
            postgresql_where=text("state = 'APPLIED'"),
        ),
        Index(
            "uq_customer_merges_proposed",
            "first_id",
            "second_id",
            unique=True,
            sqlite_where=text("state = 'PROPOSED'"),
            postgresql_where=text("state = 'PROPOSED'"),
        ),
        STRICT,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    survivor_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))
    absorbed_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))
    first_id: Mapped[UUID]
    second_id: Mapped[UUID]
    state: Mapped[str]
    score: Mapped[Decimal | None] = mapped_column(default=None)
    evidence: Mapped[list[Any]] = mapped_column(Document(), default_factory=list)
    """Pairs of a `Signal` and what it was seen in, as they were at the proposal."""
    reason: Mapped[str | None] = mapped_column(default=None)
    proposed_at: Mapped[datetime | None] = mapped_column(default=None)
    merged_at: Mapped[datetime | None] = mapped_column(default=None)
    rejected_at: Mapped[datetime | None] = mapped_column(default=None)
    unmerged_at: Mapped[datetime | None] = mapped_column(default=None)
    unmerge_reason: Mapped[str | None] = mapped_column(default=None)


class CustomerMatchKey(Base, kw_only=True):
    """What two records of the same person probably have in common, beside identities (`rules/matching.py`)."""

    __tablename__ = "customer_match_keys"
    __table_args__ = (Index("ix_customer_match_keys_key", "key", "customer_id"), STRICT)

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)


class Consent(Base, kw_only=True):
    """One decision of a customer on what they may be contacted for: added to, never changed."""

    __tablename__ = "consents"
    __table_args__ = (
        one_of("purpose", ConsentPurpose),
        one_of("channel", ChannelKind),
        one_of("decision", ConsentDecision),
        Index("ix_consents_customer_id", "customer_id", "decided_at", "id"),
        STRICT,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))
    purpose: Mapped[str]
    channel: Mapped[str | None]
    decision: Mapped[str]
    text_version: Mapped[str | None]
    source: Mapped[str | None]
    proof: Mapped[str | None]
    decided_at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class TimelineEntry(Base, kw_only=True):
    """Where one thing that happened stands in a customer's timeline; `id` is the thing's own.

    Areas put their things in by reactions; which kinds there are is theirs to say. Who works for one store only
    sees the things of that store, and the customers who have any.
    """

    __tablename__ = "timeline_entries"
    __table_args__ = (
        Index("ix_timeline_entries_customer_id", "customer_id", "kind", "occurred_at", "id"),
        Index("ix_timeline_entries_store_id", "store_id", "customer_id"),
        STRICT,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))
    occurred_at: Mapped[datetime]
    store_id: Mapped[UUID | None] = mapped_column(default=None)
    """The store in which it happened; None for what is the whole organisation's, or of no store."""


class AttributeDefinition(Base, kw_only=True):
    """What an organisation wants to know of its customers beside what everybody knows."""

    __tablename__ = "attribute_definitions"
    __table_args__ = (one_of("type", AttributeType), one_of("audience", AttributeAudience), STRICT)

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    key: Mapped[str] = mapped_column(SortedText(), unique=True)
    name: Mapped[str]
    description: Mapped[str | None]
    type: Mapped[str]
    choices: Mapped[list[str]] = mapped_column(Document())
    audience: Mapped[str]
    is_archived: Mapped[bool]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class CustomerAttribute(Base, kw_only=True):
    """What a record says of one attribute: its value, or that it was emptied on purpose (both columns NULL).

    Texts, choices, days (ISO 8601) and flags (`true`, `false`) stand in `text_value`, numbers in `number_value`.
    `is_shown`: this is what the family shows.
    """

    __tablename__ = "customer_attributes"
    __table_args__ = (
        Index("ix_customer_attributes_text_value", "definition_id", "text_value", "customer_id"),
        Index("ix_customer_attributes_number_value", "definition_id", "number_value", "customer_id"),
        STRICT,
    )

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"), primary_key=True)
    definition_id: Mapped[UUID] = mapped_column(ForeignKey("attribute_definitions.id"), primary_key=True)
    text_value: Mapped[str | None] = mapped_column(SortedText())
    number_value: Mapped[Decimal | None]
    is_shown: Mapped[bool]


class CustomerIdentity(Base, kw_only=True):
    """One sign by which a customer is recognised.

    The partial unique indexes are the promises that hold also under races: a verified identity belongs
    to one customer unless several share it, and so does an unverified e-mail of a profile, or of an order.
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
            sqlite_where=text("verification = 'VERIFIED' AND NOT is_shared"),
            postgresql_where=text("verification = 'VERIFIED' AND NOT is_shared"),
        ),
        Index(
            "uq_customer_identities_claimed",
            "value",
            "source",
            unique=True,
            sqlite_where=text("verification = 'UNVERIFIED' AND kind = 'EMAIL' AND source <> 'ADDED'"),
            postgresql_where=text("verification = 'UNVERIFIED' AND kind = 'EMAIL' AND source <> 'ADDED'"),
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
    is_shared: Mapped[bool] = mapped_column(default=False, server_default=false())
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]


class CustomerTag(Base, kw_only=True):
    """A word that staff put on a customer, or (`is_removed`) took off while an absorbed customer has it.

    `is_shown`: this is the row by which the family shows it.
    """

    __tablename__ = "customer_tags"
    __table_args__ = (Index("ix_customer_tags_tag", "tag", "customer_id"), STRICT)

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"), primary_key=True)
    tag: Mapped[str] = mapped_column(primary_key=True)
    is_removed: Mapped[bool] = mapped_column(default=False, server_default=false())
    is_shown: Mapped[bool] = mapped_column(default=True, server_default=true())


class CustomerTerm(Base, kw_only=True):
    """A word that finds a customer: folded, so that a search is a look-up in an index.

    `subject_id` is what the term comes from (the customer, or an order), so that it is replaced with it.
    """

    __tablename__ = "customer_terms"
    __table_args__ = (
        one_of("kind", TermKind),
        Index("ix_customer_terms_term", "term", "customer_id", "kind"),
        Index("ix_customer_terms_customer_id", "customer_id", "term"),
        STRICT,
    )

    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    term: Mapped[str] = mapped_column(SortedText(), primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))


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
    first_order_at: Mapped[datetime | None]
    last_order_at: Mapped[datetime | None]


class ValueRanking(Base, kw_only=True):
    """Where the fifths and tenths of customers begin, as of one instant: a single row, replaced whole."""

    __tablename__ = "value_rankings"
    __table_args__ = (STRICT,)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    as_of: Mapped[datetime]
    currency_code: Mapped[str]
    customer_count: Mapped[int]
    boundaries: Mapped[dict[str, Any]] = mapped_column(Document())


class CustomerExport(Base, kw_only=True):
    """Everything that is stored about a person, written down for them: kept for a day, and for nobody else.

    `secret` signs the addresses under which the document is had; it is of no use for anything else.
    """

    __tablename__ = "customer_exports"
    __table_args__ = (
        one_of("state", ExportState),
        Index("ix_customer_exports_customer_id", "customer_id", "state"),
        Index("ix_customer_exports_expires_at", "expires_at"),
        STRICT,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    """Who asked for it, and may have it."""
    state: Mapped[str]
    secret: Mapped[str]
    document: Mapped[str | None] = mapped_column(default=None)
    requested_at: Mapped[datetime]
    ready_at: Mapped[datetime | None] = mapped_column(default=None)
    expires_at: Mapped[datetime]
