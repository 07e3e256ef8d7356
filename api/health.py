"""Whether requests can be served."""

import asyncio

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from api.migrations import newest_revision
from domain.base.database import Database

_PATIENCE_S = 2.0


async def is_ready(database: Database) -> tuple[bool, str]:
    """Tell whether the database answers and is at the schema that this code expects, and if not, why."""
    try:
        async with asyncio.timeout(_PATIENCE_S), database.reading() as session:
            found = (await session.execute(text("SELECT version_num FROM alembic_version"))).scalar_one_or_none()
    except (SQLAlchemyError, OSError, TimeoutError):
        return False, "the database does not answer, or was never migrated: run sportello migrate"
    if found != newest_revision():
        return (
            False,
            f"the database is at revision {found}, the code expects {newest_revision()}: run sportello migrate",
        )
    return True, ""
