"""Whether requests can be served."""

import asyncio

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from api.migrations import newest_revision
from domain.base.work import Works

_PATIENCE_S = 2.0


async def is_ready(works: Works) -> tuple[bool, str]:
    """Tell whether the database answers, has room and is at the schema of this code, and if not, why."""
    try:
        async with asyncio.timeout(_PATIENCE_S), works.database.reading() as session:
            found = (await session.execute(text("SELECT version_num FROM alembic_version"))).scalar_one_or_none()
    except (SQLAlchemyError, OSError, TimeoutError):
        return False, "the database does not answer, or was never migrated: run sportello migrate"
    if found != newest_revision():
        return (
            False,
            f"the database is at revision {found}, the code expects {newest_revision()}: run sportello migrate",
        )
    if not await works.has_room():
        return False, "the disk that holds the database is full: free some space"
    return True, ""
