"""Fixtures that every folder of tests may use: the two brokers.

A fixture's broker lives for the whole session of one test process, so tests keep apart by topic
names (`topic_prefix`), never by deleting. A test that stops or kills a broker takes `own_kafka`.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from streams.demo.broker import EmbeddedBroker
from tests.brokers import ApacheKafka, KafkaUnavailableError, kafka_jars

# A busy machine is no bug: an example may take as long as it takes.
settings.register_profile("orderwatch", deadline=None)
# In CI the same examples each time: a new one that fails belongs in a developer's run, not in a merge.
settings.register_profile("ci", deadline=None, derandomize=True)
# For an hour of looking for what nobody thought of: pytest --hypothesis-profile=deep tests/property
settings.register_profile("deep", deadline=None, max_examples=5000)
settings.load_profile("ci" if os.environ.get("CI") else "orderwatch")


def _skip_unless_kafka() -> None:
    try:
        kafka_jars()
    except KafkaUnavailableError as missing:
        if os.environ.get("REQUIRE_KAFKA") == "1":
            pytest.fail(f"REQUIRE_KAFKA=1, but {missing}")
        pytest.skip(str(missing))


# These compare whole histories, for minutes. Tracing doubles that, and a branch that only they take lacks a
# test that says what it is for: so coverage is what all others reach.
UNTRACED = tuple(
    Path(__file__).parent / name
    for name in (
        "property",
        "oracle",
        "scenarios",
        "chaos",
        "unit/test_detect_agreement.py",
        "unit/test_simulate_truth.py",
        "unit/test_importers.py",
        "unit/test_pickups.py",
    )
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever takes a fixture of Apache Kafka carries the marker `kafka`."""
    for item in items:
        if {"kafka_bootstrap", "own_kafka"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.kafka)
        if any(item.path.is_relative_to(path) for path in UNTRACED):
            item.add_marker(pytest.mark.no_cover)


@pytest.fixture(scope="session")
def kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Apache Kafka, one for each test process."""
    _skip_unless_kafka()
    with ApacheKafka(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker.bootstrap


@pytest.fixture(scope="session")
def embedded_bootstrap() -> Iterator[str]:
    """The address of the embedded broker, one for each test process."""
    with EmbeddedBroker() as broker:
        yield broker.bootstrap


@pytest.fixture(
    scope="session",
    params=["embedded", pytest.param("apache", marks=pytest.mark.kafka)],
)
def bootstrap(request: pytest.FixtureRequest) -> str:
    """The address of either broker: a test with this fixture runs once on each."""
    name = "kafka_bootstrap" if request.param == "apache" else "embedded_bootstrap"
    address: str = request.getfixturevalue(name)
    return address


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[ApacheKafka]:
    """A started Apache Kafka that the test may stop, kill, suspend and start again."""
    _skip_unless_kafka()
    with ApacheKafka(tmp_path / "kafka") as broker:
        yield broker


@pytest.fixture
def topic_prefix() -> str:
    """A prefix that keeps this test's topics apart from those of all others."""
    return f"t{uuid.uuid4().hex[:8]}-"
