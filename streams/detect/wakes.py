"""When the subjects of a partition are looked at again: timers by the topics whose silence they need.

Each set of topics has its own horizon. The trap: of facts that nobody has looked at the header only says
the earliest wake-up, and not for which topics.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from streams.detect.detector import Topics
from streams.detect.horizon import Frontier
from streams.detect.state import NO_WAKE, Header, asked_for_wake
from streams.detect.timers import ALL, Timers

# A subject that asks to be woken in what is past for all of its topics is looked at again after this long.
RECHECK_MS = 60_000


class Horizons:
    """The horizons as they stand for one batch, by set of topics: subjects only look them up."""

    def __init__(self, frontier: Frontier, waits: Iterable[Topics]) -> None:
        self.overall = {topics: frontier.horizon(topics) for topics in waits}
        self._of_silent = {
            shop: {topics: frontier.horizon(topics, shop) for topics in self.overall}
            for shop in frontier.silent_shops
        }

    def about(self, subject: str) -> Callable[[Topics], int]:
        """The horizons for one subject."""
        if self._of_silent:
            shop = subject.partition(":")[0]
            return self._of_silent.get(shop, self.overall).__getitem__
        return self.overall.__getitem__


class Wakes:
    """The timers of one partition, by stored key. `waits` are the sets of topics there are."""

    def __init__(self, waits: Iterable[Topics]) -> None:
        # Of those who were looked at, and asked for it.
        self._asked: dict[Topics, Timers] = {topics: Timers() for topics in waits}
        # Of those with facts that nobody has looked at, by whichever of their topics is there first: one
        # timer instead of one for each set, for nearly everybody.
        self._unseen = Timers()
        # Those among them who turn out to wait for topics that are not there yet. Where payments are behind,
        # that is everybody who ordered.
        self._patient: defaultdict[Topics, Timers] = defaultdict(Timers)
        # By shop with silent payments those who would be due if these were read: its own horizon wakes them.
        self._parked: dict[str, Timers] = {}

    def load(self, key: str, known: Header) -> None:
        """Set what the header of a state that was stored says."""
        if known.wake == NO_WAKE:
            return
        if known.asked == NO_WAKE:
            self._unseen.set(key, known.wake)
        else:
            # Which topics it asked for is not stored: each may be the one.
            for timers in self._asked.values():
                timers.set(key, known.wake)

    def unseen(self, key: str, wake_at_ms: int | None) -> None:
        """Facts were appended that nobody has looked at; what was asked for stays."""
        for timers in self._patient.values():
            timers.forget(key)
        if wake_at_ms is None:
            self._unseen.forget(key)
        else:
            self._unseen.set(key, wake_at_ms)

    def ask(self, key: str, wakes: Mapping[Topics, int], horizons: Horizons) -> None:
        """Set what somebody who was looked at asked for; `forget` first."""
        parked_ms = NO_WAKE
        for topics, wake_at_ms in wakes.items():
            horizon_ms = horizons.overall[topics]
            if wake_at_ms <= horizon_ms:
                if wake_at_ms > horizons.about(key[2:])(topics):
                    parked_ms = min(parked_ms, wake_at_ms)
                    continue
                wake_at_ms = horizon_ms + RECHECK_MS
            self._asked[topics].set(key, wake_at_ms)
        if parked_ms != NO_WAKE:
            self._parked.setdefault(_shop_of(key), Timers()).set(key, parked_ms)

    def forget(self, key: str, before: bytes) -> None:
        """Wake a subject for nothing that its state of before wanted."""
        self.unseen(key, None)
        parked = self._parked.get(_shop_of(key)) if self._parked else None
        if parked is not None:
            parked.forget(key)
        if asked_for_wake(before):
            for timers in self._asked.values():
                timers.forget(key)

    def due(
        self,
        horizons: Horizons,
        payments_of: Callable[[str], int],
        awaited: Iterable[Topics],
        waits_of: Callable[[str], Mapping[Topics, int] | None],
        most: int = ALL,
    ) -> Iterator[list[str]]:
        """Whose time has come, in turns; each turn is to be looked at before the next, for it sets others.

        `payments_of` is the horizon of the payments of a shop. `awaited` are the topics that unseen facts
        may wait for, and `waits_of` says for which ones a subject does, and until when; None is at once.
        No more than `most`: the others stay due.
        """
        left = most
        for shop, parked in list(self._parked.items()):
            found = parked.due(payments_of(shop), left)
            left -= len(found)
            yield found
            if not parked:
                del self._parked[shop]
        # Whoever is due by all topics need not be asked for which ones it waits: that is to unpack it.
        found = self._unseen.due(min(horizons.overall.values(), default=0), left)
        left -= len(found)
        yield found
        first_ms = max((horizons.overall[topics] for topics in awaited), default=0)
        found = self._unseen.due(first_ms, left)
        left -= len(found)
        yield [key for key in found if self._is_due(key, waits_of(key), horizons.overall)]
        for topics, timers in (*self._patient.items(), *self._asked.items()):
            found = timers.due(horizons.overall[topics], left)
            left -= len(found)
            yield found

    def _is_due(
        self, key: str, waits: Mapping[Topics, int] | None, horizons: Mapping[Topics, int]
    ) -> bool:
        """Whether an unseen subject is due by the topics that it waits for; if not, they will wake it."""
        if waits is None or any(at_ms <= horizons[topics] for topics, at_ms in waits.items()):
            return True
        for topics, at_ms in waits.items():
            self._patient[topics].set(key, at_ms)
        return False


def _shop_of(key: str) -> str:
    return key[2:].partition(":")[0]
