"""Facts that wait for others: who is looked at, and by which topics, when some of them are behind."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.alerts import SubjectKind
from schemas.topics import BUYER_TOPICS
from streams.detect.detector import Topics, find_detectors
from streams.detect.engine import Around, Ask, Engine
from streams.detect.facts import AnyFact, Identified, OrderPaid, OrderPlaced
from streams.detect.horizon import Frontier
from streams.detect.partition import Effects, Partition
from streams.detect.quiet import Gate
from tests.pipeline import NEVER_SILENT, default_engine

START_MS = 1_700_000_000_000
MINUTE_MS = 60_000
BUYERS = 50
LATER = START_MS + 60 * MINUTE_MS


def ordered(buyer: int) -> list[AnyFact]:
    at_ms, name, order = START_MS + buyer, f"e{buyer}", f"o{buyer}"
    return [
        OrderPlaced(at_ms, name, order, 1, (("i", 1),)),
        Identified(at_ms, name, order, phone=f"phone{buyer}"),
    ]


def paid(buyer: int) -> list[AnyFact]:
    return [OrderPaid(START_MS + MINUTE_MS, f"p{buyer}", f"p{buyer}/o{buyer}", f"o{buyer}")]


def behind_with_payments() -> tuple[Partition, Effects]:
    """Everybody has ordered an hour ago, and of all topics only payments have not been read."""
    partition = Partition(
        default_engine(), ("buyer",), Frontier(BUYER_TOPICS, 0, silence_min_buyers=NEVER_SILENT)
    )
    for topic in BUYER_TOPICS:
        if topic != "payments":
            partition.frontier.read_to_end(topic, LATER)
    orders = {f"b/shop:{buyer}": ordered(buyer) for buyer in range(BUYERS)}
    return partition, partition.apply({"orders": START_MS + BUYERS}, orders)


def read_payments(partition: Partition, buyers: Sequence[int]) -> Effects:
    partition.frontier.read_to_end("payments", LATER)
    return partition.apply({}, {f"b/shop:{buyer}": paid(buyer) for buyer in buyers})


def test_who_waits_for_a_payment_is_not_looked_at_before_payments_are_read() -> None:
    partition, effects = behind_with_payments()
    assert effects.evaluated == 0
    assert partition.tick().evaluated == 0
    # An empty poll of another topic moves everything but payments.
    partition.frontier.read_to_end("shipments", LATER + MINUTE_MS)
    assert partition.tick().evaluated == 0


def test_once_payments_are_read_only_who_did_not_pay_is_looked_at() -> None:
    partition, _ = behind_with_payments()
    effects = read_payments(partition, range(1, BUYERS))
    assert {told.subject for told in effects.told} == {"shop:phone:phone0"}
    assert effects.evaluated == 1


def test_a_fact_more_while_payments_are_behind_changes_nothing_of_that() -> None:
    partition, _ = behind_with_payments()
    more = [OrderPlaced(START_MS + 2 * MINUTE_MS, "more", "o-more", 1, (("i", 1),))]
    assert partition.apply({}, {"b/shop:0": more, "b/shop:1": more}).evaluated == 0
    effects = read_payments(partition, range(1, BUYERS))
    assert {told.subject for told in effects.told} == {"shop:phone:phone0"}


def test_after_a_restart_they_wait_as_before() -> None:
    before, _ = behind_with_payments()
    partition = Partition(
        default_engine(), ("buyer",), Frontier(BUYER_TOPICS, 0, silence_min_buyers=NEVER_SILENT)
    )
    partition.frontier.restore(before.frontier.export())
    for key, packed in before.states.items():
        partition.load(key, packed)
    assert partition.tick().evaluated == 0
    effects = read_payments(partition, range(1, BUYERS))
    assert {told.subject for told in effects.told} == {"shop:phone:phone0"}
    assert effects.evaluated == 1


def test_silence_of_another_topic_wakes_who_waits_for_that_one_alone() -> None:
    """An order that was paid and not shipped is due by shipments, however far payments are behind."""
    partition, _ = behind_with_payments()
    # Read in one batch with its payment, for then only the parcel is still awaited.
    both = [*ordered(BUYERS), *paid(BUYERS)]
    assert partition.apply({}, {f"b/shop:{BUYERS}": both}).evaluated == 0
    for topic in BUYER_TOPICS:
        if topic != "payments":
            partition.frontier.read_to_end(topic, START_MS + 10 * 24 * 60 * MINUTE_MS)
    effects = partition.tick()
    assert {(alert.detector, alert.subject.id) for alert in effects.alerts} == {
        ("D34", f"shop:{BUYERS}")
    }
    assert effects.evaluated == 1


def test_whoever_is_left_for_the_next_time_is_looked_at_then() -> None:
    """After an outage everybody is due at once, and a worker has heartbeats to send."""
    partition, _ = behind_with_payments()
    partition.frontier.read_to_end("payments", LATER)
    turns = [partition.tick(most_woken=20) for _ in range(4)]
    assert [effects.evaluated for effects in turns] == [20, 20, 10, 0]
    told = [told.subject for effects in turns for told in effects.told]
    assert told == [f"shop:phone:phone{buyer}" for buyer in range(BUYERS)], "the earliest first"


def test_whoever_is_left_is_due_after_a_restart_as_well() -> None:
    before, _ = behind_with_payments()
    before.frontier.read_to_end("payments", LATER)
    first = before.tick(most_woken=20)
    partition = Partition(
        default_engine(), ("buyer",), Frontier(BUYER_TOPICS, 0, silence_min_buyers=NEVER_SILENT)
    )
    partition.frontier.restore(before.frontier.export())
    for key, packed in before.states.items():
        partition.load(key, packed)
    rest = partition.tick()
    told = {told.subject for effects in (first, rest) for told in effects.told}
    assert told == {f"shop:phone:phone{buyer}" for buyer in range(BUYERS)}


class Asks:
    """Which detectors are asked, of subjects that an engine looks at."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self) -> Around:
        return self._around

    def _around(self, detector: str, ask: Ask) -> Ask:
        self.asked.append(detector)
        return ask


