"""Alerts are counted by shop for the shops that the rules file names, and for no other."""

from __future__ import annotations

import asyncio

import pytest

from schemas.alerts import Alert
from schemas.topics import BUYER_TOPICS
from streams.detect.engine import Engine
from streams.runtime.metrics import OTHER_SHOP, WorkerMetrics
from tests.example_stories import FOLDER, load
from tests.factories import make_alert
from tests.pipeline import build_engine, default_engine
from tests.stages import SETTINGS, Staged, by_topic

STORY = load(FOLDER / "D10" / "fires_one_buyer_twice.yaml")
NAMED = build_engine(shops={"shop1": {}})

ByShop = dict[tuple[str, str, str], float]


def by_shop(metrics: WorkerMetrics) -> ByShop:
    """How many alerts were counted by shop, detector and severity."""
    (family,) = metrics.shop_alerts.collect()
    return {
        (one.labels["shop"], one.labels["detector"], one.labels["severity"]): one.value
        for one in family.samples
        if one.name.endswith("_total")
    }


def counted(engine: Engine, *alerts: Alert) -> ByShop:
    metrics = WorkerMetrics()
    for alert in alerts:
        metrics.published(alert, engine.rules)
    return by_shop(metrics)


async def _told(staged: Staged) -> None:
    for topic, records in by_topic(STORY.events).items():
        await staged.process(topic, records)
    read_ms = STORY.horizon_ms + 1000 * SETTINGS.lateness_s
    await staged.stage.tick({0: [(topic, read_ms) for topic in BUYER_TOPICS]})


@pytest.mark.parametrize(("engine", "shop"), [(NAMED, "shop1"), (default_engine(), OTHER_SHOP)])
def test_what_a_stage_publishes_is_counted_where_it_happened(engine: Engine, shop: str) -> None:
    staged = Staged(engine=engine)
    asyncio.run(_told(staged))
    assert by_shop(staged.metrics) == {(shop, "D10", "warn"): 1}


def test_shops_that_nobody_named_are_one_value_however_many_there_are() -> None:
    alerts = [make_alert(f"{n}", shop=f"s{n}") for n in range(50)]
    assert counted(NAMED, make_alert(), *alerts) == {
        ("shop1", "D01", "warn"): 1,
        (OTHER_SHOP, "D01", "warn"): 50,
    }


def test_what_got_worse_counts_and_what_is_over_does_not() -> None:
    changes = ("opened", "updated", "escalated", "resolved", "reopened", "retracted", "expired")
    for change in changes:
        is_worse = change in ("opened", "escalated", "reopened")
        found = counted(NAMED, make_alert(change=change, severity="critical"))
        assert found == ({("shop1", "D01", "critical"): 1} if is_worse else {}), change


def test_what_a_shop_allows_is_no_attack_on_it() -> None:
    metrics = WorkerMetrics()
    metrics.published(make_alert(suppressed_by="allow: test purchases"), NAMED.rules)
    assert by_shop(metrics) == {}
    # As a revision it counts like any other.
    labels = {"detector": "D01", "severity": "warn", "change": "opened"}
    assert metrics.registry.get_sample_value("orderwatch_alerts_total", labels) == 1


def test_a_shop_that_the_file_begins_to_name_is_counted_from_then_on() -> None:
    engine = build_engine()
    metrics = WorkerMetrics()
    metrics.published(make_alert(), engine.rules)
    engine.renew(NAMED.rules)
    metrics.published(make_alert(), engine.rules)
    assert by_shop(metrics) == {
        (OTHER_SHOP, "D01", "warn"): 1,
        ("shop1", "D01", "warn"): 1,
    }


def test_no_shop_can_be_called_what_stands_for_the_others() -> None:
    with pytest.raises(ValueError, match="shops"):
        build_engine(shops={OTHER_SHOP: {}})
