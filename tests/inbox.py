"""What the tests of the inbox share: a clock that only they move, a PostgreSQL, a served console."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Self

import uvicorn
from sqlalchemy import Engine, func, select

from schemas.alerts import Alert
from streams.detect.detector import Wording, find_detectors
from streams.detect.rules import RuleSet, parse
from streams.inbox.banlist import Banlist, BanRequest, Proposal, Reminder
from streams.inbox.bans import Asking
from streams.inbox.board import Board
from streams.inbox.casebook import Casebook, CaseRequest, OpenRequest
from streams.inbox.console import Console, page_version
from streams.inbox.consumer import Health
from streams.inbox.database import open_database, upgrade
from streams.inbox.desk import Desk
from streams.inbox.intake import Accepted, Position, RefusedRecord, read
from streams.inbox.live import Live
from streams.inbox.metrics import InboxMetrics
from streams.inbox.models import Base
from streams.inbox.outbox import Outbox
from streams.inbox.retention import Retention
from streams.inbox.session import Gatekeeper
from streams.inbox.store import Store
from streams.inbox.turns import Teller
from streams.inbox.web import create_app
from streams.inbox.workflow import Channel, Label, StepRequest
from streams.rules import RulesFile, load_rules
from streams.settings import Settings
from tests.factories import alert_id, envelope, make_alert
from tests.pipeline import rules_document

NOW = datetime(2026, 11, 11, 12, 5, tzinfo=UTC)
# How long the inboxes of the tests remember what was handled.
KEEP = timedelta(days=400)
_offsets = itertools.count()


class Clock:
    """A wall clock that stands still until it is moved."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **delta: float) -> None:
        self.at += timedelta(**delta)


def record(alert: Alert) -> Accepted:
    """The alert as the consumer hands it to the store."""
    read_record = read(position(), envelope(alert).model_dump_json().encode())
    assert isinstance(read_record, Accepted)
    return read_record


def records(alerts: Iterable[Alert]) -> list[Accepted | RefusedRecord]:
    return [record(alert) for alert in alerts]


def position() -> Position:
    return Position("alerts", 0, next(_offsets))


def postgres_binaries(installed: Path = Path("/usr/lib/postgresql")) -> Path | None:
    """Where initdb and pg_ctl are, or None. Debian keeps them off the path, one folder a version."""
    found = list(installed.glob("*/bin/initdb"))
    if found:
        return max(found, key=lambda path: float(path.parts[-3])).parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


@contextmanager
def postgres(binaries: Path) -> Iterator[str]:
    """A PostgreSQL server of its own on a Unix socket; yields its URL."""
    # The path of a Unix socket may have about a hundred bytes, which a test directory exceeds.
    with tempfile.TemporaryDirectory(prefix="ow-pg-") as folder:
        home = Path(folder)
        data = home / "data"
        prefix: list[str] = []
        if os.geteuid() == 0:
            # The server refuses to run as root.
            shutil.chown(home, "postgres")
            prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]

        def run(*command: str) -> None:
            subprocess.run(
                [*prefix, *command], check=True, cwd=home, stdout=subprocess.DEVNULL, timeout=60
            )

        run(str(binaries / "initdb"), "-D", str(data), "-U", "ow", "-A", "trust", "-E", "UTF8")
        options = f"-c listen_addresses= -c unix_socket_directories={home} -c fsync=off"
        control = [str(binaries / "pg_ctl"), "-D", str(data), "-s", "-w", "-l", str(home / "log")]
        run(*control, "-o", options, "start")
        try:
            yield f"postgresql://ow@/postgres?host={home}"
        finally:
            run(*control, "-m", "immediate", "stop")


