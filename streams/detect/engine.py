"""The engine: merge facts into a subject's state, ask its detectors, and say what changed.

It is the same for the live worker, for replay and for tests. It never looks at a clock: the caller
brings the horizon. State is packed bytes in, packed bytes out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

import msgspec

from schemas.alerts import Alert, AlertChange, Subject, SubjectKind
from streams.detect import alerts
from streams.detect.detector import Detector, Facts, Topics
from streams.detect.diff import Change, alert_id, but_remnants, diff, forgotten, signal_digest
from streams.detect.episodes import NOTHING, Episode, Told, Verdict
from streams.detect.facts import (
    NEVER,
    SHORTEST_RETENTION_MS,
    AnyFact,
    Fact,
    Signal,
    is_expired,
    merge,
    merged,
    trim,
)
from streams.detect.quiet import Gate
from streams.detect.rules import Rule, RuleSet
from streams.detect.second_order import SecondOrder
from streams.detect.state import LOUD, Published, Sent, SubjectState, pack, unpack

# Corrections count a signal's version up by one, facts behind it by milliseconds: what is so much less
# lacks facts.
MOST_CORRECTIONS = 1 << 16
# A detector's `evaluate` or `combine`.
Ask = Callable[..., Verdict]
# Asked before a subject is judged: what is to stand around its detectors, by their ids, if anything. It
# must not change an answer.
Around = Callable[[str, Ask], Ask]
Watch = Callable[[], Around | None]


def unwatched() -> Around | None:
    """Nothing stands around any detector."""
    return None


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What came of applying facts to one subject.

    `packed` is None when nothing changed. `wakes` says, per set of topics, when their silence would
    next mean something; of several for the same topics the earliest counts. `late` are facts beyond
    retention. `insufficient` are (detector, reason).

    `intent` packs the state to store before anything is said, if there is something to say. Whoever finds
    it after a crash does not know whether it was said, and says it again, or takes it back. A replay has
    no use for it, hence a function.
    """

    packed: bytes | None
    intent: Callable[[], bytes] | None = None
    alerts: Sequence[Alert] = ()
    told: Sequence[Told] = ()
    wakes: Sequence[tuple[Topics, int]] = ()
    late: Sequence[Fact] = ()
    insufficient: Sequence[tuple[str, str]] = ()


