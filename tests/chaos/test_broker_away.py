"""The broker goes away in the middle: nothing is concluded from its silence, and nothing is lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.brokers import ApacheKafka
from tests.chaos.bursts import BURST, GRACE_S, buyers_of, hasty_rules, orders
from tests.workers import expected, load, settled, simulated, truth, worker

EVENTS = 40_000

# The worker's, in these tests.
LATENESS_S = 1
# A horizon that went on would have passed the deadline by then, for the pulse beats four times a second.
MARGIN_S = 3
# A session of these tests, a heartbeat's time to fail, and a busy machine.
BOUND_S = 20
MOST_LINES = 100


@pytest.mark.slow
def test_broker_restarts_in_the_middle_of_the_stream(
    own_kafka: ApacheKafka, topic_prefix: str, tmp_path: Path
) -> None:
    events = simulated(tmp_path / "events.jsonl", EVENTS)
    wanted = expected(truth(events))
    lines = events.read_bytes().splitlines()
    half = len(lines) // 2
    with worker(own_kafka.bootstrap, topic_prefix, tmp_path) as subject:
        subject.start()
        load(own_kafka.bootstrap, topic_prefix, lines[:half])
        subject.wait_for(lambda: subject.metric("orderwatch_records_total") > 0, "it works")
        own_kafka.stop()
        own_kafka.start()
        load(own_kafka.bootstrap, topic_prefix, lines[half:])
        settled(subject, wanted, is_managed=True)
        assert subject.stop() == 0


@pytest.mark.slow
def test_nobody_is_accused_while_the_broker_does_not_answer(
    own_kafka: ApacheKafka, topic_prefix: str, tmp_path: Path
) -> None:
    settings = {
        "ORDERWATCH_RULES_PATH": str(hasty_rules(tmp_path / "rules.yaml")),
        # Longer than the suspension, so that nobody is thrown out of the group for it.
        "ORDERWATCH_SESSION_TIMEOUT_S": "60",
        "ORDERWATCH_REBALANCE_TIMEOUT_S": "60",
    }
    with worker(own_kafka.bootstrap, topic_prefix, tmp_path, **settings) as subject:

        def lag_s() -> float:
            return subject.metric("orderwatch_horizon_lag_seconds", stage="buyer")

        subject.start()
        subject.wait_ready()
        subject.wait_for(lambda: 0 < lag_s() < 30, "the horizon follows the clock")
        # Not to be judged before the broker is suspended.
        at = datetime.now(UTC) + timedelta(seconds=10)
        burst = orders("shop1", next(buyers_of("shop1")), each=BURST, at=at)
        load(own_kafka.bootstrap, topic_prefix, [order.placed for order in burst])
        subject.wait_for(
            lambda: subject.metric("orderwatch_records_total", topic="orders") == BURST,
            "the orders are read",
        )
        own_kafka.suspend()
        judged_at = at + timedelta(seconds=GRACE_S + LATENESS_S)
        subject.wait_for(
            lambda: (
                datetime.now(UTC) > judged_at + timedelta(seconds=MARGIN_S)
                and lag_s() > LATENESS_S + GRACE_S + MARGIN_S
            ),
            "time passes and the horizon does not",
        )
        assert subject.metric("orderwatch_alerts_total") == 0
        own_kafka.resume()
        subject.wait_for(lambda: len(subject.alerts()) > 0, "then the burst is judged")
        assert subject.stop() == 0


@pytest.mark.slow
def test_an_idle_worker_is_not_ready_while_no_broker_answers_and_comes_back_by_itself(
    own_kafka: ApacheKafka, topic_prefix: str, tmp_path: Path
) -> None:
    """Frozen, it takes connections and answers none; stopped, it takes none."""
    with worker(own_kafka.bootstrap, topic_prefix, tmp_path) as subject:
        subject.start()
        subject.wait_ready()
        for go_away, come_back in (
            (own_kafka.suspend, own_kafka.resume),
            (own_kafka.stop, own_kafka.start),
        ):
            go_away()
            subject.wait_for(lambda: subject.get("/readyz")[0] == 503, "it is not ready", BOUND_S)
            assert json.loads(subject.get("/readyz")[1])["status"] == "cut off"
            # To kill it would not help.
            assert subject.get("/healthz")[0] == 200
            come_back()
            subject.wait_ready()
        assert subject.stop() == 0
    # Whoever looks for the cause must find it: of each kind of line one in ten seconds, where the client has
    # sixty lines a second.
    said = subject.log.read_text(encoding="utf-8").splitlines()
    assert len(said) < MOST_LINES, "\n".join(said)
