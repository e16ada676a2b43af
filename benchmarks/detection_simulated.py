"""The section of docs/detection.md on labelled simulations, and the bounds wanted of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.detection_rows import reason, share
from benchmarks.detection_truth import Score
from streams.detect.detector import find_detectors

# What is wanted: fewer honest buyers blamed than this, and of every detector at least so much.
ACCUSED_MAX = 0.001
RECALL_MIN, PRECISION_MIN = 0.98, 0.95
SHOWN = 10
DETECTORS = {detector.id: detector for detector in find_detectors()}


def bounds(scores: Sequence[Score]) -> Iterator[tuple[str, bool]]:
    """What is wanted on simulated traffic as sentences, and whether it holds."""
    for name, wanted in (("recall", RECALL_MIN), ("precision", PRECISION_MIN)):
        worst, detector = min(
            (_of(name, scores, detector), detector)
            for detector in DETECTORS
            if _sum("expected", scores, detector)
        )
        yield (
            f"lowest {name} of a detector on labelled attacks above the limits: "
            f"{100 * worst:.1f} %, {detector} (wanted: at least {100 * wanted:.0f} %",
            worst >= wanted,
        )
    accused, buyers = sum(s.accused for s in scores), sum(s.buyers for s in scores)
    yield (
        f"{accused} of {buyers:,} honest simulated buyers blamed, {share(accused, buyers, 3)} "
        f"(wanted: below {100 * ACCUSED_MAX:.1f} %",
        accused < ACCUSED_MAX * buyers,
    )


def _of(name: str, scores: Sequence[Score], detector: str) -> float:
    hit = _sum("hit", scores, detector)
    if name == "recall":
        return hit / _sum("expected", scores, detector)
    false = sum(len(s.false.get(detector, ())) for s in scores)
    return hit / (hit + false) if hit + false else 1.0


def _sum(name: str, scores: Sequence[Score], detector: str) -> int:
    return sum(int(getattr(score, name)[detector]) for score in scores)


def render_simulated(scores: Sequence[Score]) -> Iterator[str]:
    """By seed, by detector, and every surprise."""
    yield (
        "The stories are written along the detectors' own pages, so this says that the code does what "
        "the pages say, also when stories lie among honest traffic; it does not say how real attackers "
        "behave.\nPayment delays and the course of the day are fitted to the Tmall report."
    )
    yield (
        "A story comes back in every round with other people, times and amounts, but it stays the same "
        "story: nine found of nine are no nine independent proofs.\n"
        "Whoever wrote the messages knew the word lists, so for D04, D13, D17, D18, D19, D20, D21 and D24 "
        "recall says nothing about wordings that nobody thought of."
    )
    yield ""
    yield (
        "| seed | events | honest orders | honest buyers | attackers among all buyers | alerts expected | "
        "found | false | taken back |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for s in scores:
        false = sum(map(len, s.false.values()))
        yield (
            f"| {s.seed} | {s.events:,} | {s.orders:,} | {s.buyers:,} | "
            f"{s.attackers} ({share(s.attackers, s.buyers + s.attackers, 2)}) | "
            f"{s.expected.total()} | {s.hit.total()} | {false} | {s.taken_back} |"
        )
    yield ""
    yield (
        "| detector | expected | found | false | recall | precision | same severity | "
        "lookalike stories | informed besides |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for detector in DETECTORS:
        expected, hit, same, known, alike, informed = (
            _sum(name, scores, detector)
            for name in (
                "expected",
                "hit",
                "same_severity",
                "severity_known",
                "lookalikes",
                "informed",
            )
        )
        false = sum(len(s.false.get(detector, ())) for s in scores)
        yield (
            f"| {detector} | {expected} | {hit} | {false} | {share(hit, expected)} | "
            f"{share(hit, hit + false)} | {share(same, known)} | {alike} | {informed} |"
        )
    yield ""
    yield (
        "Warnings and critical alerts count as found, and information where the label asks for no more. "
        "The labels give no severity for D02.\n"
        "A lookalike story is honest behaviour just inside a limit; an alert about it counts as false, "
        "information too where the detector's stories ask for information.\n"
        "*Informed besides* are subjects without a label about whom a detector informs, nearly all of them "
        "in the honest traffic: large first orders (D07), faults of quality (D11). Nobody is accused by "
        "that, and whether each is right is for the [oracles](../tests/oracle) to say."
    )
    surprises = [
        f"- false: {reason(a)}" for s in scores for alerts in s.false.values() for a in alerts
    ]
    surprises += [
        f"- missed: {detector} ({kind})" for s in scores for detector, kind, _ in s.missed
    ]
    if surprises:
        yield ""
        yield from surprises[:SHOWN]
        if surprises[SHOWN:]:
            yield f"- and {len(surprises) - SHOWN} more"
