"""Lays out docs/detection.md from what `benchmarks.detection` measured. No measuring happens here."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.detection_dataset import Dataset
from benchmarks.detection_people import People, render_passed, render_people
from benchmarks.detection_rows import duration, reason, share
from benchmarks.detection_simulated import ACCUSED_MAX, DETECTORS, bounds, render_simulated
from benchmarks.detection_truth import ACCUSING, Score
from schemas.alerts import Alert

GRACE_S = 180
DAY_S = 86_400
SHOWN_OF_A_KIND = 3

_LIMITS = {
    "olist": "3,000 orders sampled from 99,441, so nearly every buyer has one order; "
    "no refunds, no contacts, no stock; `paid` is when the platform approved the payment.",
    "tmall": "No buyer id: every row is a buyer of its own, with one unit, so repeated behaviour "
    "cannot show; refunds have neither a time nor a reason.",
    "online-retail": "A wholesaler without payments: every order looks unpaid for ever; "
    "refunds, shipments and stock are missing too.",
}

_HEAD = """\
# What the detectors say

<!-- Measured and written by: make detection-report -->

Two questions: whom do they accuse on real traffic that nobody wrote for them, and what do they find in
simulated traffic of which the truth is known.
The rules are the defaults; a replay takes events in batches of 1,000, so that an alert that is raised
and later taken back is counted too.
The data sets are not part of this repository; their importers are (`orderwatch import`).
A detector that is newer than this report is missing from it until it is measured again.
"""


def render(
    datasets: Sequence[Dataset],
    olist_types: Mapping[str, str],
    people: People,
    scores: Sequence[Score],
    described: Mapping[str, Any],
) -> str:
    """The whole page."""
    lines = [_HEAD, *_verdict(datasets), *_held(people, scores)]
    lines += [*_of_the_shop(datasets), *_caveat(datasets)]
    lines += ["", "## Real traffic", *_real(datasets)]
    lines += ["", "### Why each alert fired", *_reasons(datasets)]
    lines += ["", "### What could be tested at all", *_testable(datasets)]
    lines += ["", "### How near D01 came", *_near(datasets)]
    olist = next(dataset for dataset in datasets if dataset.kind == "olist")
    lines += ["", "### Payments that take a day", *_slow_payments(olist, olist_types)]
    lines += ["", "### A shop whose payments are not known", *_unguarded(datasets)]
    lines += ["", *render_people(people)]
    lines += ["", "## Simulated traffic", *render_simulated(scores)]
    lines += ["", "### What passes", *render_passed(scores)]
    lines += ["", "## Measured with", *(f"- {name}: {value}" for name, value in described.items())]
    return "\n".join(lines) + "\n"


def _verdict(datasets: Sequence[Dataset]) -> Iterator[str]:
    for d in datasets:
        accused = len(d.accused)
        mark = "holds" if accused / d.buyers < ACCUSED_MAX else "FAILS"
        if d.replayed.report.silent_shops:
            mark += ", but says nothing: without payments nothing was concluded"
        yield (
            f"- **{d.kind}: {accused} of {d.buyers:,} buyers accused, {share(accused, d.buyers, 3)}** "
            f"(wanted: below {100 * ACCUSED_MAX:.1f} %; {mark})"
        )


def _of_the_shop(datasets: Sequence[Dataset]) -> Iterator[str]:
    """Warnings that accuse nobody, which the bounds leave out: they are about the shop's own work."""
    for d in datasets:
        warned: dict[str, set[str]] = {}
        for alert in d.replayed.raised.values():
            if alert.severity != "info" and alert.detector not in ACCUSING:
                warned.setdefault(alert.detector, set()).add(alert.subject.id)
        for detector, subjects in sorted(warned.items()):
            yield (
                f"- {d.kind}: {detector} warns the shop about its own work for {len(subjects):,} of "
                f"{d.buyers:,} buyers, {share(len(subjects), d.buyers, 3)}; that accuses nobody, and the "
                "bound leaves it out ([0006](decisions/0006-thresholds.md))"
            )


