"""What `orderwatch doctor` examines, each finding with its cure; it makes nothing, on no disk and no broker.

A check says `ok`, `failed`, `warning` for what may be as it should in this shop, or `skipped` when it
could not be made (a service that is not on this machine, or anything behind a broker that does not
answer). What a service refuses to start for is found by calling what the service calls; a second opinion
here would differ from it some day.
"""

from __future__ import annotations

import shutil
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kafka.errors import KafkaError

from schemas.topics import INPUT_TOPICS
from streams.cli import NO_ROOM
from streams.detect.detector import Detector, find_detectors
from streams.errors import OrderwatchError
from streams.identities import KEY_FILE, disposable_phones, identity_key
from streams.inbox.database import file_of, open_database
from streams.inbox.service import checked_token
from streams.kafka import clients, deadletters, reading, topics
from streams.notify.routes import load_routes
from streams.notify.service import open_channels
from streams.rules import chosen_detectors, load_rules, refuse_idle
from streams.settings import Settings

MIN_FREE_BYTES = 200 * 1024 * 1024
HTTP_TIMEOUT_S = 3.0
# A day has the input of every hour; letters that wait longer are in `dlq list`.
LATELY_S = 24 * 3600
# So many are read within a second or so, and tell as well as all of them what is to be mended.
NEWEST_LETTERS = 1_000
_KINDS_NAMED = 5
# As long as D31 counts disputes; shops that have some have them again, so the newest tell as well as all.
DISPUTES_S = 30 * 24 * 3600
NEWEST_DISPUTES = 200
_SHOPS_NAMED = 5
# Topic and reason of a letter are headers, anybody's text.
_LONGEST_NAME = 40
START_BROKER = (
    "Start Kafka (docker compose up, or `orderwatch demo`), or set ORDERWATCH_BOOTSTRAP_SERVERS."
)
DETECTORS_CURE = "Correct ORDERWATCH_DETECTORS, or unset it to run all detectors."
RULES_CURE = "Correct the file, or unset ORDERWATCH_RULES_PATH; `orderwatch rules check` helps."
IDENTITY_KEY_CURE = (
    "Set ORDERWATCH_IDENTITY_KEY to what `openssl rand -hex 24` prints, the same for all workers; or "
    "unset it, and one is made in ORDERWATCH_DATA_DIR. Workers refuse state written under another key."
)
PHONES_CURE = "Correct ORDERWATCH_DISPOSABLE_PHONES_PATH or its file, or unset it."
ROUTES_CURE = "Correct the file or ORDERWATCH_NOTIFY_ROUTES_PATH; docs/notify.md has every key."
TOKEN_CURE = "Set ORDERWATCH_INBOX_AUTH_TOKEN to what `openssl rand -hex 24` prints."
LETTERS_CURE = (
    "See why with `orderwatch dlq list` and `dlq show`; mend the sender and let it send those events again, "
    "or `dlq replay` them where docs/operations.md says so."
)
DISPUTES_CURE = (
    "Set shops: {SHOP: {D31: {orders_per_window: N}}} in the rules (docs/detectors/D31.md); "
    "`orderwatch replay --shop-sizes` counts the orders in files."
)
# What silence looks like to those who believe it: in general, and by detector.
_LOOKS_LIKE: dict[str, tuple[str, dict[str, str]]] = {
    "payments": ("every order looks unpaid", {"D01": "D01 would accuse honest buyers"}),
    "shipments": (
        "nothing looks shipped",
        {"D34": "D34 would call paid orders late", "D10": "D10 finds no false claim"},
    ),
}
_SEND = {
    "payments": "Send all payments, also of orders that are free or paid later (docs/connect.md), and "
    "believe no alert about unpaid orders before.",
    "shipments": "Send all shipments; or set concludes_from_silence of D34 to false in the rules, if "
    "nobody will. Where nothing was shipped in that time, there is nothing to do.",
}
ROOM_CURE = "Free some space, or choose another disk."
DIRECTORY_CURE = "Set ORDERWATCH_DATA_DIR to a directory that this user may write to."
NO_DIRECTORY_CURE = "If a service has run here before, correct ORDERWATCH_DATA_DIR."
NO_DATABASE_CURE = "If the inbox has run here before, correct ORDERWATCH_DATABASE_URL."
DATABASE_CURE = "Set ORDERWATCH_DATABASE_URL to sqlite:///FILE or postgresql://USER@HOST/NAME."


