"""What other rules would have said of the same events: the final alerts of two replays, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from schemas.alerts import Alert

# Only under the first rules, only under the others, or under both and not as severe or not as open.
Kind = Literal["new", "gone", "changed"]


class Difference(NamedTuple):
    """One alert that the two do not have alike: as the one has it, and as the other does."""

    kind: Kind
    alert: Alert
    was: Alert | None = None


def compare(now: Sequence[Alert], before: Sequence[Alert]) -> list[Difference]:
    """What differs between the standing alerts of two replays, by their ids, in the order of `now`.

    An alert whose first event is another under the other rules has another id: it is gone and new.
    """
    old = {alert.alert_id: alert for alert in before}
    found = []
    for alert in now:
        was = old.pop(alert.alert_id, None)
        if was is None:
            found.append(Difference("new", alert))
        elif (was.severity, was.status, was.suppressed_by) != (
            alert.severity,
            alert.status,
            alert.suppressed_by,
        ):
            found.append(Difference("changed", alert, was))
    return [*found, *(Difference("gone", alert) for alert in old.values())]
