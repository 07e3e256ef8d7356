"""What is searched is planned by its words, as often as it comes; what comes after it is planned as before."""

from sqlalchemy import text

from domain.base.repository.rows import plan_by_values
from domain.base.work import Works


async def test_the_transaction_alone_is_planned_by_its_values(works: Works) -> None:
    """On PostgreSQL; SQLite plans each statement when it is prepared, and knows nothing of values."""
    if works.database.is_sqlite:
        async with works.database.reading() as session:
            await plan_by_values(session)
        return
    shown = text("SHOW plan_cache_mode")
    async with works.database.reading() as session:
        before = (await session.execute(shown)).scalar_one()
        await plan_by_values(session)
        assert (await session.execute(shown)).scalar_one() == "force_custom_plan" != before
    async with works.database.reading() as session:
        assert (await session.execute(shown)).scalar_one() == before
