"""A whole simulation: honest traffic with stories in between, in order of event time, into a file.

Events leave as soon as nothing earlier can follow, so memory holds only the open ends of orders.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from math import ceil
from pathlib import Path
from random import Random

from schemas.base import is_shop_id
from streams.errors import ConfigurationError
from streams.replay.files import STDIN, LineWriter, event_line, overwrites
from streams.simulate.journal import SHANGHAI, SimEvent
from streams.simulate.scenarios import ATTACKS, LOOKALIKES, scenario, spec
from streams.simulate.scene import Story
from streams.simulate.shapes import DAY_MS, HOUR_FACTOR, HOUR_MS
from streams.simulate.traffic import HonestTraffic

DEFAULT_START = datetime(2026, 11, 1, tzinfo=SHANGHAI)
DEFAULT_BUYERS = 2_000
ORDERS_PER_BUYER = 2.0
# Measured over 100,000 orders; it only spreads a wanted number of events over the days.
EVENTS_PER_ORDER = 4.9
# False claims fall into 12 hours of a story, and must be a day and more from the next story's.
_CLAIM_SLOT_MS = 37 * HOUR_MS
_SHANGHAI_OFFSET_H = 8


@dataclass(frozen=True, slots=True)
class SimulationReport:
    """What was written: events by topic, stories by name, and stories for which there was no room."""

    events: dict[str, int]
    honest_orders: int
    honest_buyers: int
    stories: dict[str, int]
    stories_left_out: dict[str, int]
    first_at: datetime | None
    last_at: datetime | None
    labels_file: str | None

    @property
    def events_total(self) -> int:
        """Events written, over all topics."""
        return sum(self.events.values())

    def summary(self) -> list[str]:
        """The report as plain lines for a terminal."""
        lines = [
            f"{self.events_total} events: {self.honest_orders} orders of "
            f"{self.honest_buyers} honest buyers, {sum(self.stories.values())} stories"
        ]
        if self.first_at and self.last_at:
            lines.append(f"  from {self.first_at.isoformat()} to {self.last_at.isoformat()}")
        lines += [f"  wrote {n:>8} {topic}" for topic, n in self.events.items()]
        lines += [f"  told {n:>9} {name}" for name, n in self.stories.items()]
        lines += [
            f"  left out {n:>5} {name}: needs a shop for itself; more days or shops make room"
            for name, n in self.stories_left_out.items()
        ]
        return lines


def simulate(
    out: Path | str,
    *,
    seed: int = 1,
    events: int | None = None,
    buyers: int | None = None,
    days: float = 7.0,
    start: datetime = DEFAULT_START,
    shops: Sequence[str] = ("shop1",),
    scenarios: Sequence[str] = (*ATTACKS, *LOOKALIKES),
    attack_share: float = 0.001,
    labels: Path | str | None = None,
) -> SimulationReport:
    """Write an event file and its labels (`<out>.labels.jsonl`); the same arguments, the same bytes.

    `events` is the exact number of events wanted; without it, each of `buyers` orders twice on
    average. Orders are placed within `days` from `start`; parcels, reviews and closings follow for
    up to three weeks. `attack_share` is the share of attackers among buyers: the `scenarios` are
    told in rounds until it is reached, at least once, and not at all when it is 0. With '-' as
    `out` labels are written only if `labels` names a file.
    Raises ConfigurationError for arguments that cannot be used.
    """
    _check(events, buyers, days, start, shops, attack_share)
    if labels is None and str(out) != STDIN:
        labels = f"{out}.labels.jsonl"
    outputs = _outputs(out, labels)
    if buyers is None:
        buyers = DEFAULT_BUYERS
        if events is not None:
            buyers = max(10, ceil(events / EVENTS_PER_ORDER / ORDERS_PER_BUYER))
    start_ms = int(start.timestamp() * 1000)
    stories, left_out = _stories(
        seed, start_ms, days, tuple(shops), scenarios, ceil(buyers * attack_share)
    )
    told = sum(len(story.events) for story in stories)
    if events is not None and told > events:
        raise ConfigurationError(
            f"events is {events}, but the scenarios alone have {told} events; "
            "expected more events, fewer scenarios or a smaller attack share"
        )
    traffic = HonestTraffic(seed, buyers, tuple(shops))
    arrivals = _Arrivals(Random(f"{seed}/arrivals"), start_ms, days)
    merged = _Merged(traffic, arrivals, stories)
    if events is not None:
        lines = merged.lines(events=events - told)
    else:
        lines = merged.lines(orders=round(buyers * ORDERS_PER_BUYER))
    truth = (story.label.line() for story in stories)
    # Opened together: traffic without its truth would look whole.
    with ExitStack() as stack:
        writers = [stack.enter_context(output) for output in outputs]
        for writer, content in zip(writers, (lines, truth), strict=False):
            writer.write_all(content)
    return SimulationReport(
        events=dict(sorted(merged.written.items())),
        honest_orders=arrivals.placed,
        honest_buyers=buyers,
        stories=dict(Counter(story.name for story in stories)),
        stories_left_out=left_out,
        first_at=_time(merged.first_ms),
        last_at=_time(merged.last_ms),
        labels_file=None if labels is None else str(labels),
    )


def _time(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, SHANGHAI)


def _outputs(out: Path | str, labels: Path | str | None) -> list[LineWriter]:
    """The writers of the events and, if wanted, of the labels. Nothing is written here."""
    writers = [LineWriter(name) for name in (out, labels) if name is not None]
    if labels is not None and _collide(out, labels):
        raise ConfigurationError(
            f"labels is {labels}, but the events go to {out}, and one would replace the other; "
            "expected two files."
        )
    return writers


def _collide(out: Path | str, labels: Path | str) -> bool:
    return str(labels) == str(out) or overwrites(labels, out) or overwrites(out, labels)


def _check(
    events: int | None,
    buyers: int | None,
    days: float,
    start: datetime,
    shops: Sequence[str],
    attack_share: float,
) -> None:
    if events is not None and events < 1:
        raise ConfigurationError(f"events is {events}; expected 1 or more")
    if buyers is not None and buyers < 1:
        raise ConfigurationError(f"buyers is {buyers}; expected 1 or more")
    if not 0 < days <= 3660:
        raise ConfigurationError(f"days is {days}; expected more than 0 and at most 3660")
    if start.tzinfo is None:
        raise ConfigurationError(
            f"start is {start.isoformat()}; expected an offset, such as +08:00"
        )
    if not shops or not all(map(is_shop_id, shops)):
        raise ConfigurationError(
            f"shops are {list(shops)}; expected ids of 1 to 64 printable characters without a colon"
        )
    if len(set(shops)) != len(shops):
        raise ConfigurationError(f"shops are {list(shops)}; expected each one once")
    if not 0 <= attack_share <= 1:
        raise ConfigurationError(f"attack share is {attack_share}; expected 0 to 1")


def _stories(
    seed: int,
    start_ms: int,
    days: float,
    shops: tuple[str, ...],
    scenarios: Sequence[str],
    attackers_wanted: int,
) -> tuple[list[Story], dict[str, int]]:
    """Rounds of stories, each at its place, until there are enough attackers."""
    specs = [spec(name) for name in scenarios]
    rng = Random(f"{seed}/stories")
    slots_per_shop = max(1, int(days * DAY_MS // _CLAIM_SLOT_MS))
    slots = iter([(shop, slot) for slot in range(slots_per_shop) for shop in shops])
    stories: list[Story] = []
    left_out: Counter[str] = Counter()
    attackers = 0
    rounds = count()
    grows = True
    while grows and attackers < attackers_wanted:
        grows, number = False, next(rounds)
        for known in specs:
            shop_id = shops[int(rng.random() * len(shops))]
            # The last fifth is left free, so that most stories end before the traffic does.
            at_ms = start_ms + int(rng.random() * 0.8 * days * DAY_MS)
            if known.has_false_claims:
                place = next(slots, None)
                if place is None:
                    left_out[known.name] += 1
                    continue
                shop_id, slot = place
                at_ms = start_ms + slot * _CLAIM_SLOT_MS
            begin = datetime.fromtimestamp(at_ms / 1000, SHANGHAI)
            story = scenario(known.name, begin, shop_id=shop_id, seed=seed, number=number)
            stories.append(story)
            if known.truth == "attack":
                attackers += len(story.label.buyer_ids)
                grows = True
    return stories, dict(left_out)


class _Arrivals:
    """Times at which honest orders are placed: a Poisson process with the day's pattern."""

    def __init__(self, rng: Random, start_ms: int, days: float) -> None:
        self._rng = rng
        self._at_ms = float(start_ms)
        self._duration_ms = days * DAY_MS
        self.placed = 0

    def times(self, orders_expected: float) -> Iterator[int]:
        """Endless; about `orders_expected` of them fall into the days."""
        mean_per_ms = orders_expected / self._duration_ms
        while True:
            hour = int(self._at_ms // HOUR_MS)
            factor = HOUR_FACTOR[(hour + _SHANGHAI_OFFSET_H) % 24]
            self._at_ms += self._rng.expovariate(mean_per_ms * factor)
            if self._at_ms >= (hour + 1) * HOUR_MS:
                # The process forgets its past, so it may begin anew with the next hour's rate.
                self._at_ms = float((hour + 1) * HOUR_MS)
            else:
                self.placed += 1
                yield int(self._at_ms)


class _Merged:
    """Events of traffic and stories as lines in order of time; sorted hour by hour."""

    def __init__(
        self, traffic: HonestTraffic, arrivals: _Arrivals, stories: Sequence[Story]
    ) -> None:
        self._traffic = traffic
        self._arrivals = arrivals
        self._hours: defaultdict[int, list[tuple[int, int, SimEvent]]] = defaultdict(list)
        self._number = count()
        self.written: Counter[str] = Counter()
        self.first_ms: int | None = None
        self.last_ms: int | None = None
        for story in stories:
            self._keep(story.events)

    def _keep(self, events: Sequence[SimEvent]) -> None:
        for event in events:
            at_ms = event.at_ms
            self._hours[at_ms // HOUR_MS].append((at_ms, next(self._number), event))

    def lines(self, *, events: int | None = None, orders: int | None = None) -> Iterator[bytes]:
        """All lines, with so many honest events or orders."""
        events_left, orders_left = events, orders
        expected = orders if orders is not None else (events or 0) / EVENTS_PER_ORDER
        times = self._arrivals.times(max(expected, 1.0))
        now_hour = 0
        while events_left != 0 and orders_left != 0:
            at_ms = next(times)
            life = self._traffic.order(at_ms)
            if events_left is not None:
                # The last order may lose its end: it is then an order like any other unpaid one.
                life = life[:events_left]
                events_left -= len(life)
            if orders_left is not None:
                orders_left -= 1
            self._keep(life)
            if at_ms // HOUR_MS > now_hour:
                now_hour = at_ms // HOUR_MS
                yield from self._flush(before_hour=now_hour)
        yield from self._flush(before_hour=None)

    def _flush(self, *, before_hour: int | None) -> Iterator[bytes]:
        hours = [hour for hour in self._hours if before_hour is None or hour < before_hour]
        for hour in sorted(hours):
            for at_ms, _, event in sorted(self._hours.pop(hour)):
                self.written[event.topic] += 1
                self.last_ms = at_ms
                if self.first_ms is None:
                    self.first_ms = at_ms
                yield event_line(event.topic, event.body)
