"""One case, one episode: for detectors about a single order, review, message or complaint.

Detectors that count within windows use `episodes.runs`. A case has no cooldown: its anchor names it,
and two cases of one buyer are two alerts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from schemas.alerts import Severity
from streams.detect.episodes import LEVELS, Episode, Threshold, Verdict, outcome
from streams.detect.facts import AnyFact, by_time


class Case(NamedTuple):
    """One thing that a detector noticed. Times are epoch milliseconds of event time.

    `anchor` names the case, and so must be the fact that it is about; `members` are all facts that it
    rests on, the anchor among them. `opened_at_ms` is when it became one: the time of the fact that
    completed it, or of the deadline that passed. `resolved_at_ms` is when a fact settled it, if any: what
    did so before it was opened counts as of then.
    `expires_at_ms` is when it is over by itself, where the detector knows that. `level_since_ms` is when
    silence raised its level, if that is later than its newest fact. `window_s` and `cooldown_s` are those
    of a detector that put crossings into runs first.
    """

    anchor: AnyFact
    level: Severity
    members: Sequence[AnyFact]
    opened_at_ms: int
    details: Mapping[str, int | str]
    thresholds: tuple[Threshold, ...] = ()
    counter: tuple[tuple[str, str], ...] = ()
    resolved_at_ms: int | None = None
    expires_at_ms: int | None = None
    level_since_ms: int = 0
    window_s: int = 0
    cooldown_s: int = 0


def verdict(
    detector: str,
    cases: Sequence[Case],
    horizon_ms: int,
    expire_after_s: int,
    wakes: Iterable[int] = (),
) -> Verdict:
    """The verdict of a detector of cases.

    A case that nothing settles expires `expire_after_s` after its newest fact. `wakes` are further
    times at which silence would mean something to the detector; those up to the horizon are ignored.
    """
    episodes = [_episode(detector, case, horizon_ms, expire_after_s) for case in cases]
    later = [at_ms for at_ms in wakes if at_ms > horizon_ms]
    later += [
        _expires_ms(case, episode.last_at_ms, expire_after_s)
        for case, episode in zip(cases, episodes, strict=True)
        if episode.status == "open"
    ]
    return Verdict(episodes, min(later, default=None))


def _expires_ms(case: Case, last_ms: int, expire_after_s: int) -> int:
    return last_ms + expire_after_s * 1000 if case.expires_at_ms is None else case.expires_at_ms


def _episode(detector: str, case: Case, horizon_ms: int, expire_after_s: int) -> Episode:
    members = tuple(sorted(case.members, key=by_time))
    last_ms = max(case.opened_at_ms, case.level_since_ms, members[-1].at_ms)
    expires_ms = _expires_ms(case, last_ms, expire_after_s)
    settled_ms = case.resolved_at_ms
    resolved_ms = None if settled_ms is None else max(settled_ms, case.opened_at_ms)
    status, ended_ms = outcome(resolved_ms, expires_ms, horizon_ms)
    return Episode(
        detector=detector,
        anchor=case.anchor,
        opened_at_ms=case.opened_at_ms,
        last_at_ms=last_ms,
        status=status,
        ended_at_ms=ended_ms,
        severity=case.level,
        steps=len(members) + LEVELS.index(case.level) + (ended_ms is not None),
        window_s=case.window_s,
        members=members,
        thresholds=case.thresholds,
        details=dict(case.details),
        counter=case.counter,
        cooldown_s=case.cooldown_s,
    )