def _held(people: People, scores: Sequence[Score]) -> Iterator[str]:
    for sentence, holds in (*people.verdict(), *bounds(scores)):
        yield f"- **{sentence.replace(' (wanted', '** (wanted', 1)}; {'holds' if holds else 'FAILS'})"


def _caveat(datasets: Sequence[Dataset]) -> Iterator[str]:
    olist = next(dataset for dataset in datasets if dataset.kind == "olist")
    yield ""
    yield "Little follows from that: only Olist has both buyers and payments."
    yield (
        f"No alert among {olist.buyers:,} buyers shows, at 95 %, no more than that the true share is "
        f"below {share(3, olist.buyers, 3)}, and they hardly ever order twice."
    )
    yield "What was not tested is said below, detector by detector."
    yield (
        "The simulated figures are about stories that we wrote; of what is said [in other words]"
        "(#in-other-words) a third or more is missed, of extortion two in five."
    )


def _real(datasets: Sequence[Dataset]) -> Iterator[str]:
    yield "| data set | events | orders | buyers | from | to | limits |"
    yield "|---|---|---|---|---|---|---|"
    for d in datasets:
        first, last = d.imported.first_at, d.imported.last_at
        assert first is not None and last is not None
        yield (
            f"| {d.kind} | {d.imported.events_total:,} | {d.orders:,} | {d.buyers:,} | "
            f"{first.date()} | {last.date()} | {_LIMITS[d.kind]} |"
        )
    yield ""
    yield "| data set | detector | warn | critical | per 10,000 orders | share of buyers | taken back |"
    yield "|---|---|---|---|---|---|---|"
    for d in datasets:
        for detector in DETECTORS:
            if not d.trigger_facts.get(detector):
                yield f"| {d.kind} | {detector} | not tested | not tested | – | – | – |"
                continue
            alerts = [a for a in d.replayed.raised.values() if a.detector == detector]
            by_severity = Counter(a.severity for a in alerts)
            subjects = len({a.subject.id for a in alerts})
            back = sum(
                a.status == "retracted" and a.detector == detector
                for a in d.replayed.report.alerts.values()
            )
            yield (
                f"| {d.kind} | {detector} | {by_severity['warn']} | {by_severity['critical']} | "
                f"{1e4 * len(alerts) / d.orders:.2f} | {share(subjects, d.buyers, 3)} | {back} |"
            )


def _reasons(datasets: Sequence[Dataset]) -> Iterator[str]:
    groups: dict[tuple[str, str, str], list[Alert]] = {}
    for d in datasets:
        for alert in d.replayed.raised.values():
            groups.setdefault((d.kind, alert.detector, alert.severity), []).append(alert)
    if not groups:
        yield "No alert fired on the real data sets."
    for (kind, _, _), alerts in sorted(groups.items()):
        yield from (f"- {kind}: {reason(alert)}" for alert in alerts[:SHOWN_OF_A_KIND])
        if alerts[SHOWN_OF_A_KIND:]:
            yield f"- {kind}: and {len(alerts) - SHOWN_OF_A_KIND} more of the same kind"


def _testable(datasets: Sequence[Dataset]) -> Iterator[str]:
    yield "Facts that could start a detector; where there are none, its silence says nothing."
    yield ""
    yield f"| detector | {' | '.join(d.kind for d in datasets)} |"
    yield "|---|" + "---|" * len(datasets)
    untested = []
    for detector in DETECTORS:
        counts = [d.trigger_facts.get(detector, 0) for d in datasets]
        if any(counts):
            cells = [f"{count:,}" if count else "not tested" for count in counts]
            yield f"| {detector} | {' | '.join(cells)} |"
        else:
            untested.append(detector)
    if untested:
        yield ""
        yield f"On none of them: {', '.join(untested)}."
    yield ""
    yield "| data set | too little data | payments |"
    yield "|---|---|---|"
    for d in datasets:
        report = d.replayed.report
        little = ", ".join(
            f"{detector} {why}: {count}" for (detector, why), count in report.insufficient.items()
        )
        silent = (
            "silent: D01 concludes nothing" if report.silent_shops else f"{len(d.pay_delays_s):,}"
        )
        yield f"| {d.kind} | {little or 'none'} | {silent} |"


