"""Both databases of the inbox, for whatever must hold on either."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine

from streams.inbox.database import open_database, upgrade
from streams.inbox.models import Base
from tests.inbox import Clock, Served, inbox_in, postgres, postgres_binaries
from tests.shift import Shift


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    binaries = postgres_binaries()
    if binaries is None:
        cure = "PostgreSQL is not installed: apt-get install postgresql"
        if os.environ.get("REQUIRE_POSTGRES") == "1":
            pytest.fail(f"REQUIRE_POSTGRES=1, but {cure}")
        pytest.skip(cure)
    with postgres(binaries) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    is_sqlite = request.param == "sqlite"
    if is_sqlite:
        engine = inbox_in(tmp_path / "inbox.db")
    else:
        engine = open_database(request.getfixturevalue("postgres_url"))
        upgrade(engine)
    yield engine
    if not is_sqlite:
        with engine.begin() as connection:
            for table in reversed(Base.metadata.sorted_tables):
                connection.execute(table.delete())
    engine.dispose()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A console that shows nothing yet."""
    with Served(tmp_path, Clock()) as served:
        yield served


@pytest.fixture
def shift(served: Served) -> Iterator[Shift]:
    """A person at its list."""
    shift = Shift(served)
    with closing(shift.http):
        yield shift
