"""`orderwatch topics` on both brokers: created once, compared, never altered by accident."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.topics import TOPICS
from streams.cli import doctor, main
from streams.errors import ConfigurationError
from streams.kafka import topics
from streams.settings import Settings
from tests.inbox import inbox_in
from tests.topic_io import create_topics


@pytest.fixture
def settings(bootstrap: str, topic_prefix: str, tmp_path: Path) -> Settings:
    inbox = tmp_path / "inbox.db"
    inbox_in(inbox).dispose()
    return Settings(
        data_dir=tmp_path,
        database_url=f"sqlite:///{inbox}",
        bootstrap_servers=bootstrap,
        topic_prefix=topic_prefix,
        partitions=2,
        web_port=1,
        inbox_port=1,
    )


def _actions(report: topics.Report) -> set[str]:
    return {row.action for row in report.rows}


def test_applied_twice_is_applied_once(settings: Settings) -> None:
    assert _actions(topics.apply(settings)) == {"created"}
    assert _actions(topics.apply(settings)) == {"ok"}
    rows = topics.listing(settings)
    assert [row.wanted.topic.name for row in rows] == list(TOPICS)
    assert all(row.found and row.found.partitions == row.wanted.partitions for row in rows)


def test_dry_run_touches_nothing(settings: Settings) -> None:
    assert _actions(topics.apply(settings, dry_run=True)) == {"missing"}
    assert {row.action for row in topics.listing(settings)} == {"missing"}


def test_wrong_number_of_partitions_blocks_everything(settings: Settings) -> None:
    create_topics(settings.bootstrap_servers, {f"{settings.topic_prefix}orders": 5})
    report = topics.apply(settings, fix=True)
    assert report.is_blocked
    blocked = [row for row in report.rows if row.action == "blocked"]
    assert [row.wanted.topic.name for row in blocked] == ["orders"]
    assert "has 5 partitions, expected 2" in blocked[0].detail
    assert {row.action for row in topics.listing(settings)} == {"blocked", "missing"}


def test_drift_is_reported_and_fixed_only_when_asked(settings: Settings) -> None:
    orders_name = f"{settings.topic_prefix}orders"
    short = {orders_name: {"retention.ms": "1"}}
    create_topics(settings.bootstrap_servers, {orders_name: 2}, short)
    orders = topics.apply(settings).rows[0]
    assert orders.action == "drift"
    assert orders.drift["retention.ms"] == ("1", "2592000000")
    assert topics.apply(settings, fix=True).rows[0].action == "fixed"
    assert _actions(topics.apply(settings)) == {"ok"}


def test_a_topic_that_takes_larger_records_is_left_so(settings: Settings) -> None:
    orders_name = f"{settings.topic_prefix}orders"
    roomy = {orders_name: {"max.message.bytes": str(TOPICS["orders"].max_message_bytes + 1)}}
    create_topics(settings.bootstrap_servers, {orders_name: 2}, roomy)
    orders = topics.apply(settings, fix=True).rows[0]
    assert "max.message.bytes" not in orders.drift
    assert orders.found is not None
    kept = orders.found.configs.get("max.message.bytes", roomy[orders_name]["max.message.bytes"])
    assert kept == roomy[orders_name]["max.message.bytes"]


def test_more_replicas_than_brokers_names_the_setting(
    kafka_bootstrap: str, topic_prefix: str
) -> None:
    settings = Settings(
        bootstrap_servers=kafka_bootstrap, topic_prefix=topic_prefix, replication_factor=3
    )
    with pytest.raises(ConfigurationError, match="ORDERWATCH_REPLICATION_FACTOR"):
        topics.apply(settings)


def test_command_says_what_it_did_and_fails_when_blocked(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ORDERWATCH_TOPIC_PREFIX", settings.topic_prefix)
    monkeypatch.setenv("ORDERWATCH_PARTITIONS", "2")
    broker = ["-b", settings.bootstrap_servers]
    assert main([*broker, "topics", "apply", "--dry-run"]) == 0
    assert "would be created" in capfd.readouterr().out
    assert main([*broker, "topics", "apply"]) == 0
    assert "created" in capfd.readouterr().out
    monkeypatch.setenv("ORDERWATCH_PARTITIONS", "3")
    assert main([*broker, "topics", "apply"]) == 1
    assert "Do not add partitions" in capfd.readouterr().out
    assert main([*broker, "topics", "list", "--json"]) == 0
    assert len(capfd.readouterr().out.splitlines()) == len(TOPICS)


def test_doctor_finds_missing_topics_then_nothing(settings: Settings) -> None:
    before = {check.name: check for check in doctor.examine(settings)}
    assert before["topics"].status == "failed"
    assert "orderwatch topics apply" in before["topics"].cure
    topics.apply(settings)
    after = doctor.examine(settings)
    assert {check.status for check in after} == {"ok", "skipped"}


def test_doctor_finds_topics_of_one_kind_that_differ(settings: Settings) -> None:
    prefix = settings.topic_prefix
    create_topics(settings.bootstrap_servers, {f"{prefix}orders": 2, f"{prefix}payments": 3})
    check = next(c for c in doctor.examine(settings) if c.name == "co-partitioning")
    assert check.status == "failed"
    assert f"3 partitions: {prefix}payments" in check.found
