"""What the detectors say about real traffic, and about simulated traffic of which the truth is known.

Writes docs/detection.md; `make detection-report` runs it. Nothing is tuned here: the rules are those
that ship. The trap: no alert on a data set proves something only where an alert was possible, so the
page says for each detector and data set how many facts could have started it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from benchmarks.detection_dataset import Dataset, Replayed
from benchmarks.detection_page import render
from benchmarks.detection_people import look_at_people
from benchmarks.detection_simulated import ACCUSED_MAX, bounds
from benchmarks.detection_truth import Score, score_simulation
from benchmarks.measure import ROOT, machine
from schemas.alerts import Alert
from schemas.events.trade import PaymentSucceeded as PaymentModel
from schemas.fast import decode_line
from schemas.fast_types import BuyerEvent, OrderCreated, PaymentSucceeded
from streams.detect.address import receivers
from streams.detect.detector import Detector, find_detectors
from streams.detect.engine import Engine
from streams.detect.extract import FACTS_OF
from streams.detect.rules import parse
from streams.importers import DatasetKind, import_dataset
from streams.importers.tables import read_table
from streams.replay.engine import Replay
from streams.replay.files import EventReader, LineWriter, event_line

PAGE = ROOT / "docs" / "detection.md"
DATA = Path(os.environ.get("ORDERWATCH_DATA", ROOT.parent / "shared" / "data"))
# Nothing is known about shipping there, so silence says nothing; their shops would say so in their rules.
WITHOUT_SHIPMENTS = frozenset({"tmall", "online-retail"})
# And so would those that do not sell in yuan.
CURRENCIES = {"olist": "BRL", "online-retail": "GBP"}
FOLDERS: dict[DatasetKind, str] = {
    "olist": "olist_sample",
    "tmall": "tmall_order_report",
    "online-retail": "online_retail",
}
DETECTORS = find_detectors()
# Any will do: without one no two accounts are linked and no two addresses compared.
IDENTITY_KEY = b"measured without secrets"
# As many events as a worker might take at once: alerts that would be taken back later show up.
BATCH = 1000
# The guard against silent payments needs more buyers than any data set has.
UNGUARDED = 10**9
SWEEP_ORDERS = (1, 2, 3, 4, 5)
SWEEP_UNITS = (1, 5, 10, 25, 50)
Overrides = Mapping[str, Mapping[str, Any]]


def replay_file(
    path: Path, overrides: Overrides | None = None, silence_min_buyers: int = 20
) -> Replayed:
    """Replay a file under the default rules, some of them overridden."""
    document = yaml.safe_load(files("streams.detect").joinpath("rules.yaml").read_text("utf-8"))
    for detector, values in (overrides or {}).items():
        document[detector].update(values)
    if path.stem in WITHOUT_SHIPMENTS:
        document["D34"]["concludes_from_silence"] = False
    for detector in ("D07", "D12"):
        document[detector]["currency"] = CURRENCIES.get(path.stem, "CNY")
    engine = Engine(DETECTORS, parse(document, DETECTORS), "default")
    receivers.use(IDENTITY_KEY)
    raised: dict[str, Alert] = {}

    def on_alert(alert: Alert) -> None:
        if alert.status != "retracted":
            raised[alert.alert_id] = alert

    running = Replay(engine, on_alert, silence_min_buyers=silence_min_buyers)
    for chunk in EventReader([path]):
        for start in range(0, len(chunk.lines), BATCH):
            running.feed(chunk.lines[start : start + BATCH], chunk.position)
            running.flush()
    return Replayed(running.finish(), raised)


def inspect(path: Path) -> tuple[int, int, dict[str, int], dict[str, float]]:
    """Orders, buyers, facts by detector that could start it, and seconds to payment by order."""
    buyers: set[str] = set()
    kinds: Counter[type] = Counter()
    placed: dict[str, float] = {}
    paid: dict[str, float] = {}
    for chunk in EventReader([path]):
        for line in chunk.lines:
            event = decode_line(line)[1]
            make: Callable[[Any], Sequence[Any]] | None = FACTS_OF.get(type(event))
            if make is not None:
                kinds.update(type(fact) for fact in make(event))
            at_s = event.occurred_at.timestamp()
            if isinstance(event, BuyerEvent):
                buyers.add(f"{event.shop_id}:{event.buyer_id}")
            if isinstance(event, OrderCreated):
                placed[event.order_id] = at_s
            elif isinstance(event, PaymentSucceeded):
                paid[event.order_id] = min(at_s, paid.get(event.order_id, at_s))
    starts: Counter[str] = Counter()
    for name, triggers in _triggers().items():
        starts[name] = sum(kinds[kind] for kind in triggers)
    delays = {order: paid[order] - at_s for order, at_s in placed.items() if order in paid}
    return len(placed), len(buyers), dict(starts), delays


def _triggers() -> dict[str, set[type]]:
    """By detector id, the kinds of facts without which it has nothing to evaluate."""
    triggers: dict[str, set[type]] = {}
    for detector in DETECTORS:
        # What only tells another subject something raises no alert by itself.
        if type(detector).present is not Detector.present:
            triggers.setdefault(detector.id, set()).update(detector.triggers)
    return triggers


def sweep(path: Path) -> Iterator[tuple[tuple[str, int], int]]:
    """How many buyers D01 would warn about if its limits were lower; one limit at a time."""
    never = 10**9
    for name, limits in (("orders", SWEEP_ORDERS), ("units", SWEEP_UNITS)):
        for limit in limits:
            off = {"warn_orders": never, "warn_units": never}
            off |= {"critical_orders": never, "critical_units": never}
            found = replay_file(path, {"D01": {**off, f"warn_{name}": limit}})
            subjects = {a.subject.id for a in found.report.standing if a.detector == "D01"}
            yield (name, limit), len(subjects)


def look_at(kind: DatasetKind, folder: Path) -> Dataset:
    """Import a data set into `folder`, replay it, and replay it again under other rules."""
    path = folder / f"{kind}.jsonl"
    imported = import_dataset(kind, DATA / FOLDERS[kind], path)
    orders, buyers, starts, delays = inspect(path)
    return Dataset(
        kind=kind,
        imported=imported,
        buyers=buyers,
        orders=orders,
        trigger_facts=starts,
        pay_delays_s=delays,
        replayed=replay_file(path),
        unguarded=replay_file(with_daily_payments(path), silence_min_buyers=UNGUARDED),
        sweep=dict(sweep(path)),
    )


def accused_share(dataset: Dataset) -> float:
    """Share of the buyers whom an alert accused, whether or not it was taken back."""
    return len(dataset.accused) / dataset.buyers


def with_daily_payments(path: Path) -> Path:
    """A copy in which somebody else pays once a day, so that the payments topic is known to be read.

    Without any payment its horizon would stand still, guard or no guard.
    """
    copy = path.with_suffix(".paid.jsonl")
    today = None
    with LineWriter(copy) as writer:
        for chunk in EventReader([path]):
            for line in chunk.lines:
                event = decode_line(line)[1]
                at = event.occurred_at.astimezone(UTC)
                if at.date() != today:
                    today = at.date()
                    writer.write(event_line("payments", _payment(event.shop_id, at)))
                writer.write(line + b"\n")
    return copy


def _payment(shop_id: str, at: datetime) -> bytes:
    payment = PaymentModel(
        event_id=f"somebody-else-{at.date()}",
        schema_version=1,
        occurred_at=at,
        shop_id=shop_id,
        buyer_id="somebody-else",
        type="succeeded",
        order_id=f"somebody-else-{at.date()}",
        payment_id=f"somebody-else-{at.date()}",
        currency="CNY",
        amount_minor=1,
    )
    return payment.model_dump_json().encode()


def olist_payment_types() -> dict[str, str]:
    """How each Olist order was paid; the first payment counts."""
    table = DATA / FOLDERS["olist"] / "olist_order_payments_dataset.csv"
    types: dict[str, str] = {}
    for row in read_table(table, ("order_id", "payment_sequential", "payment_type")):
        if row.text("payment_sequential") == "1":
            types[row.text("order_id")] = row.text("payment_type")
    return types


def main() -> int:
    """1 when a bound does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detection", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="simulations, seeds 1 to this")
    parser.add_argument("--buyers", type=int, default=50_000, help="honest buyers of each")
    parser.add_argument("--attack-share", type=float, default=0.005, help="attackers among buyers")
    options = parser.parse_args()
    if not DATA.is_dir():
        print(f"There is no {DATA}: set ORDERWATCH_DATA to the folder of the data sets.")
        return 2
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        datasets = []
        for kind in FOLDERS:
            print(f"{kind} …", flush=True)
            datasets.append(look_at(kind, folder))
        print("texts and addresses …", flush=True)
        people = look_at_people(DATA)
        scores: list[Score] = []
        for seed in range(1, options.seeds + 1):
            print(f"simulation {seed} …", flush=True)
            path = folder / f"simulation-{seed}.jsonl"
            scores.append(score_simulation(path, seed, options, replay_file))
            path.unlink()
    described = {
        **machine(),
        "command": " ".join(["python -m benchmarks.detection", *sys.argv[1:]]),
    }
    page = render(datasets, olist_payment_types(), people, scores, described)
    PAGE.write_text(page, encoding="utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}")
    holds = [accused_share(dataset) < ACCUSED_MAX for dataset in datasets]
    holds += [held for _, held in (*people.verdict(), *bounds(scores))]
    return int(not all(holds))


if __name__ == "__main__":
    sys.exit(main())
