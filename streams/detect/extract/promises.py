"""What an order that must leave soon is noticed by, beside everything else that it says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from schemas import fast_types as ev
from streams.detect import facts as f
from streams.detect.extract.times import deadline_ms, to_ms


def noticing_promises(
    placed: Callable[[ev.OrderCreated], Sequence[f.AnyFact]],
) -> Callable[[Any], Sequence[f.AnyFact]]:
    """`placed`, with a `PromisedSoon` more for an order that has one. Nearly no order pays for it."""

    def with_promise(e: ev.OrderCreated) -> Sequence[f.AnyFact]:
        found = placed(e)
        if e.ship_by is None:
            return found
        at_ms = to_ms(e.occurred_at)
        if not 0 < deadline_ms(e.ship_by) < at_ms + f.SOON_MS:
            return found
        return [*found, f.PromisedSoon(at_ms, e.event_id, e.order_id)]

    return with_promise
