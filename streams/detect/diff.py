"""The difference between the episodes that the facts imply and what was published before.

What a newcomer gets wrong: an episode of which a fact has left the state by retention is neither new nor
gone; it keeps its id, and what is left of its facts may not rewrite what was said with all of them.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

import msgspec

from schemas.alerts import AlertChange, AlertStatus, Severity, SubjectKind
from streams.detect.episodes import LEVELS, Episode
from streams.detect.facts import AnyFact, Fact, Signal
from streams.detect.state import ANY_TIME, Published

# The name space of all alert ids; it must never change, or replays would no longer give the same ids.
NAMESPACE = uuid.UUID("7f0d8a52-6f0e-5d53-9b0a-0c8b4c9b6a11")
_encode = msgspec.msgpack.Encoder().encode


class Change(NamedTuple):
    """One thing to say. `episode` is None where the facts no longer imply any, or are no longer kept."""

    published: Published
    change: AlertChange
    episode: Episode | None
    supersedes: str | None = None


def alert_id(detector: str, tenant: str, kind: SubjectKind, subject: str, anchor: str) -> str:
    """The identity of an episode: derived, so that every replay gives the same."""
    return str(uuid.uuid5(NAMESPACE, "\x1f".join((detector, tenant, kind, subject, anchor))))


def digest(episode: Episode) -> int:
    """A short checksum of everything that an alert says about an episode."""
    said = (
        episode.opened_at_ms,
        episode.last_at_ms,
        episode.status,
        episode.ended_at_ms,
        episode.severity,
        [(member.ref, member.event_id, _told(member)) for member in episode.members],
        sorted(episode.details.items()),
        episode.counter,
        # A share of what was paid may change while all else stays.
        [(threshold.name, threshold.value) for threshold in episode.thresholds],
        [(hold.item_id, hold.order_id, hold.state) for hold in episode.holds],
    )
    return _checksum(said)


def signal_digest(signal: Signal) -> int:
    """The same of everything that a signal says but its version. Never 0, which is nobody's."""
    return _checksum((signal.at_ms, signal.event_id, sorted(signal.values.items()))) or 1


def _checksum(said: object) -> int:
    return zlib.crc32(_encode(said))


def _told(fact: AnyFact) -> list[tuple[str, int | str | bool]]:
    """What a signal says, which may change while its name and its event stay."""
    return sorted(fact.values.items()) if isinstance(fact, Signal) else []


def diff(
    published: Sequence[Published],
    episodes: Sequence[tuple[str, Episode]],
    let_go_ms: int,
    oldest_kept_ms: int,
) -> tuple[list[Published], list[Change]]:
    """Compare, and give the new ledger with the changes to publish, oldest episode first.

    `episodes` come with their alert ids. `let_go_ms` is the newest fact that is no longer kept;
    ledger entries that ended before `oldest_kept_ms` are let go as well.
    """
    left = {entry.alert_id: entry for entry in published}
    ledger: list[Published] = []
    changes: list[Change] = []
    strangers: list[tuple[str, Episode]] = []
    for name, episode in episodes:
        known = left.pop(name, None)
        if known is None:
            strangers.append((name, episode))
        else:
            _say(known, name, episode, ledger, changes)
    for name, episode in strangers:
        tail_of = _cut_off_from(left.values(), episode, let_go_ms)
        if tail_of is not None:
            del left[tail_of.alert_id]
            is_news = episode.last_at_ms > tail_of.last_at_ms or episode.status != tail_of.status
            if is_news or tail_of.unsaid is not None:
                _say(tail_of, tail_of.alert_id, episode, ledger, changes)
            else:
                ledger.append(tail_of)
            continue
        moved = _moved_from(left.values(), episode)
        _say(None, name, episode, ledger, changes, moved.alert_id if moved else None)
    for entry in left.values():
        if min(entry.anchor_at_ms, entry.from_ms) > let_go_ms:
            if entry.status == "retracted":
                ledger.append(entry)
            else:
                changes.append(_gone(entry, "retracted"))
                ledger.append(changes[-1].published)
        elif entry.last_at_ms >= oldest_kept_ms:
            ledger.append(entry)
        elif entry.status == "open":
            changes.append(_gone(entry, "expired"))
            ledger.append(changes[-1].published)
    return ledger, changes


def forgotten(published: Iterable[Published]) -> list[Change]:
    """What to say about a subject of which nothing is kept any more: its open episodes are over."""
    return [_gone(entry, "expired") for entry in published if entry.status == "open"]


def _gone(entry: Published, change: Literal["retracted", "expired"]) -> Change:
    """An episode that the facts do not imply: they disprove it, or too few are left to tell."""
    said = msgspec.structs.replace(entry, revision=entry.revision + 1, status=change, digest=0)
    return Change(said, change, None)