@dataclass(frozen=True)
class Check:
    """One finding. `cure` is empty when nothing needs to be done."""

    name: str
    status: Literal["ok", "warning", "failed", "skipped"]
    found: str
    cure: str = ""

    def as_dict(self) -> dict[str, str]:
        """The finding for a program."""
        return {"check": self.name, "status": self.status, "found": self.found, "cure": self.cure}


def examine(settings: Settings) -> list[Check]:
    """All checks, in the order in which their cures should be applied."""
    checks = [
        Check("settings", "ok", "every ORDERWATCH_… variable is known and valid"),
        _disk(settings),
        *_detection(settings),
        _tried("notify routes", lambda: _routes(settings), ROUTES_CURE),
        _tried("inbox token", lambda: _token(settings), TOKEN_CURE),
        _database(settings),
    ]
    checks.extend(_broker(settings))
    checks.append(_http("worker", settings.web_host, settings.web_port, "/readyz"))
    checks.append(_http("inbox", settings.inbox_host, settings.inbox_port, "/readyz"))
    return checks


def _tried(name: str, attempt: Callable[[], str], cure: str) -> Check:
    """`ok` with what the attempt says, or `failed` with why a service would not start."""
    try:
        return Check(name, "ok", attempt())
    except OrderwatchError as error:
        return Check(name, "failed", str(error), cure)
    except OSError as error:
        return Check(name, "failed", f"{error.filename}: {error.strerror or error}", cure)


def _detection(settings: Settings) -> Iterator[Check]:
    """What the worker needs to build its engine, one check for each setting that may be wrong."""
    yield _tried("detectors", lambda: _detectors(settings), DETECTORS_CURE)
    yield _tried("rules", lambda: _rules(settings), RULES_CURE)
    if not _reads_receivers(settings):
        return
    yield _tried("identity key", lambda: _identity_key(settings), IDENTITY_KEY_CURE)
    yield _tried("disposable phones", lambda: _phones(settings), PHONES_CURE)


def _chosen(settings: Settings) -> Sequence[Detector[Any]]:
    return chosen_detectors(settings.detectors, find_detectors())


def _detectors(settings: Settings) -> str:
    chosen = _chosen(settings)
    said = f"{len({detector.id for detector in chosen})} run"
    try:
        rules = load_rules(settings.rules_path, find_detectors())
    except OrderwatchError:
        # The next check says so.
        return said
    refuse_idle(chosen, rules)
    return said


def _reads_receivers(settings: Settings) -> bool:
    """Whether key and phones are read at all; yes when nobody can say which detectors run."""
    try:
        return any(detector.reads_receivers for detector in _chosen(settings))
    except OrderwatchError:
        return True


def _rules(settings: Settings) -> str:
    load_rules(settings.rules_path, find_detectors())
    return str(settings.rules_path or "the rules that ship with orderwatch")


def _identity_key(settings: Settings) -> str:
    if settings.identity_key is None and not (settings.data_dir / KEY_FILE).exists():
        return f"none yet; the first worker makes one in {settings.data_dir}"
    identity_key(settings)
    return "ORDERWATCH_IDENTITY_KEY" if settings.identity_key else f"kept in {settings.data_dir}"


def _phones(settings: Settings) -> str:
    count = len(disposable_phones(settings.disposable_phones_path))
    return f"{count} numbers" if settings.disposable_phones_path else "no list is set"


def _routes(settings: Settings) -> str:
    channels = open_channels(load_routes(settings))
    return f"to {', '.join(channels)}"


