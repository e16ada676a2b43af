"""Both stages of detection without a broker: partitions, signals between them, restarts.

The trap: nothing happens by itself. A test sends batches, moves the horizon topic by topic and
delivers signals when it wants to; only `finish` brings everything to one horizon.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import orjson
import yaml

from schemas.alerts import Alert
from schemas.fast import decode_line
from schemas.fast_types import BuyerEvent
from schemas.topics import BUYER_TOPICS, ITEM_TOPICS
from streams.detect.address import receivers
from streams.detect.detector import find_detectors
from streams.detect.engine import Engine
from streams.detect.episodes import Told
from streams.detect.extract import FACTS_OF, to_ms
from streams.detect.facts import AnyFact
from streams.detect.horizon import Frontier
from streams.detect.partition import LETTER, Effects, Partition
from streams.detect.rules import RuleSet, parse
from streams.runtime.signals import decode_signal, encode_signal

DAY_MS = 86_400_000
NEVER_SILENT = 10**9
# So large that events alone never move the horizon: tests that move it themselves want that.
PATIENT_MS = 100 * DAY_MS
SIGNAL_TOPICS = ("signals", *ITEM_TOPICS)
# Identities are hashed only under a key; every process that tests in this way has the same.
IDENTITY_KEY = b"a key that protects nobody"
receivers.use(IDENTITY_KEY)

Event = tuple[str, Mapping[str, Any]]


@cache
def _rules_document() -> dict[str, Any]:
    text = files("streams.detect").joinpath("rules.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def rules_document() -> dict[str, Any]:
    """A copy of the default rules as loaded from their file."""
    return deepcopy(_rules_document())


def build_engine(**overrides: Mapping[str, Any]) -> Engine:
    """All detectors; `overrides` replace single thresholds by detector id, or give `shops`."""
    document = rules_document()
    for detector, values in overrides.items():
        document[detector] = {**document.get(detector, {}), **values}
    detectors = find_detectors()
    return Engine(detectors, parse(document, detectors), "default")


@cache
def default_engine() -> Engine:
    """All detectors under the default rules."""
    return build_engine()


def facts_of(event: Event) -> tuple[str, int, Sequence[AnyFact]]:
    """Stored key, event time and facts of an event, decoded as the worker does."""
    topic, value = event
    _, decoded = decode_line(orjson.dumps({"topic": topic, "value": value}))
    letter, name = "b", getattr(decoded, "buyer_id", None)
    if not isinstance(decoded, BuyerEvent):
        letter, name = "i", decoded.item_id
    make = FACTS_OF.get(type(decoded))
    facts = make(decoded) if make else ()
    return f"{letter}/{decoded.shop_id}:{name}", to_ms(decoded.occurred_at), facts


def standing(alerts: Iterable[Alert]) -> dict[str, dict[str, Any]]:
    """What the last revisions say, by alert id, without the retracted and what depends on the way."""
    latest: dict[str, Alert] = {}
    for alert in alerts:
        known = latest.get(alert.alert_id)
        if known is None or alert.revision > known.revision:
            latest[alert.alert_id] = alert
    return {
        name: alert.model_dump(mode="json", exclude={"revision", "change", "supersedes"})
        for name, alert in sorted(latest.items())
        if alert.status != "retracted"
    }


class Stored(NamedTuple):
    """What is durable of a partition."""

    states: dict[str, bytes]
    frontier: bytes
    payments: bytes


def _stored(partition: Partition) -> Stored:
    frontier = partition.frontier
    payments = frontier.export_payments(only_changed=False)
    return Stored(dict(partition.states), orjson.dumps(frontier.export()), orjson.dumps(payments))


class Pipeline:
    """Buyers on `partitions` partitions, other subjects on as many, signals held until delivered."""

    def __init__(
        self,
        engine: Engine | None = None,
        *,
        partitions: int = 1,
        lateness_ms: int = PATIENT_MS,
        silence_min_buyers: int = NEVER_SILENT,
        holds_signals: bool = False,
    ) -> None:
        self._engine = engine or default_engine()
        self._lateness_ms = lateness_ms
        self._silence_min_buyers = silence_min_buyers
        self.holds_signals = holds_signals
        self.buyers = [self._partition(("buyer",), BUYER_TOPICS) for _ in range(partitions)]
        self.subjects = [
            self._partition(("item", "order", "shop", "identity"), SIGNAL_TOPICS)
            for _ in range(partitions)
        ]
        self.alerts: list[Alert] = []
        self.effects: list[Effects] = []
        self.signals: list[Told] = []

    def _partition(self, kinds: Sequence[Any], topics: Sequence[str]) -> Partition:
        frontier = Frontier(topics, self._lateness_ms, self._silence_min_buyers)
        return Partition(self._engine, kinds, frontier)

    @property
    def standing(self) -> dict[str, dict[str, Any]]:
        """The final alerts."""
        return standing(self.alerts)

    @property
    def partitions(self) -> list[Partition]:
        """Those of both stages."""
        return [*self.buyers, *self.subjects]

    def state_of(self, key: str) -> bytes:
        """The packed state stored under a key."""
        return next(p.states[key] for p in self.partitions if key in p.states)

    def number_of(self, key: str) -> int:
        """The partition of a stored key."""
        return zlib.crc32(key.encode()) % len(self.buyers)

    def send(self, events: Iterable[Event]) -> None:
        """Apply one batch: per partition, whatever belongs there."""
        batches: dict[tuple[bool, int], tuple[dict[str, int], dict[str, list[AnyFact]]]] = {}
        for topic, value in events:
            key, at_ms, facts = facts_of((topic, value))
            place = topic in ITEM_TOPICS, self.number_of(key)
            newest, batch = batches.setdefault(place, ({}, {}))
            newest[topic] = max(newest.get(topic, 0), at_ms)
            if facts:
                batch.setdefault(key, []).extend(facts)
        for (is_item, number), (newest, batch) in batches.items():
            stage = self.subjects if is_item else self.buyers
            self._take(stage[number].apply(newest, batch))

    def read_to_end(
        self, horizon_ms: int, topics: Sequence[str] = BUYER_TOPICS, number: int | None = None
    ) -> None:
        """Move the horizon of some topics, in one partition of buyers or in all."""
        chosen = self.buyers if number is None else [self.buyers[number]]
        for partition in chosen:
            for topic in topics:
                partition.frontier.read_to_end(topic, horizon_ms + self._lateness_ms)
            self._take(partition.tick())

    def read_signals_to_end(self, horizon_ms: int, number: int | None = None) -> None:
        """Move the horizon of the other subjects, in one of their partitions or in all."""
        chosen = self.subjects if number is None else [self.subjects[number]]
        for partition in chosen:
            for topic in SIGNAL_TOPICS:
                partition.frontier.read_to_end(topic, horizon_ms + self._lateness_ms)
            self._take(partition.tick())

    def read_to_newest(self) -> None:
        """Let every topic of a partition be as far as its newest event, as `horizon_clock = newest` does."""
        for partitions, topics in ((self.buyers, BUYER_TOPICS), (self.subjects, SIGNAL_TOPICS)):
            for partition in partitions:
                for topic in topics:
                    partition.frontier.read_to_end(topic, partition.frontier.newest_ms)
                self._take(partition.tick())

    def deliver(self, rng: random.Random | None = None) -> None:
        """Bring the held signals, over the wire format, to their subjects; shuffled and doubled by `rng`."""
        # Subjects that wake at one moment tell others in any order, and after a restart in another one.
        told = sorted(self.signals, key=lambda t: (t.kind, t.subject, t.signal.at_ms, t.signal.ref))
        self.signals = []
        records = [encode_signal(one)[1] for one in told]
        if rng is not None:
            records += rng.sample(records, k=len(records) // 2)
            rng.shuffle(records)
        for record in records:
            kind, subject, signal = decode_signal(record)
            key = f"{LETTER[kind]}/{subject}"
            partition = self.subjects[self.number_of(key)]
            self._take(partition.apply({"signals": signal.at_ms}, {key: [signal]}))

    def finish(self, horizon_ms: int, rng: random.Random | None = None) -> Pipeline:
        """Prove all topics read up to the horizon and conclude everything."""
        self.read_to_end(horizon_ms)
        self._deliver_all(rng)
        self.read_signals_to_end(horizon_ms)
        self._deliver_all(rng)
        return self

    def _deliver_all(self, rng: random.Random | None) -> None:
        """Signals may lead to signals: an identity tells its shop."""
        while self.signals:
            self.deliver(rng)

    def restart(self, engine: Engine | None = None) -> None:
        """Build every partition anew from its stored states and its exported frontier.

        With an engine it goes on under the rules of that one.
        """
        self._engine = engine or self._engine
        self._load([_stored(partition) for partition in self.partitions])

    def renew(self, rules: RuleSet) -> None:
        """Go on under other rules without a restart, as a worker whose rules file has changed."""
        self._engine.renew(rules)
        for partition in self.partitions:
            partition.renew()

    def send_and_crash(self, events: Iterable[Event], rng: random.Random) -> None:
        """Apply a batch, die while its alerts and signals leave, and start again from what is stored.

        That is what was stored before, and what was going to be said. Signals must be held.
        """
        stored = [_stored(partition) for partition in self.partitions]
        alerts, signals, effects = len(self.alerts), len(self.signals), len(self.effects)
        self.send(events)
        self.alerts[alerts:] = [one for one in self.alerts[alerts:] if rng.random() < 0.5]
        self.signals[signals:] = [one for one in self.signals[signals:] if rng.random() < 0.5]
        for one in self.effects[effects:]:
            for key, packed in one.intents.items():
                stage = 0 if key.startswith("b/") else len(self.buyers)
                stored[stage + self.number_of(key)].states[key] = packed()
        self._load(stored)

    def _load(self, stored: Sequence[Stored]) -> None:
        parts = iter(stored)
        self.buyers = [self._reload(next(parts), ("buyer",), BUYER_TOPICS) for _ in self.buyers]
        self.subjects = [
            self._reload(next(parts), ("item", "order", "shop", "identity"), SIGNAL_TOPICS)
            for _ in self.subjects
        ]

    def _reload(self, stored: Stored, kinds: Sequence[Any], topics: Sequence[str]) -> Partition:
        new = self._partition(kinds, topics)
        new.frontier.restore(orjson.loads(stored.frontier))
        for shop, exported in orjson.loads(stored.payments).items():
            new.frontier.restore_payments(shop, exported)
        for key, packed in stored.states.items():
            new.load(key, packed)
        return new

    def _take(self, effects: Effects) -> None:
        self.effects.append(effects)
        self.alerts.extend(effects.alerts)
        self.signals.extend(effects.told)
        if not self.holds_signals:
            self.deliver()


def run(
    events: Iterable[Event], horizon_ms: int, prepare: Callable[[Pipeline], object] | None = None
) -> Pipeline:
    """All events in one batch, then the horizon."""
    pipeline = Pipeline()
    if prepare is not None:
        prepare(pipeline)
    pipeline.send(events)
    return pipeline.finish(horizon_ms)
