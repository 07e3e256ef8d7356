"""The base class of every table, and the tables that stand behind every write."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, MetaData, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column

from domain.base.columns import Amount, Day, Document, Flag, Instant, Key, Whole
from domain.base.identifiers import new_id


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True):
    """A row that is also a dataclass, so that rules and tests build it without a database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        int: Whole(),
        bool: Flag(),
        UUID: Key(),
        datetime: Instant(),
        date: Day(),
        Decimal: Amount(),
    }


STRICT = {"sqlite_strict": True}
"""The table argument that makes SQLite keep to the declared types."""


def one_of(column: str, choices: type[StrEnum]) -> CheckConstraint:
    """Return the constraint that a text column holds one of the values of an enum."""
    listed = ", ".join(f"'{choice.value}'" for choice in choices)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class EventRecord(Base, kw_only=True):
    """One committed fact of the event log. `seq` is dense; NULL until the sequencer has numbered it."""

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_fresh", "id", sqlite_where=text("seq IS NULL"), postgresql_where=text("seq IS NULL")),
        STRICT,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int | None] = mapped_column(unique=True)
    type: Mapped[str]
    subjects: Mapped[dict[str, str]] = mapped_column(Document())
    audit_id: Mapped[UUID] = mapped_column(ForeignKey("audit_entries.id"), index=True)
    occurred_at: Mapped[datetime]


class EventHead(Base, kw_only=True):
    """Where the event log ends: one row, locked by whoever numbers."""

    __tablename__ = "event_heads"
    __table_args__ = (CheckConstraint("id = 1", name="single"), STRICT)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int]
    """The number of the newest numbered event."""
    kept_from: Mapped[int]
    """The number of the oldest event that is kept, or of the next one where none is."""
    epoch: Mapped[str]
    """Another one from the moment at which the database was restored from a backup."""


class AuditEntry(Base, kw_only=True):
    """Who did what, when: one row for each write that was committed, and for each reading of many people's data."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index(
            "ix_audit_entries_customer",
            "actor_id",
            sqlite_where=text("actor_kind = 'CUSTOMER'"),
            postgresql_where=text("actor_kind = 'CUSTOMER'"),
        ),
        STRICT,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    action: Mapped[str]
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    request_id: Mapped[str | None]
    occurred_at: Mapped[datetime] = mapped_column(index=True)
    person_count: Mapped[int | None] = mapped_column(default=None)
    """Of a reading: the people whose personal data were shown whole."""


class IdempotencyKey(Base, kw_only=True):
    """The answer that was committed for a key: the id of what the write made."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (STRICT,)

    scope: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    input_hash: Mapped[str]
    answer_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(index=True)


class JobState(StrEnum):
    """How far a job has come."""

    READY = "READY"
    RUNNING = "RUNNING"
    DONE = "DONE"
    DEAD = "DEAD"
    """Failed as often as it may: it waits for a person."""


class JobRecord(Base, kw_only=True):
    """One piece of work that is done after the commit that asked for it.

    Whoever runs it holds it until `lease_until`. `fence` rises with each claim: who lost the lease and comes
    back late cannot finish what another one took over. A schedule's job exists once for each planned instant.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        one_of("state", JobState),
        Index("ix_jobs_run_at", "state", "run_at", "id"),
        Index("ix_jobs_lease_until", "state", "lease_until"),
        Index("ix_jobs_finished_at", "state", "finished_at"),
        Index(
            "uq_jobs_planned",
            "schedule",
            "planned_at",
            unique=True,
            sqlite_where=text("schedule IS NOT NULL"),
            postgresql_where=text("schedule IS NOT NULL"),
        ),
        STRICT,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(Document())
    state: Mapped[str]
    run_at: Mapped[datetime]
    attempt_count: Mapped[int]
    fence: Mapped[int]
    lease_until: Mapped[datetime | None]
    schedule: Mapped[str | None]
    planned_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
