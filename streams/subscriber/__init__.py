"""Alerts for other services: `AlertSubscriber` and what it takes. See docs/subscribe.md."""

from streams.subscriber.client import AlertSubscriber, BadAlert, HandlerGaveUpError, Retry, Stats
from streams.subscriber.filters import AlertFilter
from streams.subscriber.ledger import Ledger, MemoryLedger, SqliteLedger
from streams.subscriber.loop import RecordLoop
from streams.subscriber.shutdown import stop_on_signals
from streams.subscriber.source import KafkaSource, Record, Source

__all__ = [
    "AlertFilter",
    "AlertSubscriber",
    "BadAlert",
    "HandlerGaveUpError",
    "KafkaSource",
    "Ledger",
    "MemoryLedger",
    "Record",
    "RecordLoop",
    "Retry",
    "Source",
    "SqliteLedger",
    "Stats",
    "stop_on_signals",
]
