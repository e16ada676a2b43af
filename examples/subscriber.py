"""A service that follows bursts of unpaid orders: each revision of an alert once, also after a crash.

Run it beside a broker with `python examples/subscriber.py`; ctrl-c stops it.
"""

from __future__ import annotations

import sys

from schemas.alerts import AlertEnvelope
from streams.errors import OrderwatchError
from streams.settings import load_settings
from streams.subscriber import AlertFilter, AlertSubscriber, stop_on_signals


def handle(envelope: AlertEnvelope) -> None:
    """Do the service's own work; an alert whose handler raised is given again."""
    alert = envelope.data
    print(f"{alert.detector} {alert.change} {alert.subject.id}: {alert.summary.zh}", flush=True)


def main() -> int:
    """Read the settings from ORDERWATCH_… variables, work until stopped, and give the exit code."""
    bursts = AlertFilter(detectors=frozenset({"D01", "D03"}))
    try:
        subscriber = AlertSubscriber.connect(load_settings(), "example-service", where=bursts)
        with subscriber, stop_on_signals(subscriber.stop):
            subscriber.run(handle)
    except OrderwatchError as error:
        # 2: a setting is wrong. 3: no broker, or the handler gave up; whoever starts us may try again.
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"{subscriber.stats}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
