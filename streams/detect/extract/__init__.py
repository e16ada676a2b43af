"""From one decoded event to the facts that it adds, if any.

An event type without an entry adds none: it is still validated, counted and acknowledged.
Texts and personal data end here: facts hold neither.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from schemas import fast_types as ev
from streams.detect.extract import aftersales, people, talk, trade
from streams.detect.extract.promises import noticing_promises
from streams.detect.extract.times import to_ms
from streams.detect.facts import AnyFact

FACTS_OF: dict[type, Callable[[Any], Sequence[AnyFact]]] = {
    **trade.FACTS_OF,
    **aftersales.FACTS_OF,
    **people.FACTS_OF,
    **talk.FACTS_OF,
    ev.OrderCreated: noticing_promises(trade.FACTS_OF[ev.OrderCreated]),
}

__all__ = ["FACTS_OF", "to_ms"]