def _token(settings: Settings) -> str:
    return "is asked for" if checked_token(settings) else "none: only this machine is served"


def _database(settings: Settings) -> Check:
    name = "inbox database"
    try:
        url = open_database(settings.database_url).url
        # Not the whole URL, which may hold a password.
        found = f"{url.get_backend_name()}: {url.database}"
        file = file_of(url)
        if file is None or file.exists():
            return Check(name, "ok", found)
        nearest = _nearest(file.parent)
    except OrderwatchError as error:
        return Check(name, "failed", str(error), DATABASE_CURE)
    except OSError as error:
        return Check(name, "failed", f"{error.filename}: {error.strerror}", DATABASE_CURE)
    if not nearest.is_dir():
        return Check(name, "failed", f"{nearest} is no directory", DATABASE_CURE)
    return Check(name, "warning", f"{found} does not exist; the inbox makes it", NO_DATABASE_CURE)


def _nearest(directory: Path) -> Path:
    """The directory, or where it would be made: a look makes nothing, of a misspelt name neither."""
    found = directory.absolute()
    while not found.exists():
        found = found.parent
    return found


def _disk(settings: Settings) -> Check:
    directory = settings.data_dir
    try:
        nearest = _nearest(directory)
        with tempfile.TemporaryFile(dir=nearest) as probe:
            probe.write(b"x")
        free_bytes = shutil.disk_usage(nearest).free
    except OSError as error:
        cure = ROOM_CURE if error.errno in NO_ROOM else DIRECTORY_CURE
        return Check("data directory", "failed", f"{directory}: {error.strerror or error}", cure)
    found = f"{directory}: writable, {free_bytes // 2**20} MiB free"
    if free_bytes < MIN_FREE_BYTES:
        return Check("data directory", "failed", found, ROOM_CURE)
    if nearest != directory.absolute():
        found = f"{directory} does not exist; the first service makes it"
        return Check("data directory", "warning", found, NO_DIRECTORY_CURE)
    return Check("data directory", "ok", found)


def _broker(settings: Settings) -> Iterator[Check]:
    try:
        client = clients.admin(settings)
    except OrderwatchError as error:
        yield Check("broker", "failed", str(error), START_BROKER)
        for name in (
            "topics",
            "co-partitioning",
            "event times",
            "dead letters",
            "input",
            "disputes",
        ):
            yield Check(name, "skipped", "needs the broker")
        return
    try:
        cluster = client.describe_cluster()
        nodes = [broker["broker_id"] for broker in cluster["brokers"]]
        version = client.get_broker_version_data(nodes[0]).broker_version
        known_as = ".".join(map(str, version))
        yield Check(
            "broker",
            "ok",
            f"{settings.bootstrap_servers}: {len(nodes)} node(s), protocol of {known_as}",
        )
    except KafkaError as error:
        yield Check("broker", "failed", f"{type(error).__name__}: {error}", START_BROKER)
    finally:
        client.close()
    try:
        rows = topics.listing(settings)
        yield _topics(rows)
        yield _co_partitioning(rows)
        yield _event_times(settings, rows)
        yield _asked("dead letters", lambda: _dead_letters(settings))
        yield _asked("input", lambda: _input(settings))
        yield _asked("disputes", lambda: _disputes(settings))
    except OrderwatchError as error:
        yield Check("topics", "failed", str(error), "Check the rights of the account.")


def _topics(rows: list[topics.Row]) -> Check:
    wrong = [row for row in rows if row.action != "ok"]
    if not wrong:
        return Check("topics", "ok", f"{len(rows)} as in the registry")
    found = "; ".join(f"{row.wanted.name}: {row.action} ({row.detail})" for row in wrong[:5])
    more = f"; and {len(wrong) - 5} more" if len(wrong) > 5 else ""
    cure = "Run `orderwatch topics apply`"
    if any(row.action == "blocked" for row in wrong):
        cure = topics.BLOCKED_CURE
    elif any(row.action == "drift" for row in wrong):
        cure += ", with --fix for what differs"
    return Check("topics", "failed", found + more, cure.removesuffix(".") + ".")