def but_remnants(
    published: Sequence[Published],
    episodes: Sequence[Episode],
    name_of: Callable[[Episode], str],
    let_go_ms: int,
) -> Sequence[Episode]:
    """The episodes but for those that may be some only because retention let facts go.

    While these were known, they were none: what speaks for a buyer (orders that were paid, an order that
    is one's own) is older than what speaks against, and goes first. Whatever goes on from what was said
    is none of them.
    """
    if not any(_is_remnant(episode, let_go_ms) for episode in episodes):
        return episodes
    named = [(name_of(episode), episode) for episode in episodes]
    names = {name for name, _ in named}
    known = {entry.alert_id for entry in published}
    left = [entry for entry in published if entry.alert_id not in names]
    return [
        episode
        for name, episode in named
        if not _is_remnant(episode, let_go_ms)
        or name in known
        or _cut_off_from(left, episode, let_go_ms)
        or _moved_from(left, episode)
    ]


def _is_remnant(episode: Episode, let_go_ms: int) -> bool:
    """Whether something that was known when it happened is gone, and may have spoken against it.

    Where all of that is still known nothing was lost: a topic lagged, or a batch spans so long a time
    that what opened in it is over.
    """
    at_ms = episode.last_at_ms
    has_lost = let_go_ms >= at_ms - Fact.retention_ms
    has_lost_of_window = let_go_ms >= at_ms - episode.window_s * 1000
    return has_lost and (episode.status == "expired" or has_lost_of_window)


def _cut_off_from(
    entries: Iterable[Published], episode: Episode, let_go_ms: int
) -> Published | None:
    """What an episode goes on from: facts that are gone may have joined the two, if no further apart."""
    return _near(entries, episode, episode.cooldown_s, lambda p: p.anchor_at_ms <= let_go_ms)


def _moved_from(entries: Iterable[Published], episode: Episode) -> Published | None:
    """What an episode supersedes, because an earlier event is its anchor now."""
    return _near(entries, episode, 0, lambda p: p.status != "retracted")


def _near(
    entries: Iterable[Published],
    episode: Episode,
    apart_s: int,
    is_candidate: Callable[[Published], bool],
) -> Published | None:
    """The first entry that overlaps an episode, or is at most so far apart from it."""
    apart_ms = apart_s * 1000
    for entry in entries:
        if (
            entry.detector == episode.detector
            and entry.opened_at_ms <= episode.last_at_ms + apart_ms
            and episode.opened_at_ms <= entry.last_at_ms + apart_ms
            and is_candidate(entry)
        ):
            return entry
    return None


def _say(
    known: Published | None,
    name: str,
    episode: Episode,
    ledger: list[Published],
    changes: list[Change],
    supersedes: str | None = None,
) -> None:
    checksum = digest(episode)
    if known is not None and known.digest == checksum:
        ledger.append(known)
        return
    revision = max(1, episode.steps)
    if known is not None:
        revision = max(known.revision + 1, revision)
    opened_at_ms = episode.opened_at_ms
    if known is not None and known.anchor_event_id != episode.anchor.event_id:
        # What is left of a long episode does not know when it began.
        opened_at_ms = min(known.opened_at_ms, opened_at_ms)
    entry = Published(
        name,
        episode.detector,
        known.anchor_at_ms if known else episode.anchor.at_ms,
        known.anchor_event_id if known else episode.anchor.event_id,
        opened_at_ms,
        episode.last_at_ms,
        revision,
        episode.status,
        episode.severity,
        checksum,
        from_ms=min(known.from_ms if known else ANY_TIME, _from_ms(episode)),
    )
    ledger.append(entry)
    before = (known.status, known.severity) if known else None
    change = _change(before, episode)
    if known is not None and known.unsaid is not None:
        change = _of_both(known.unsaid, change)
    changes.append(Change(entry, change, episode, supersedes))


def _from_ms(episode: Episode) -> int:
    """From when on facts lie that an episode rests on, those without a place among its members too."""
    oldest_ms = min((member.at_ms for member in episode.members), default=episode.anchor.at_ms)
    return min(oldest_ms, episode.anchor.at_ms - episode.window_s * 1000)


def _change(before: tuple[AlertStatus, Severity] | None, episode: Episode) -> AlertChange:
    if episode.status == "resolved" or episode.status == "expired":
        is_news = before is None or before[0] != episode.status
        return episode.status if is_news else "updated"
    if before is None:
        return "opened"
    status, severity = before
    if status != "open":
        return "reopened"
    if LEVELS.index(episode.severity) > LEVELS.index(severity):
        return "escalated"
    return "updated"


def _of_both(unsaid: AlertChange, change: AlertChange) -> AlertChange:
    """What to call a change on top of one that may not have been said: whoever heard neither must hear."""
    if change == "updated" or (change == "escalated" and unsaid in ("opened", "reopened")):
        return unsaid
    return change
