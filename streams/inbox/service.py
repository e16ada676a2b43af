"""`orderwatch inbox`: database, web server in the main thread; the consumer and the loops beside it.

It refuses to listen beyond this machine without a token. When the consumer ends by a bug, the server
stops too: a console that silently receives nothing is worse than none.
"""

from __future__ import annotations

import ipaddress
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI

from streams.detect.detector import find_detectors
from streams.errors import ConfigurationError
from streams.inbox.banlist import Banlist, Reminder
from streams.inbox.board import Board
from streams.inbox.casebook import Casebook
from streams.inbox.console import Console, page_version
from streams.inbox.consumer import AlertSource, Consumer, KafkaAlertSource, is_behind
from streams.inbox.database import open_database, upgrade
from streams.inbox.desk import Desk
from streams.inbox.detection import Detection, KafkaGroup
from streams.inbox.live import Live
from streams.inbox.metrics import InboxMetrics
from streams.inbox.outbox import Outbox, Sender
from streams.inbox.retention import Retention
from streams.inbox.session import Gatekeeper
from streams.inbox.store import Store
from streams.inbox.turns import Teller
from streams.inbox.web import create_app
from streams.kafka.publisher import KafkaPublisher
from streams.rules import RulesFile, load_rules
from streams.service.background import Background
from streams.service.logs import configure_logging
from streams.service.serving import Address, address_of, cannot_listen, require_free
from streams.settings import Settings

log = structlog.get_logger(__name__)

_MIN_TOKEN = 16
_STOP_GRACE_S = 5
# The batch in hand, a probe of a broker that is away, then leaving the group.
_LEAVE_GROUP_S = 20
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises ConfigurationError before anything is opened, TransientError when the database is away,
    RefusedFloodError when the topic holds something else than alerts.
    """
    configure_logging(settings)
    token = checked_token(settings)
    # Before the rules are loaded from it: what changes in between is noticed.
    rules_file = RulesFile(settings, lambda found: rules.become(found))
    rules = load_rules(settings.rules_path, find_detectors())
    address = address_of(settings, "inbox_host", "inbox_port")
    require_free(address)
    engine = open_database(settings.database_url)
    try:
        upgrade(engine)
        store = Store(engine, _now)
        live = Live(lambda: page_version(store, consumer.health(), detection.unchecked_since()))
        board = Board(store, rules, _now)
        metrics = InboxMetrics(store, board, _now)

        def connect() -> AlertSource:
            is_anew = is_behind(settings, store.read_to)
            if is_anew:
                log.warning(
                    "inbox_reads_anew", reason="the group has read more than the database has"
                )
            return KafkaAlertSource(settings, metrics.passed_over, is_anew=is_anew)

        consumer = Consumer(
            connect=connect,
            store=store,
            metrics=metrics,
            on_stored=live.announce,
            max_refused_share=settings.dead_letter_max_share,
        )
        detection = Detection(
            KafkaGroup(settings),
            lambda: consumer.health().is_ready,
            _now,
            settings.commit_interval_s,
        )
        app = create_app(
            Console(
                store=store,
                desk=Desk(engine, rules, _now),
                board=board,
                casebook=Casebook(engine, _now),
                banlist=Banlist(engine, _now),
                rules=rules,
                rules_file=rules_file,
                live=live,
                keeper=Gatekeeper(token, _now),
                metrics=metrics,
                consumer_health=consumer.health,
                unchecked_since=detection.unchecked_since,
                now=_now,
                allowed_hosts=allowed_hosts(settings, token),
                # Browsers share cookies between the ports of a host.
                cookie=f"orderwatch_{settings.inbox_port}",
                is_tls_in_front=is_tls_expected(settings),
            )
        )
        sender = Sender(Outbox(engine, _now), lambda: KafkaPublisher(settings), metrics)
        keep = timedelta(days=settings.inbox_retention_days)
        retention = Retention(engine, metrics, keep, _now)
        metrics.rules_refused.set_function(lambda: float(rules_file.is_refused))
        steps = {
            "inbox-sender": sender.step,
            "inbox-detection": detection.step,
            "inbox-retention": retention.step,
            "inbox-rules": rules_file.look,
            "inbox-bans": Reminder(engine, _now).step,
            "inbox-turns": Teller(engine, board, consumer.has_caught_up, _now).step,
        }
        try:
            _serve(address, app, consumer, live, steps)
        finally:
            sender.close()
    finally:
        engine.dispose()


def checked_token(settings: Settings) -> str | None:
    """The token, if any. Raises ConfigurationError when one is needed and missing, or is weak."""
    secret = settings.inbox_auth_token
    token = secret.get_secret_value() if secret else None
    if token is None and not is_loopback(settings.inbox_host):
        raise ConfigurationError(
            f"ORDERWATCH_INBOX_HOST is {settings.inbox_host!r}, which others can reach: "
            "set ORDERWATCH_INBOX_AUTH_TOKEN to a random secret, or listen on 127.0.0.1."
        )
    if token is not None and (len(token) < _MIN_TOKEN or not token.isascii()):
        raise ConfigurationError(
            f"ORDERWATCH_INBOX_AUTH_TOKEN is too weak: expected at least {_MIN_TOKEN} ASCII "
            "characters, for example from `openssl rand -hex 24`."
        )
    return token


def is_tls_expected(settings: Settings) -> bool:
    """Whether TLS has to end in front of the console: a token must not cross a network in clear."""
    return settings.inbox_auth_token is not None and not is_loopback(settings.inbox_host)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server bound to `host`. An unknown name counts as no."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def allowed_hosts(settings: Settings, token: str | None) -> frozenset[str] | None:
    """The names by which a console without a token may be addressed; None for any."""
    if token is not None:
        return None
    host = settings.inbox_host
    return frozenset({"localhost", "127.0.0.1", "[::1]", f"[{host}]" if ":" in host else host})


class _Server(uvicorn.Server):
    """uvicorn's server, which says that it serves once it does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen; uvicorn raises SystemExit from here when it cannot."""
        await super().startup(sockets)
        log.info("inbox_serving", host=self.config.host, port=self.config.port)