def _co_partitioning(rows: list[topics.Row]) -> Check:
    """Topics that are read together by key must have the same number of partitions."""
    counts: dict[str, dict[int, list[str]]] = {}
    for row in rows:
        kind = row.wanted.topic.partitions
        if isinstance(kind, str) and row.found is not None:
            counts.setdefault(kind, {}).setdefault(row.found.partitions, []).append(row.wanted.name)
    broken = {kind: numbers for kind, numbers in counts.items() if len(numbers) > 1}
    if not broken:
        found = ", ".join(f"{kind}: {next(iter(numbers))}" for kind, numbers in counts.items())
        return Check("co-partitioning", "ok", found or "no keyed topic exists yet")
    found = "; ".join(
        f"{number} partitions: {', '.join(names)}"
        for numbers in broken.values()
        for number, names in sorted(numbers.items())
    )
    return Check("co-partitioning", "failed", found, topics.BLOCKED_CURE)


def _event_times(settings: Settings, rows: list[topics.Row]) -> Check:
    """Look for events from the future: the one clock fault that a client can see from outside.

    A broker tells its own time to nobody, so this compares what producers wrote with this machine.
    """
    present = [row.wanted.topic.name for row in rows if row.found is not None]
    after_ms = int((time.time() + settings.max_future_s) * 1000)
    with closing(clients.consumer(settings)) as client:
        partitions = [
            partition
            for name in INPUT_TOPICS
            if name in present
            for partition in reading.partitions(settings, client, name)
        ]
        try:
            found = client.offsets_for_times(dict.fromkeys(partitions, after_ms))
        except KafkaError as error:
            return Check("event times", "skipped", f"the broker cannot look up times ({error})")
    later = {partition: at for partition, at in found.items() if at is not None}
    if any(at.timestamp < after_ms for at in later.values()):
        # The embedded broker looks up when records arrived, and answers where there is none.
        return Check("event times", "skipped", "this broker cannot look up event times")
    ahead = sorted(f"{p.topic}[{p.partition}]@{at.offset}" for p, at in later.items())
    if not ahead:
        return Check("event times", "ok", f"no event is more than {settings.max_future_s} s ahead")
    cure = "Set the clock of the producer, or of this machine (NTP); see the records with `tail`."
    return Check("event times", "failed", f"from the future: {', '.join(ahead[:5])}", cure)


def _asked(name: str, ask: Callable[[], Check]) -> Check:
    """The check, or `skipped` with why the topics cannot be asked: one is missing, or a right is."""
    try:
        return ask()
    except OrderwatchError as error:
        return Check(name, "skipped", str(error))


def _since_ms() -> int:
    return int((time.time() - LATELY_S) * 1000)


def _dead_letters(settings: Settings) -> Check:
    """What workers have refused within a day and nobody has sent back."""
    since_ms = _since_ms()
    contents = deadletters.read_newest(settings, since_ms, NEWEST_LETTERS)
    kinds = [
        (": ".join(deadletters.shortened(name, _LONGEST_NAME) for name in (topic, reason)), waiting)
        for topic, reason, _, waiting in contents.counts()
        if waiting
    ]
    read = f", of the newest {contents.records}" if contents.records >= NEWEST_LETTERS else ""
    if not kinds:
        kept = reading.arrivals(settings, (deadletters.TOPIC,), since_ms)[deadletters.TOPIC]
        older = "; older ones are in `orderwatch dlq list`" if kept == "before" else ""
        return Check("dead letters", "ok", f"none waits of the last 24 hours{read}{older}")
    total = sum(waiting for _, waiting in kinds)
    said = ", ".join(f"{waiting} × {kind}" for kind, waiting in kinds[:_KINDS_NAMED])
    more = f", and {len(kinds) - _KINDS_NAMED} more kinds" if len(kinds) > _KINDS_NAMED else ""
    found = f"waiting of the last 24 hours{read}: {total} ({said}{more})"
    return Check("dead letters", "warning", found, LETTERS_CURE)


