"""A database with the table of samples."""

from collections.abc import AsyncIterator

import pytest

from domain.base.database import Database
from tests.base.samples import create_samples


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Return a migrated database that has the table of samples besides."""
    database = Database(database_url, pool_size=8)
    await create_samples(database)
    yield database
    await database.dispose()