class Engine:
    """Detectors and their rules, ready to be asked about any subject.

    `running` are the ids of the detectors. `watch` is for a caller with a clock, who wants to know how
    long they take.
    """

    def __init__(
        self,
        detectors: Sequence[Detector[Any]],
        rules: RuleSet,
        tenant: str,
        watch: Watch = unwatched,
    ) -> None:
        self.rules = rules
        self.tenant = tenant
        self.running = frozenset(detector.id for detector in detectors)
        self._watch = watch
        self._of_kind: dict[SubjectKind, list[Detector[Any]]] = {}
        self._second_of_kind: dict[SubjectKind, list[SecondOrder[Any]]] = {}
        for detector in detectors:
            self._of_kind.setdefault(detector.subject, []).append(detector)
            if isinstance(detector, SecondOrder):
                self._second_of_kind.setdefault(detector.subject, []).append(detector)
        # By the kinds of facts that a subject has: subjects have few different combinations.
        self._asked_of: dict[tuple[SubjectKind, frozenset[type]], list[Detector[Any]]] = {}
        # By the rules that hold: nearly all shops have the same ones. Kept with them, for of rules that
        # are gone the next ones may have the identity.
        self._gates: dict[tuple[SubjectKind, int], tuple[Mapping[str, Rule], Gate]] = {}

    def waits_for(self, kinds: Sequence[SubjectKind]) -> list[Topics]:
        """The distinct sets of topics whose silence the detectors of these subjects rely on."""
        return sorted({topics for kind in kinds for topics in self._topics_of(kind)})

    def apply(
        self,
        kind: SubjectKind,
        subject: str,
        packed: bytes | None,
        new: Sequence[AnyFact],
        horizon_of: Callable[[Topics], int],
    ) -> Outcome:
        """Merge `new` into the subject's state and evaluate it up to the horizon.

        Without new facts it is a wake-up. Facts that change nothing are not evaluated again.
        """
        late: list[Fact] = []
        if packed is None:
            state = SubjectState()
        else:
            state = unpack(packed)
            if state.tail:
                state.facts = merged(state.facts, state.tail)
            new, late = _kept_and_late(state.facts[-1].at_ms, new)
        facts = state.facts
        if not merge(facts, new) and (new or late or not facts):
            return Outcome(None, late=late)
        if state.horizons:
            horizon_of = self._caught_up(kind, state, horizon_of)
        grouped = Facts(subject, facts, had_older=_had_older(state))
        kinds = grouped.kinds
        rules = self.rules.of(subject.partition(":")[0])
        wakes: list[tuple[Topics, int]] = []
        outgoing: list[Told] = []
        episodes: list[Episode] = []
        insufficient: list[tuple[str, str]] = []
        around = self._watch()
        gate = self.gate(kind, subject)
        quiet = gate.of(grouped)
        asked = self._asked(kind, frozenset(kinds)) if quiet is LOUD else gate.patient
        verdicts: list[tuple[Detector[Any], Verdict]] = []
        for d in asked:
            ask = around(d.id, d.evaluate) if around else d.evaluate
            verdict = ask(grouped, horizon_of(d.topics), rules[d.id].block)
            # Most have nothing to say.
            if verdict is not NOTHING:
                verdicts.append((d, verdict))
        first = [episode for _, verdict in verdicts for episode in verdict.episodes]
        combining = [
            d
            for d in self._second_of_kind.get(kind, ())
            if first or not kinds.isdisjoint(d.triggers)
        ]
        if first:
            episodes += self._but_remnants(kind, subject, state, first)
        if combining:
            second = [
                (d, ask(grouped, episodes, horizon_of(d.topics), rules[d.id].block))
                for d in combining
                for ask in ((around(d.id, d.combine) if around else d.combine),)
            ]
            combined = [episode for _, verdict in second for episode in verdict.episodes]
            episodes += self._but_remnants(kind, subject, state, combined)
            verdicts += second
        for detector, verdict in verdicts:
            outgoing.extend(verdict.signals)
            insufficient.extend([(detector.id, reason) for reason in verdict.insufficient])
            if verdict.wake_at_ms is not None:
                wakes.append((detector.topics, verdict.wake_at_ms))
        told = self._told(state, outgoing) if outgoing or state.sent else ()
        found = self._publish(kind, subject, state, episodes) if episodes or state.published else ()
        state.facts, let_go_ms = trim(facts)
        if state.published or state.horizons:
            quiet = LOUD
        elif state.facts is not facts:
            quiet = gate.of(Facts(subject, state.facts))
        if let_go_ms > state.let_go_ms:
            state.let_go_ms = let_go_ms
        wake_at_ms = min([at for _, at in wakes]) if wakes else None
        intent = (
            partial(self._intent, kind, state, found, told, horizon_of) if found or told else None
        )
        packed = pack(state, wake_at_ms, quiet)
        return Outcome(packed, intent, found, told, wakes, late, insufficient)

    def _caught_up(
        self, kind: SubjectKind, state: SubjectState, horizon_of: Callable[[Topics], int]
    ) -> Callable[[Topics], int]:
        """The horizons, nowhere behind those that led to what was said before a crash.

        They were proven then, and a horizon never moves back. Those that time has passed are let go.
        """
        now = {topics: horizon_of(topics) for topics in self._topics_of(kind)}
        known = {topics: state.horizons.get(",".join(topics), 0) for topics in now}
        state.horizons = {
            ",".join(topics): at_ms for topics, at_ms in known.items() if at_ms > now[topics]
        }
        return {topics: max(at_ms, known[topics]) for topics, at_ms in now.items()}.__getitem__

    def _topics_of(self, kind: SubjectKind) -> set[Topics]:
        return {detector.topics for detector in self._of_kind.get(kind, ())}

    def _asked(self, kind: SubjectKind, kinds: frozenset[type]) -> list[Detector[Any]]:
        """The detectors that such facts concern."""
        asked = self._asked_of.get((kind, kinds))
        if asked is None:
            of_kind = self._of_kind.get(kind, ())
            asked = [d for d in of_kind if not kinds.isdisjoint(d.triggers)]
            self._asked_of[kind, kinds] = asked
        return asked

    def gate(self, kind: SubjectKind, subject: str) -> Gate:
        """Which facts about such a subject need no evaluation."""
        rules = self.rules.of(subject.partition(":")[0])
        kept = self._gates.get((kind, id(rules)))
        if kept is None:
            asked = [(d, rules[d.id].block) for d in self._of_kind.get(kind, ())]
            kept = self._gates[kind, id(rules)] = rules, Gate(asked)
        return kept[1]

    def renew(self, rules: RuleSet) -> None:
        """Judge by these from now on: each subject from its next event, or when something falls due."""
        self.rules.become(rules)
        self._gates.clear()

    def _told(self, state: SubjectState, outgoing: Sequence[Told]) -> list[Told]:
        """The signals that are news, those among them that are taken back.

        What is no longer told although retention would keep it was wrong, or the cap let go what would end
        it: its subject must forget it, or it would count there for ever. It leaves without values, which
        detectors ignore.
        """
        before, state.sent = state.sent, {}
        news: list[Told] = []
        for one in outgoing:
            kind, subject, signal = one
            known = before.get(signal.ref)
            version = signal.version
            said = signal_digest(signal)
            if known is None:
                news.append(one)
            else:
                is_other = known.is_taken_back or (known.digest != said and known.digest != 0)
                is_certain = not (known.is_taken_back or known.is_unsure)
                lacks_facts = known.version - version > MOST_CORRECTIONS and _had_older(state)
                if is_other and is_certain and lacks_facts:
                    # Retention let them go: an order of who had bought before is not that of a stranger
                    # six weeks later.
                    state.sent[signal.ref] = known
                    continue
                if is_other and version <= known.version:
                    # Told again after it was taken back, or anew: that must count more than before. A
                    # correction keeps the times from which versions are made.
                    version = known.version + 1
                # Nor may what is said again after a crash count for less than what it corrects.
                version = max(version, known.version)
                if version > signal.version:
                    signal = msgspec.structs.replace(signal, version=version)
                if known.is_unsure or version > known.version:
                    news.append(Told(kind, subject, signal))
            state.sent[signal.ref] = Sent(
                version, signal.at_ms, signal.name, kind, subject, digest=said
            )
        newest_ms = state.facts[-1].at_ms
        for ref, sent in before.items():
            if ref in state.sent:
                continue
            version = sent.version + (not sent.is_taken_back)
            # No event stands behind it, and a ref may be longer than the id of one.
            void = Signal(sent.at_ms, sent.name, ref, sent.name, version, {})
            if is_expired(void, newest_ms):
                continue
            if not sent.is_taken_back or sent.is_unsure:
                sent = Sent(version, sent.at_ms, sent.name, sent.kind, sent.subject, True)
                news.append(Told(sent.kind, sent.subject, void))
            elif sent.at_ms <= state.let_go_ms and not _is_kept(state.facts, sent.at_ms):
                # What it was about is gone, so nobody can tell it again: a flood must not leave it for weeks.
                continue
            state.sent[ref] = sent
        return news

    def _intent(
        self,
        kind: SubjectKind,
        state: SubjectState,
        found: Sequence[Alert],
        told: Sequence[Told],
        horizon_of: Callable[[Topics], int],
    ) -> bytes:
        """The state as it must be found if we stop before all of it has been said.

        It is looked at again at once, by the horizons of now: then the verdict is at least as good.
        """
        unsaid_of = {alert.alert_id: alert.change for alert in found}
        published = [_unsaid(entry, unsaid_of.get(entry.alert_id)) for entry in state.published]
        refs = [one.signal.ref for one in told]
        unsure = {r: msgspec.structs.replace(state.sent[r], is_unsure=True) for r in refs}
        horizons = {",".join(topics): horizon_of(topics) for topics in self._topics_of(kind)}
        unsaid = SubjectState(
            state.facts, published, state.sent | unsure, state.let_go_ms, horizons
        )
        return pack(unsaid, 0)

    def _publish(
        self, kind: SubjectKind, subject: str, state: SubjectState, episodes: Sequence[Episode]
    ) -> list[Alert]:
        """Bring the ledger up to date and build the alerts for what changed."""
        named = [(self._name(kind, subject, episode), episode) for episode in episodes]
        oldest_kept_ms = state.facts[-1].at_ms - Fact.retention_ms
        # Of a detector that was switched off nobody knows whether its alerts still hold, as if all that they
        # rest on were let go.
        idle = [entry for entry in state.published if entry.detector not in self.running]
        asked = [entry for entry in state.published if entry.detector in self.running]
        kept, over = diff(idle, (), NEVER, oldest_kept_ms) if idle else ([], [])
        ledger, changes = diff(asked, named, state.let_go_ms, oldest_kept_ms)
        state.published = kept + ledger
        return [self._alert(kind, subject, change, state.let_go_ms) for change in (*over, *changes)]

    def _alert(self, kind: SubjectKind, subject: str, change: Change, let_go_ms: int) -> Alert:
        said, episode = change.published, change.episode
        rule = self.rules.of(subject.partition(":")[0])[said.detector]
        about = Subject(kind=kind, id=subject)
        if episode is None:
            return alerts.without_episode(change, about, self.tenant, rule)
        presentation = self._detector(kind, said.detector).present(episode, subject, rule.block)
        is_partial = _is_partial(episode, said.anchor_event_id, let_go_ms)
        return alerts.build(change, episode, presentation, about, self.tenant, rule, is_partial)

    def forget(self, kind: SubjectKind, subject: str, packed: bytes) -> list[Alert]:
        """What to say about a subject whose state will be let go: its open alerts are over."""
        changes = forgotten(unpack(packed).published)
        return [self._alert(kind, subject, change, 0) for change in changes]

    def _but_remnants(
        self, kind: SubjectKind, subject: str, state: SubjectState, episodes: Sequence[Episode]
    ) -> Sequence[Episode]:
        """The episodes that are not there only because facts were let go, see `diff.but_remnants`.

        The cap on a flood lets go as well, of facts that retention would keep: that is no reason.
        """
        if not _had_older(state):
            return episodes
        name_of = partial(self._name, kind, subject)
        return but_remnants(state.published, episodes, name_of, state.let_go_ms)

    def _name(self, kind: SubjectKind, subject: str, episode: Episode) -> str:
        return alert_id(episode.detector, self.tenant, kind, subject, episode.anchor.event_id)

    def _detector(self, kind: SubjectKind, detector_id: str) -> Detector[Any]:
        return next(d for d in self._of_kind[kind] if d.id == detector_id)


