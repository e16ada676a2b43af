"""All services together on both brokers: from an order to a person who is told, and to stock.

Event times are the last days, for an order that the platform has long closed holds no stock any more.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import httpx
import orjson

from schemas.alerts import Alert, AlertEnvelope
from schemas.fast import decode_line, key_of
from schemas.outputs import StockAdjustment
from streams.demo.broker import free_port
from streams.detect.detector import find_detectors
from streams.kafka import deadletters, resend
from streams.replay.files import event_line
from streams.simulate import SimEvent, scenario
from tests.receivers import webhook
from tests.topic_io import Message, produce, read_to_end
from tests.visiting import get
from tests.workers import Worker, expected, load, settled, truth, worker

SERVICES = ("notify", "stock", "inbox")
# About updates, which change numbers only, nobody is told.
TOLD = ("opened", "escalated", "reopened", "resolved", "retracted", "expired")
# Each alert by itself, so that they can be counted.
ROUTES = """
channels: {{ops: {{url: "json://127.0.0.1:{port}", max_per_minute: 1000, group_s: 0}}}}
routes: [{{name: all, to: [ops], changes: [{changes}]}}]
"""
# Stories long over, or in the middle of it: hours before now at which they begin.
BEGAN_H = {"F1": 5, "F8": 120, "N07": 200, "bulk-buyer": 150, "slow-payer": 100}
ACCUSING = {detector.id for detector in find_detectors() if detector.accuses}
HONEST = ("N07", "bulk-buyer", "slow-payer")


class Services:
    """The consumers of alerts as processes beside a worker; `each` has what only one of them is told."""

    def __init__(
        self,
        subject: Worker,
        directory: Path,
        settings: dict[str, str],
        each: Mapping[str, dict[str, str]],
        names: Sequence[str],
    ) -> None:
        self._worker = subject
        self._log = directory / "services.log"
        self._children = {}
        for name in names:
            own = {
                "ORDERWATCH_DATA_DIR": str(directory / name),
                "ORDERWATCH_DATABASE_URL": f"sqlite:///{directory}/inbox.db",
            }
            with self._log.open("ab") as log:
                self._children[name] = subprocess.Popen(
                    [str(Path(sys.executable).with_name("orderwatch")), name],
                    env=os.environ | subject.variables | settings | own | each.get(name, {}),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )

    def wait_for(self, condition: Callable[[], bool], what: str, deadline_s: float = 180.0) -> None:
        """Poll until it holds; fails with the end of the log at the deadline or when one exited."""
        deadline = time.monotonic() + deadline_s
        while not condition():
            ended = [name for name, child in self._children.items() if child.poll() is not None]
            if ended or time.monotonic() > deadline:
                tail = self.log()[-4000:]
                raise AssertionError(f"{what}: not within {deadline_s} s; ended: {ended}\n{tail}")
            time.sleep(0.1)

    def log(self) -> str:
        """What they have said so far."""
        return self._log.read_text(errors="replace")

    def stop(self) -> dict[str, int]:
        """SIGTERM for all, and their exit codes."""
        for child in self._children.values():
            child.send_signal(signal.SIGTERM)
        return {name: child.wait(40) for name, child in self._children.items()}

    def close(self) -> None:
        """Kill what still runs."""
        for child in self._children.values():
            child.kill()
            child.wait()


@contextmanager
def services(
    subject: Worker,
    directory: Path,
    settings: dict[str, str],
    each: Mapping[str, dict[str, str]] = MappingProxyType({}),
    names: Sequence[str] = SERVICES,
) -> Iterator[Services]:
    """The running consumers of alerts."""
    running = Services(subject, directory, settings, each, names)
    try:
        yield running
    finally:
        running.close()


def _lines(events: list[SimEvent]) -> list[bytes]:
    ordered = sorted(events, key=lambda event: event.at_ms)
    return [event_line(event.topic, event.body).rstrip() for event in ordered]


def stories(now: datetime) -> tuple[list[bytes], list[bytes], set[str]]:
    """What happened until now, how it ends (moved to now), and the honest buyers."""
    past: list[SimEvent] = []
    ending: list[SimEvent] = []
    honest: set[str] = set()
    now_ms = int(now.timestamp() * 1000)
    for name, began_h in BEGAN_H.items():
        story = scenario(name, now - timedelta(hours=began_h))
        past += [event for event in story.events if event.at_ms <= now_ms]
        for event in story.events:
            if event.at_ms > now_ms and event.topic == "orders":
                body = orjson.loads(event.body) | {"occurred_at": now.isoformat()}
                ending.append(SimEvent(now_ms, event.topic, orjson.dumps(body)))
        if name in HONEST:
            honest |= {f"{story.label.shop_id}:{buyer}" for buyer in story.label.buyer_ids}
    return _lines(past), _lines(ending), honest


def _adjustments(bootstrap: str, prefix: str) -> list[StockAdjustment]:
    records = read_to_end(bootstrap, f"{prefix}stock-adjustments")
    said = [StockAdjustment.model_validate_json(record.value or b"") for record in records]
    return list({each.adjustment_id: each for each in said}.values())


def test_from_an_order_to_everybody_who_must_know(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    past, ending, honest = stories(datetime.now(UTC))
    inbox = f"http://127.0.0.1:{(inbox_port := free_port())}"

    def alerts() -> list[Alert]:
        """Each revision once, oldest first."""
        found = (AlertEnvelope.model_validate_json(value).data for value in subject.alerts())
        return list({(alert.alert_id, alert.revision): alert for alert in found}.values())

    def standing() -> dict[str, set[str]]:
        last = {alert.alert_id: alert for alert in alerts()}
        by_detector: dict[str, set[str]] = {}
        for alert in last.values():
            by_detector.setdefault(alert.detector, set()).add(alert.status)
        return by_detector

    def net() -> int:
        return sum(each.delta for each in _adjustments(bootstrap, topic_prefix))

    def is_shown(alert: Alert) -> bool:
        try:
            answer = get(f"{inbox}/alerts/{alert.alert_id}.json")
        except httpx.TransportError:
            return False
        return answer.is_success and answer.json()["data"]["revision"] == alert.revision

    with webhook() as hook, worker(bootstrap, topic_prefix, tmp_path) as subject:
        routes = tmp_path / "routes.yaml"
        routes.write_text(ROUTES.format(port=hook.port, changes=", ".join(TOLD)), "utf-8")
        settings = {
            "ORDERWATCH_NOTIFY_ROUTES_PATH": str(routes),
            "ORDERWATCH_INBOX_PORT": str(inbox_port),
        }
        with services(subject, tmp_path, settings) as running:
            subject.start()
            load(bootstrap, topic_prefix, past)
            running.wait_for(
                lambda: standing().get("D01") == {"open"} and standing().get("D08") == {"open"},
                "alerts about the burst and the refunds",
            )
            blamed = {
                a.subject.id for a in alerts() if a.detector in ACCUSING and a.severity != "info"
            }
            assert not blamed & honest
            running.wait_for(lambda: net() > 0, "stock is topped up, in a dry run")

            load(bootstrap, topic_prefix, ending)
            running.wait_for(lambda: "open" not in standing()["D01"], "the burst is over")
            running.wait_for(lambda: net() == 0, "what was topped up is taken back")
            assert all(each.is_dry_run for each in _adjustments(bootstrap, topic_prefix))

            def wanted() -> Counter[tuple[str, ...]]:
                told = [alert for alert in alerts() if alert.change in TOLD]
                return Counter((a.detector, a.severity, a.change, a.subject.id) for a in told)

            def received() -> Counter[tuple[str, ...]]:
                return Counter(tuple(body["title"].split()[:4]) for body in hook.accepted())

            running.wait_for(lambda: received() == wanted(), "everybody is told everything once")

            running.wait_for(
                lambda: all(map(is_shown, {alert.alert_id: alert for alert in alerts()}.values())),
                "the inbox has the last revision of each",
            )
            burst = next(alert for alert in alerts() if alert.detector == "D01")
            page = get(f"{inbox}/alerts/{burst.alert_id}")
            assert page.is_success and burst.evidence.facts[0].ref in page.text
            buyer = burst.subject.id.partition(":")[2]
            assert buyer in get(inbox, params={"view": "handled"}).text

            assert running.stop() == dict.fromkeys(SERVICES, 0)
            assert subject.stop() == 0
        assert received() == wanted(), "and nothing again at the end"


def _message(line: bytes, key: bytes | None = None) -> Message:
    """An event as its producer sends it, or under another key."""
    _, event = decode_line(line)
    return Message(line[line.index(b'"value":') + 8 : -1], key or key_of(event).encode())


def test_dead_letters_sent_back_after_a_fix_count_as_if_they_had_come_right(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    story = scenario("F1-small", now - timedelta(hours=100))
    lines = _lines([event for event in story.events if event.topic == "orders"])
    # One of them comes from a sender whose clock is two hours ahead.
    early = orjson.loads(story.events[0].body) | {
        "event_id": "from-the-future",
        "order_id": "o-from-the-future",
        "occurred_at": (now + timedelta(hours=2)).isoformat(),
    }
    future = event_line("orders", orjson.dumps(early)).rstrip()
    right = tmp_path / "right.jsonl"
    right.write_bytes(b"\n".join(lines) + b"\n")
    wanted = expected(truth(right))
    assert len(wanted) == 1

    with worker(bootstrap, topic_prefix, tmp_path) as subject:
        settings = subject.settings
        orders = topic_prefix + "orders"
        subject.start()
        produce(bootstrap, orders, [_message(line, b"shop1:somebody") for line in lines])
        produce(bootstrap, orders, [_message(future)])

        def reasons() -> Counter[str]:
            return Counter(letter.reason for letter in deadletters.read(settings).letters)

        def applied() -> float:
            # Of orders alone: a signal that the worker before had no time to read is read by the next.
            return subject.metric("orderwatch_records_total", topic="orders", outcome="applied")

        refused = Counter(key_mismatch=len(lines), future_time=1)
        subject.wait_for(lambda: reasons() == refused, "all are refused")
        assert subject.alerts() == []

        rekeyed = resend.Selection(reason="key_mismatch", rekey=True)
        assert len(resend.replay(settings, rekeyed).sent) == len(lines)
        settled(subject, wanted)
        subject.wait_for(lambda: applied() == len(lines), "what came after the alert")
        assert resend.replay(settings, rekeyed).sent == []
        assert subject.stop() == 0

        # The sender was right: the limit was too low.
        subject.variables["ORDERWATCH_MAX_FUTURE_S"] = "86400"
        subject.start()
        again = resend.Selection(reason="future_time")
        assert len(resend.replay(settings, again).sent) == 1
        sent = len(read_to_end(bootstrap, orders))
        assert sent == 2 * len(lines) + 2, "each letter went back once"
        subject.wait_for(lambda: applied() == 1, "it is read after the restart")
        assert resend.replay(settings, resend.Selection()).sent == []
        assert reasons() == refused, "and nothing is refused again"
        assert subject.stop() == 0