def _serve(
    address: Address,
    app: FastAPI,
    consumer: Consumer,
    live: Live,
    steps: Mapping[str, Callable[[], float]],
) -> None:
    """Serve until a signal or a failure; `steps` run beside it, each again and again."""
    server = _Server(
        uvicorn.Config(
            app,
            host=address.host,
            port=address.port,
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=_STOP_GRACE_S,
            server_header=False,
        )
    )
    failures: list[BaseException] = []

    def end() -> None:
        live.close()
        server.should_exit = True

    def consume() -> None:
        try:
            consumer.run()
        except BaseException as error:
            failures.append(error)
            end()

    thread = threading.Thread(target=consume, name="inbox-consumer", daemon=True)
    with _quiet_signals(), Background(on_failure=end) as background:
        thread.start()
        for name, step in steps.items():
            background.start(name, step)
        try:
            # uvicorn raises SystemExit, with a code of its own, when somebody was faster at the port.
            with suppress(KeyboardInterrupt, SystemExit):
                server.run()
        finally:
            consumer.stop()
            thread.join(_LEAVE_GROUP_S if consumer.has_connected else 0)
    if failures:
        raise failures[0]
    if not server.started:
        raise cannot_listen(address, "the web server says why, above")


@contextmanager
def _quiet_signals() -> Iterator[None]:
    """Let a signal that the server has already obeyed end quietly.

    uvicorn raises the signal again when it has stopped. With the default handlers that would end
    the process before the consumer has left its group.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def nothing(_number: int, _frame: FrameType | None) -> None:
        return None

    before = {number: signal.signal(number, nothing) for number in _STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _now() -> datetime:
    return datetime.now(UTC)