def _had_older(state: SubjectState) -> bool:
    """Whether retention, and not the cap on a flood, has let facts go."""
    return 0 < state.let_go_ms <= state.facts[-1].at_ms - Fact.retention_ms


def _is_kept(facts: Sequence[AnyFact], at_ms: int) -> bool:
    """Whether there is a fact of that time, which is that of all that is told of it."""
    place = bisect_left(facts, at_ms, key=attrgetter("at_ms"))
    return place < len(facts) and facts[place].at_ms == at_ms


def _unsaid(entry: Published, change: AlertChange | None) -> Published:
    """A ledger entry of which nobody knows whether its change was said."""
    if change is not None and entry.digest == 0:
        # No episode stands behind it: it must be found to be due, as if the alert still stood.
        return msgspec.structs.replace(entry, status="open")
    return msgspec.structs.replace(entry, digest=0, unsaid=change)


def _kept_and_late(newest_ms: int, new: Sequence[AnyFact]) -> tuple[Sequence[AnyFact], list[Fact]]:
    """Part facts that the subject's retention lets in from those that come too late for it."""
    for fact in new:
        # No kind is kept for less, and nearly every fact is younger.
        if fact.at_ms < newest_ms - SHORTEST_RETENTION_MS:
            return (
                [fact for fact in new if not is_expired(fact, newest_ms)],
                [fact for fact in new if is_expired(fact, newest_ms)],
            )
    return new, []


def _is_partial(episode: Episode, anchor_event_id: str, let_go_ms: int) -> bool:
    """Whether facts that belong to an episode, or may have, are no longer kept."""
    return episode.anchor.event_id != anchor_event_id or (
        let_go_ms > 0 and episode.anchor.at_ms - let_go_ms <= episode.window_s * 1000
    )
