"""Whatever happens while alerts wait to be told: nothing is lost, nothing is told twice or out of order."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.alerts import SEVERITIES, Alert
from streams.notify.routes import Routes
from streams.notify.service import limits_of
from tests.desk import Desk
from tests.factories import make_alert

ALERTS = 3
DAY = 86_400.0
# In Shanghai.
TEN_TO_TEN = 13 * 3600 + 50 * 60 + 1
# What may come after what, and the status that it leads to.
NEXT = {
    "": ["opened"],
    "open": ["updated", "milder", "escalated", "resolved", "retracted"],
    "resolved": ["reopened"],
    "retracted": [],
}
STATUS = {"resolved": "resolved", "retracted": "retracted"}

steps = st.one_of(
    st.tuples(st.just("revise"), st.integers(0, ALERTS - 1), st.integers(0, 9)),
    st.tuples(st.just("pass"), st.sampled_from([1, 20, 70, 3600, 8 * 3600, 86_400]), st.just(0)),
    st.tuples(st.just("clock"), st.sampled_from([-86_400, -3600, 30 * 86_400]), st.just(0)),
    st.tuples(st.just("refuse"), st.integers(1, 4), st.just(0)),
    st.tuples(st.just("restart"), st.just(0), st.just(0)),
)
channels = st.fixed_dictionaries(
    {"group_s": st.sampled_from([0, 60])},
    optional={
        "quiet": st.fixed_dictionaries(
            {"from": st.just("22:00"), "to": st.sampled_from(["08:00", "21:50"])},
            optional={"except": st.sampled_from(["warn", "nothing"])},
        ),
        "max_per_minute": st.sampled_from([1, 2]),
    },
)
routes = st.lists(
    st.fixed_dictionaries(
        {"min_severity": st.sampled_from(SEVERITIES)},
        optional={"digest": st.sampled_from([{"at": "09:00"}, {"every_s": 600}])},
    ),
    min_size=1,
    max_size=3,
)


class Alerts:
    """The last revision of each alert."""

    def __init__(self) -> None:
        self.last: dict[int, Alert] = {}

    def revise(self, number: int, choice: int) -> Alert | None:
        before = self.last.get(number)
        changes = NEXT[before.status if before else ""]
        if not changes:
            return None
        change = changes[choice % len(changes)]
        rank = SEVERITIES.index(before.severity) if before else choice % 3
        if change == "escalated":
            rank += 1
        if change == "milder":
            rank, change = rank - 1, "updated"
        if rank not in range(3):
            return None
        alert = make_alert(
            str(number),
            buyer=f"b{number}",
            orders=1,
            revision=before.revision + 1 if before else 1,
            change=change,
            status=STATUS.get(change, "open"),
            severity=SEVERITIES[rank],
        )
        self.last[number] = alert
        return alert


def configured(channel: dict[str, Any], some: list[dict[str, Any]]) -> Routes:
    desk = {"url": "json://x", "give_up_after_s": 10**9, **channel}
    named = [{"name": f"r{n}", "to": ["desk"], **one} for n, one in enumerate(some)]
    return Routes.model_validate({"channels": {"desk": desk}, "routes": named})


def start(desk: Desk, config: Routes) -> None:
    desk.outbox.close()
    desk.limits = limits_of(config, "desk")
    desk.start()


@contextmanager
def a_desk() -> Iterator[Desk]:
    with tempfile.TemporaryDirectory() as directory:
        desk = Desk(Path(directory) / "notify.db")
        yield desk
        desk.outbox.close()


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(channels, channels, routes, st.lists(steps, max_size=25))
def test_nothing_is_lost_nor_told_twice_nor_out_of_order(
    channel: dict[str, Any],
    edited: dict[str, Any],
    some: list[dict[str, Any]],
    story: list[tuple[str, int, int]],
) -> None:
    # Each restart finds the file edited.
    without_digests = [{"min_severity": one["min_severity"]} for one in some]
    config, other = configured(channel, some), configured(edited, without_digests)
    alerts, revisions = Alerts(), {}
    with a_desk() as desk:
        start(desk, config)
        for what, a, b in story:
            if what == "revise" and (alert := alerts.revise(a, b)):
                revisions[alert.alert_id, alert.revision] = alert
                # The broker gives it twice, as after a rebalance.
                desk.take(config, alert, alert)
            elif what == "pass":
                desk.clock.now += a
                desk.work(2)
            elif what == "clock":
                desk.clock.now += a
            elif what == "refuse":
                desk.receiver.refusals += a
            elif what == "restart":
                config, other = other, config
                start(desk, config)
        desk.receiver.refusals = 0
        # No plan is longer than a day, and at ten to ten in the evening no channel here is quiet.
        for _ in range(2):
            desk.clock.now += DAY + (TEN_TO_TEN - desk.clock.now) % DAY
            for _ in range(7):
                desk.work(1)
                desk.clock.now += 61
        assert (desk.outbox.held(), desk.outbox.waiting()) == ({}, {})
        reports = [report for _, report in desk.outbox.unpublished(10_000)]
    told = [(one.alert_id, one.revision) for one in reports if one.status == "delivered"]
    assert len(told) == len(set(told))
    least = min(SEVERITIES.index(one.min_severity) for one in config.routes)
    for alert in alerts.last.values():
        heard = [revision for identity, revision in told if identity == alert.alert_id]
        assert heard == sorted(heard)
        if alert.status == "open" and SEVERITIES.index(alert.severity) >= least:
            assert heard, f"nobody was told of {alert.alert_id}"
        if heard:
            # Whoever heard of it knows whether it is over.
            assert revisions[alert.alert_id, heard[-1]].status == alert.status
