"""A table with a column of every portable type, made in a test's own database."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from domain.base.columns import Amount, Day, Document, Flag, Instant, Key, SortedText, Whole
from domain.base.database import Database
from domain.base.model import STRICT


class Samples(DeclarativeBase):
    """Metadata of its own, so that no migration is missed for it."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        int: Whole(),
        bool: Flag(),
        UUID: Key(),
        datetime: Instant(),
        date: Day(),
        Decimal: Amount(),
    }


class Sample(Samples):
    """One value of each type, each of which may be missing."""

    __tablename__ = "samples"
    __table_args__ = (STRICT,)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    whole: Mapped[int | None]
    text: Mapped[str | None]
    word: Mapped[str | None] = mapped_column(SortedText())
    flag: Mapped[bool | None]
    key: Mapped[UUID | None]
    instant: Mapped[datetime | None]
    day: Mapped[date | None]
    amount: Mapped[Decimal | None]
    document: Mapped[Any | None] = mapped_column(Document())


async def create_samples(database: Database) -> None:
    """Make the empty table."""
    async with database.writing() as session:
        connection = await session.connection()
        await connection.run_sync(Samples.metadata.create_all)
        await session.commit()


async def store(database: Database, *rows: Sample) -> None:
    """Write rows."""
    async with database.writing() as session:
        session.add_all(rows)
        await session.commit()
