"""A service that reacts to critical alerts, each revision once, also after a crash.

Run it beside a broker with `python examples/subscriber.py`; ctrl-c stops it.
"""

from __future__ import annotations

from schemas.alerts import AlertEnvelope
from streams.settings import load_settings
from streams.subscriber import AlertFilter, AlertSubscriber, stop_on_signals


def handle(envelope: AlertEnvelope) -> None:
    """Do the service's own work; an alert whose handler raised is given again."""
    alert = envelope.data
    print(f"{alert.detector} {alert.change} {alert.subject.id}: {alert.summary.zh}", flush=True)


def main() -> None:
    """Read the settings from ORDERWATCH_… variables and work until stopped."""
    critical = AlertFilter(min_severity="critical")
    subscriber = AlertSubscriber.connect(load_settings(), "example-service", where=critical)
    with subscriber, stop_on_signals(subscriber.stop):
        subscriber.run(handle)
    print(f"{subscriber.stats}")


if __name__ == "__main__":
    main()