def _near(datasets: Sequence[Dataset]) -> Iterator[str]:
    yield "Buyers that D01 would warn about if one limit were so low and the other were off."
    yield "The shipped limits are the last of each row: 5 orders, 50 units."
    for name in ("orders", "units"):
        limits = [limit for of, limit in datasets[0].sweep if of == name]
        yield ""
        yield f"| {name}, at least | {' | '.join(map(str, limits))} |"
        yield "|---|" + "---|" * len(limits)
        for d in datasets:
            yield f"| {d.kind} | {' | '.join(f'{d.sweep[name, limit]:,}' for limit in limits)} |"


def _slow_payments(olist: Dataset, types: Mapping[str, str]) -> Iterator[str]:
    late = sum(delay > GRACE_S for delay in olist.pay_delays_s.values())
    unpaid = olist.orders - len(olist.pay_delays_s)
    yield (
        f"D01 gives a buyer {GRACE_S} seconds, because half of Tmall's payments come within 8 s and "
        "95 % within 191 s."
    )
    yield (
        f"In Olist {late:,} of {olist.orders:,} orders are approved later than that and {unpaid} never: "
        f"D01 counts {share(late + unpaid, olist.orders)} of honest orders as unpaid."
    )
    yield ""
    yield "| paid by | orders | median | 95 % within | later than the grace | later than a day |"
    yield "|---|---|---|---|---|---|"
    by_type: dict[str, list[float]] = {}
    for order, delay_s in olist.pay_delays_s.items():
        by_type.setdefault(types.get(order, "unknown"), []).append(delay_s)
    for name, delays in sorted(by_type.items(), key=lambda pair: -len(pair[1])):
        after_grace, after_day = (sum(d > limit for d in delays) for limit in (GRACE_S, DAY_S))
        p95 = (
            statistics.quantiles(delays, n=20, method="inclusive")[-1] if delays[1:] else delays[0]
        )
        yield (
            f"| {name} | {len(delays):,} | {duration(statistics.median(delays))} | {duration(p95)} | "
            f"{share(after_grace, len(delays))} | {share(after_day, len(delays))} |"
        )
    most = {
        name: max(limit for (of, limit), count in olist.sweep.items() if of == name and count)
        for name in ("orders", "units")
    }
    yield ""
    yield (
        "That it accuses nobody there is due to the counts alone: within 30 minutes the busiest buyer "
        f"reached {most['orders']} orders, and the largest amount of units reached the limit of "
        f"{most['units']} and not the next."
    )
    yield (
        "In such a shop five small orders within half an hour are enough for a warning, paid or not; "
        "the approval then resolves it."
    )
    yield (
        "A shop whose payments are told late needs a connector that sends the payment when the buyer "
        "made it, or a longer grace of its own, which delays true alerts as much. In the rules file:"
    )
    yield ""
    yield "```yaml\nshops:\n  olist:\n    D01: {grace_s: 86400, huge_grace_s: 86400}\n```"


def _unguarded(datasets: Sequence[Dataset]) -> Iterator[str]:
    yield (
        "When twenty buyers of a shop have ordered since its last payment, its payments count as down, "
        "and D01 concludes nothing ([0004](decisions/0004-horizon.md)).\n"
        "What it would say without this guard, if one other person paid once a day:"
    )
    yield ""
    yield "| data set | alerts | critical | buyers | share of buyers |"
    yield "|---|---|---|---|---|"
    for d in datasets:
        alerts = [a for a in d.unguarded.raised.values() if a.detector == "D01"]
        critical = sum(a.severity == "critical" for a in alerts)
        buyers = len({a.subject.id for a in alerts})
        yield (
            f"| {d.kind} | {len(alerts):,} | {critical:,} | {buyers:,} | {share(buyers, d.buyers)} |"
        )
    largest = sorted(
        (a for d in datasets for a in d.unguarded.raised.values() if a.detector == "D01"),
        key=lambda alert: max(check.value for check in alert.evidence.thresholds),
    )
    if largest:
        yield ""
        yield "The largest of them:"
        yield from (f"- {reason(alert)}" for alert in reversed(largest[-3:]))
