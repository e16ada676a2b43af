"""Detectors of second order read what others concluded about the same subject, after all of them.

They stay pure: their input is the facts and the episodes that these imply, never what was published. The
engine leaves out what is there only because facts were let go.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence, Set
from typing import ClassVar

from streams.detect.detector import Detector, Facts, R
from streams.detect.episodes import NOTHING, Episode, Verdict
from streams.detect.facts import AnyFact


class SecondOrder(Detector[R]):
    """Asked wherever there is any episode, and where a fact is that it has for a trigger, if it has any."""

    triggers: ClassVar[tuple[type[AnyFact], ...]] = ()

    def evaluate(self, facts: Facts, horizon_ms: int, rules: R) -> Verdict:
        """Nothing, for facts alone say nothing to it."""
        return NOTHING

    @abstractmethod
    def combine(
        self, facts: Facts, episodes: Sequence[Episode], horizon_ms: int, rules: R
    ) -> Verdict:
        """All episodes implied by those of the first order, and by the facts if it likes."""

    @abstractmethod
    def missing(self, running: Set[str], rules: R) -> Sequence[str]:
        """Detectors of which at least one more must run before it can say anything at all; none if it can."""