@cache
def _tables() -> bytes:
    """A file of SQLite with the tables of an inbox and nothing in them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inbox.db"
        engine = open_database(f"sqlite:///{path}")
        upgrade(engine)
        engine.dispose()
        return path.read_bytes()


def inbox_in(path: Path) -> Engine:
    """The inbox of a file, or an empty one, whose migrations run once a process: they take a while."""
    if not path.exists():
        path.write_bytes(_tables())
    return open_database(f"sqlite:///{path}")


def default_rules() -> RuleSet:
    """The default rules, for whoever may change them."""
    return parse(rules_document(), find_detectors())


def names_in(wording: Wording) -> list[tuple[str, str]]:
    """The title of a detector, and whatever else it has a name for."""
    title, *named = wording
    return [title, *(pair for names in named for pair in names.values())]


class Inbox:
    """A database, and the people and the pipeline that fill it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.clock = Clock()
        self.store = Store(engine, self.clock)
        rules = default_rules()
        self.desk = Desk(engine, rules, self.clock)
        self.casebook = Casebook(engine, self.clock)
        self.banlist = Banlist(engine, self.clock)
        self.reminder = Reminder(engine, self.clock)
        self.outbox = Outbox(engine, self.clock)
        self.board = Board(self.store, rules, self.clock)
        self.teller = Teller(engine, self.board, lambda: True, self.clock)
        self.metrics = InboxMetrics(self.store, self.board, self.clock)
        self.retention = Retention(engine, self.metrics, KEEP, self.clock)

    def add(self, *alerts: Alert) -> None:
        self.store.apply(records(alerts))

    def steps(self, key: str, *steps: str, **fields: object) -> None:
        for step in steps:
            detail = self.store.detail(alert_id(key))
            assert detail is not None
            version = detail.row.case.version
            done = self.desk.perform(
                StepRequest(
                    alert_id=alert_id(key),
                    step=step,  # type: ignore[arg-type]
                    request_id=f"{step}-{version}-{key}",
                    version=version,
                    **{"by": "李雷"}
                    | ({"label": Label.FALSE_POSITIVE} if step == "label" else {})
                    | fields,
                )
            )
            assert done.kind == "done"

    def handle(self, key: str) -> None:
        self.steps(key, "take", "label", "confirm")

    def file(self, key: str) -> None:
        self.steps(key, "take")
        self.steps(key, "contact", channel=Channel.PHONE)
        self.steps(key, "label", label=Label.WRONG_ADDRESS_UNREACHABLE)
        self.steps(key, "file", order_id="shop1-b42-o1")

    def complain(self, about: str, alert: str | None = None) -> str:
        one = alert_id(alert) if alert else None
        request = OpenRequest("异常拍下", "shop1", about, "", "李雷", f"open-{about}-1", one)
        return self.casebook.open(request)

    def drop(self, complaint: str) -> None:
        detail = self.casebook.detail(complaint)
        assert detail is not None
        request = CaseRequest(
            complaint, "drop", "李雷", f"drop-{complaint[:8]}", detail.row.version
        )
        assert self.casebook.perform(request).kind == "done"

    def propose(self, key: str, by: str = "李雷") -> str:
        """A ban on the grounds of an alert that somebody has confirmed; returns its id."""
        self.steps(key, "take", "label", label=Label.CONFIRMED_MALICIOUS)
        asking = Asking(by, are_told_apart=True)
        done = self.banlist.propose(Proposal(alert_id(key), "拍下不付款", asking, f"ban-of-{key}"))
        assert done.kind == "done"
        return str(done.ban_id)

    def ban(self, ban_id: str, *steps: str, by: str = "韩梅梅") -> None:
        for step in steps:
            detail = self.banlist.detail(ban_id)
            assert detail is not None
            version = detail.row.version
            request = BanRequest(
                ban_id,
                step,  # type: ignore[arg-type]
                Asking(by, are_told_apart=True),
                f"{step}-{version}-{ban_id[:8]}",
                version,
                note="核对过",
                is_confirmed=True,
            )
            assert self.banlist.perform(request).kind == "done"

    def today(self) -> None:
        """Something that happens today: the clock is believed, and no other revision is the newest."""
        at = self.clock()
        self.add(make_alert(f"today {at}", buyer="b9", orders=1, opened_at=at))

    def prune(self) -> Counter[str]:
        """All batches of one round."""
        self.today()
        found = Counter[str]()
        while batch := self.retention.prune():
            found += batch
        return found

    def has(self, *keys: str) -> list[bool]:
        return [self.store.detail(alert_id(key)) is not None for key in keys]

    def rows(self) -> dict[str, int]:
        """How many rows each table has that has any."""
        with self.engine.connect() as connection:
            counts = {
                name: connection.scalar(select(func.count()).select_from(table)) or 0
                for name, table in Base.metadata.tables.items()
            }
        return {name: count for name, count in counts.items() if count}


class Served:
    """A console on a loopback port, without Kafka: tests put alerts into its store themselves."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        token: str | None = None,
        *,
        is_tls_in_front: bool = False,
        rules_path: Path | None = None,
    ) -> None:
        engine = inbox_in(folder / "inbox.db")
        self.clock = clock
        self.health = Health(True)
        self.unchecked_since: datetime | None = None
        self.engine = engine
        self.store = Store(engine, clock)
        self.rules = load_rules(rules_path, find_detectors()) if rules_path else default_rules()
        self.desk = Desk(engine, self.rules, clock)
        self.rules_file = RulesFile(Settings(rules_path=rules_path), self.rules.become, clock)
        self.board = Board(self.store, self.rules, clock)
        self.casebook = Casebook(engine, clock)
        self.banlist = Banlist(engine, clock)
        self.metrics = InboxMetrics(self.store, self.board, clock)
        self.live = Live(lambda: page_version(self.store, self.health, self.unchecked_since))
        hosts = None if token else frozenset({"127.0.0.1"})
        app = create_app(
            Console(
                store=self.store,
                desk=self.desk,
                board=self.board,
                casebook=self.casebook,
                banlist=self.banlist,
                rules=self.rules,
                rules_file=self.rules_file,
                live=self.live,
                keeper=Gatekeeper(token, clock),
                metrics=self.metrics,
                consumer_health=lambda: self.health,
                unchecked_since=lambda: self.unchecked_since,
                now=clock,
                allowed_hosts=hosts,
                is_tls_in_front=is_tls_in_front,
            )
        )
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, access_log=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until(lambda: self._server.started)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(self, *_error: object) -> None:
        self.live.close()
        self._server.should_exit = True
        self._thread.join()
        self.engine.dispose()

    def add(self, *alerts: Alert) -> None:
        """Store alerts as the consumer does, and tell the open pages."""
        self.store.apply(records(alerts))
        self.live.announce()


# Reached only where something is wrong: a busy machine takes ten times as long as an idle one.
_DEADLINE_S = 120.0


def wait_until(condition: Callable[[], object]) -> None:
    """Return once the condition holds; fail when it does not within minutes."""
    end = time.monotonic() + _DEADLINE_S
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        time.sleep(0.01)