def _input(settings: Settings) -> Check:
    """Whether there is also what gives silence a meaning, where orders come."""
    found = reading.arrivals(settings, ("orders", *_LOOKS_LIKE), _since_ms())
    if found["orders"] == "none":
        return Check("input", "skipped", "no orders yet, or the broker keeps none of them any more")
    if found["orders"] == "before":
        return Check("input", "skipped", "no orders of the last 24 hours, so nothing is missed")
    believers = _believers(settings)
    missed = [name for name in believers if believers[name] and found[name] != "since"]
    if not missed:
        came = ", ".join(name for name, arrival in found.items() if arrival == "since")
        return Check("input", "ok", f"of the last 24 hours there are {came}")
    said = "; ".join(_missed(name, found[name], believers[name]) for name in missed)
    cure = " ".join(_SEND[name] for name in missed)
    return Check("input", "warning", f"of the last 24 hours there are orders, but {said}", cure)


def _disputes(settings: Settings) -> Check:
    """Whether the number of orders is known wherever disputes come: without it D31 only ever informs."""
    if all(detector.id != "D31" for detector in _chosen(settings)):
        return Check("disputes", "skipped", "D31 does not run")
    rules = load_rules(settings.rules_path, find_detectors())
    since_ms = int((time.time() - DISPUTES_S) * 1000)
    keys = {r.key or b"" for r in reading.newest(settings, "disputes", since_ms, NEWEST_DISPUTES)}
    shops = {key.partition(b":")[0].decode(errors="replace") for key in keys}
    if not shops:
        return Check("disputes", "ok", "none of the last 30 days")
    uncounted = sorted(
        shop for shop in shops if not getattr(rules.of(shop)["D31"].block, "orders_per_window", 0)
    )
    if not uncounted:
        return Check("disputes", "ok", "orders_per_window is set wherever disputes come")
    named = ", ".join(deadletters.shortened(s, _LONGEST_NAME) for s in uncounted[:_SHOPS_NAMED])
    more = f" and {len(uncounted) - _SHOPS_NAMED} more" if len(uncounted) > _SHOPS_NAMED else ""
    found = f"D31 knows no rate and only informs, for orders_per_window is 0: {named}{more}"
    return Check("disputes", "warning", found, DISPUTES_CURE)


def _believers(settings: Settings) -> dict[str, set[str]]:
    """By topic the detectors that take its silence for what did not happen."""
    chosen = _chosen(settings)
    believers = {name: {d.id for d in chosen if name in d.topics} for name in _LOOKS_LIKE}
    block = load_rules(settings.rules_path, find_detectors()).of("")["D34"].block
    if not getattr(block, "concludes_from_silence", True):
        # That is how a shop says that its shipments are not told.
        believers["shipments"] = set()
    return believers


def _missed(name: str, arrival: reading.Arrival, believers: set[str]) -> str:
    looks, by_detector = _LOOKS_LIKE[name]
    older = " (older ones are kept)" if arrival == "before" else ""
    told = [text for detector, text in by_detector.items() if detector in believers]
    return f"no {name}{older}: {', '.join([looks, *told])}"


def _http(name: str, host: str, port: int, path: str) -> Check:
    url = f"http://{host}:{port}{path}"
    try:
        with urllib.request.urlopen(url, timeout=HTTP_TIMEOUT_S) as answer:
            return Check(name, "ok", f"{url} answers {answer.status}")
    except urllib.error.HTTPError as error:
        with error:
            if error.code in (401, 403):
                return Check(name, "ok", f"{url} answers {error.code}: it asks for its token")
            return Check(name, "failed", f"{url} answers {error.code}", f"See the log of {name}.")
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ConnectionRefusedError):
            return Check(name, "skipped", f"does not run here ({url})")
        return Check(name, "failed", f"{url}: {reason}", f"See the log of {name}; restart it.")
