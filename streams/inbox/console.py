"""What the pages of the inbox work with, put together once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from streams.detect.rules import RuleSet
from streams.inbox.banlist import Banlist
from streams.inbox.board import Board
from streams.inbox.casebook import Casebook
from streams.inbox.consumer import Health
from streams.inbox.desk import Desk
from streams.inbox.live import Live
from streams.inbox.metrics import InboxMetrics
from streams.inbox.session import Gatekeeper
from streams.inbox.store import Store
from streams.rules import RulesFile


@dataclass(frozen=True)
class Console:
    """What the pages need, made by `service` or by a test."""

    store: Store
    desk: Desk
    board: Board
    casebook: Casebook
    banlist: Banlist
    rules: RuleSet
    rules_file: RulesFile
    live: Live
    keeper: Gatekeeper
    metrics: InboxMetrics
    consumer_health: Callable[[], Health]
    unchecked_since: Callable[[], datetime | None]
    now: Callable[[], datetime]
    allowed_hosts: frozenset[str] | None
    cookie: str = "orderwatch_session"
    is_tls_in_front: bool = False


def page_version(store: Store, health: Health, unchecked_since: datetime | None) -> str:
    """A word that changes whenever an open page has: what is stored, and whether more is to come."""
    return f"{store.version()}.{health.is_ready}.{unchecked_since}"
