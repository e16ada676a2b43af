"""From one revision of an alert to who is told of it: now, with others later, or not any more.

All of it happens in the transaction that marks the revision as handled. The trap: an alert of which
a channel has not heard yet is not told in pieces; what waits is judged anew with each revision, as
if the alert began as it is now.
"""

from __future__ import annotations

import sqlite3

from schemas.alerts import SEVERITIES, Alert, AlertChange
from schemas.outputs import TurnKind
from streams.notify import reminders, waiting
from streams.notify.outbox import put
from streams.notify.routes import ChannelConfig, Route, Routes, may_hear
from streams.notify.text import Language, is_over, render
from streams.notify.told import keep, told_about
from streams.notify.waiting import Held, Notice, Of, notice


def take(connection: sqlite3.Connection, routes: Routes, alert: Alert, now: float) -> None:
    """Enqueue the revision for its channels, or hold it there, in the caller's transaction."""
    told = told_about(connection, alert.alert_id)
    if told:
        keep(connection, alert.alert_id, now)
    wanting = routes.channels_for(alert, told)
    changes = dict.fromkeys(wanting, alert.change)
    for name, held in waiting.held_about(connection, alert.alert_id).items():
        if name in told:
            if name not in wanting and not _is_still_so(held, alert):
                waiting.drop(connection, name, alert.alert_id)
            continue
        as_before = alert.model_copy(update={"change": held.change})
        by = [] if is_over(alert) else routes.channels_for(as_before).get(name, [])
        if by:
            # For that it is told of, also where this revision alone would not be.
            changes[name] = held.change
            wanting[name] = list({one.name: one for one in by + wanting.get(name, [])}.values())
        elif is_over(alert) or name not in wanting:
            wanting.pop(name, None)
            waiting.drop(connection, name, alert.alert_id)
    for name, by in wanting.items():
        channel = routes.channels.get(name)
        heard = told[name].last if name in told else None
        item = notice(name, alert, render(alert, language_of(channel), heard))
        place = place_of(connection, channel, item, by, _loudness(alert), _kind(alert), now)
        tell_or_hold(connection, item, changes[name], place, now)
    for name in {*wanting, *reminders.reminded(connection, alert.alert_id)}:
        _plan_reminder(connection, routes, name, alert, now, is_told=name in wanting)


def _is_still_so(held: Held, alert: Alert) -> bool:
    """Whether what waits for a channel that heard of the alert before is what it should hear now."""
    is_same = alert.change == "updated" and SEVERITIES.index(alert.severity) == held.rank
    return is_same and may_hear(alert, has_heard=True)


def _loudness(alert: Alert) -> int:
    return SEVERITIES.index(alert.severity) if alert.status == "open" else -1


def _kind(alert: Alert) -> str:
    what = alert.severity if alert.status == "open" else "over"
    return f"{alert.shop_id} {alert.detector} {what}"


def tell_or_hold(
    connection: sqlite3.Connection,
    item: Notice,
    change: AlertChange | TurnKind,
    place: tuple[str, float] | None,
    now: float,
    of: Of | None = None,
) -> None:
    """Tell it now, or keep it in its `place`; what waited about the same goes."""
    if place is None:
        waiting.drop(connection, item.channel, item.alert_id)
        put(connection, [item], now)
    else:
        waiting.hold(connection, item, change, *place, now, of)


def place_of(
    connection: sqlite3.Connection,
    channel: ChannelConfig | None,
    item: Notice,
    by: list[Route],
    loudness: int,
    kind: str,
    now: float,
) -> tuple[str, float] | None:
    """The bucket in which it waits, and until when at most; None when it is told now.

    `kind` is that of its group.
    """
    # If any route tells it now, it is told now; of several digests the next one tells it.
    digests = [(one.digest.next_after(now), one.name) for one in by if one.digest is not None]
    if len(digests) == len(by):
        until, route = min(digests)
        return f"{waiting.DIGEST} {route}", until
    # Nobody is woken by the console, and it is read as a log.
    if channel is None:
        return None
    if channel.quiet is not None and loudness < channel.quiet.least_loudness(now):
        # Until the channel is asked and not quiet, which needs no time.
        return waiting.QUIET, now
    if channel.group_s == 0:
        return None
    bucket = f"{waiting.GROUP} {kind}"
    window_end = waiting.window_end(connection, item.channel, bucket, channel.group_s, now)
    return (bucket, window_end) if window_end is not None else None


def _plan_reminder(
    connection: sqlite3.Connection,
    routes: Routes,
    name: str,
    alert: Alert,
    now: float,
    *,
    is_told: bool,
) -> None:
    route = routes.repeating(alert, name)
    if route is None or route.repeat_s is None:
        reminders.cancel(connection, name, alert.alert_id)
        return
    item = notice(name, alert, render(alert, language_of(routes.channels.get(name))))
    if is_told:
        reminders.remind(connection, item, route.repeat_s, route.repeat_times, now)
    else:
        reminders.refresh(connection, item)


def language_of(channel: ChannelConfig | None) -> Language:
    """The language of a channel; None is the console."""
    return channel.language if channel is not None else "both"