def test_of_whom_nothing_is_said_only_those_who_wait_are_asked() -> None:
    known, asks = default_engine(), Asks()
    engine = Engine(find_detectors(), known.rules, "default", asks)
    horizon = dict.fromkeys(engine.waits_for(("buyer",)), LATER).__getitem__
    outcome = engine.apply("buyer", "shop:0", None, [*ordered(0), *paid(1)], horizon)
    assert {told.subject for told in outcome.told} == {"shop:phone:phone0"}
    assert asks.asked == ["D03", "D34"]
    many = [fact for number in range(9) for fact in ordered(number)]
    alerts = engine.apply("buyer", "shop:0", outcome.packed, many, horizon).alerts
    assert [alert.detector for alert in alerts] == ["D01"]


def test_whoever_is_due_whatever_it_waits_for_is_not_asked_what_for() -> None:
    class Unasked(Gate):
        def waits(self, packed: bytes) -> dict[Topics, int]:
            raise AssertionError("nobody need look for what this subject waits")

    class Hasty(Engine):
        def gate(self, kind: SubjectKind, subject: str) -> Gate:
            rules = self.rules.of(subject.partition(":")[0])
            return Unasked([(d, rules[d.id].block) for d in self._of_kind[kind]])

    engine = Hasty(find_detectors(), default_engine().rules, "default")
    partition = Partition(
        engine, ("buyer",), Frontier(BUYER_TOPICS, 0, silence_min_buyers=NEVER_SILENT)
    )
    partition.apply({"orders": START_MS}, {"b/shop:0": ordered(0)})
    # Of all others, accounts among them, nothing was read.
    for topic in ("orders", "payments", "shipments"):
        partition.frontier.read_to_end(topic, LATER)
    assert partition.tick().evaluated == 1
