"""The episodes that a complete history implies, computed in DuckDB straight from the docs pages.

Must not import `streams.detect`: it is worth something only while it shares no code with it.
Facts later than the horizon count like any other; the horizon only bounds what silence proves.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import duckdb
import orjson

_HERE = Path(__file__).parent
# What only some queries read, loaded for the first that names anything it makes: of a tiny history hardly
# anything else costs time.
_LAYERS = ("seller_facts.sql", "identities.sql", "doubts.sql")
_MADE = re.compile(r"^CREATE (?:TEMP )?(?:TABLE|VIEW|MACRO) (\w+)", re.MULTILINE)
_DAY_S = 86_400

# The thresholds of docs/detectors; a share is a string, because a float would move its boundary.
DEFAULTS: Mapping[str, Mapping[str, int | str]] = {
    "D01": {
        "grace_s": 180,
        "huge_grace_s": 30,
        "huge_order_units": 200,
        "failed_payment_grace_s": 1800,
        "window_s": 1800,
        "warn_orders": 5,
        "warn_units": 50,
        "critical_orders": 10,
        "critical_units": 200,
        "cooldown_s": _DAY_S,
        "resolve_paid_share": "0.8",
        "close_s": 3 * _DAY_S,
    },
    "D02": {
        "held_share_percent": 50,
        "min_held_units": 5,
        "sustain_s": 300,
        "close_s": 3 * _DAY_S,
        "tell_units": 5,
        "tell_after_s": 180,
    },
    "D03": {
        "window_s": 7200,
        "grace_s": 180,
        "weak_grace_s": 1800,
        "failed_payment_grace_s": 1800,
        "min_buyers": 3,
        "warn_orders": 5,
        "warn_units": 50,
        "critical_orders": 10,
        "critical_units": 200,
        "link_gap_s": _DAY_S,
        "hub_paying_buyers": 5,
        "established_paid_orders": 1,
        "established_payer_orders": 3,
        "cooldown_s": _DAY_S,
        "resolve_paid_share": "0.8",
        "close_s": 3 * _DAY_S,
    },
    "D05": {"failed_contacts": 2, "identity_signs": 1, "expire_after_s": 14 * _DAY_S},
    "D06": {"warn_signs": 2, "large_units": 20, "expire_after_s": 30 * _DAY_S},
    "D07": {
        "min_units": 20,
        "item_median_units": 1,
        "times_median": 10,
        "min_amount_minor": 100_000,
        "old_account_s": 90 * _DAY_S,
        "expire_after_s": 15 * _DAY_S,
    },
    "D35": {
        "grace_s": 180,
        "weak_grace_s": 1800,
        "failed_payment_grace_s": 1800,
        "hub_paying_buyers": 5,
        "expire_after_s": 15 * _DAY_S,
    },
    "D08": {
        "rerequest_window_s": 14 * _DAY_S,
        "rerequests": 2,
        "failed_contacts": 2,
        "window_s": 30 * _DAY_S,
        "warn_orders": 3,
        "critical_orders": 5,
        "min_share": "0.5",
        "cooldown_s": 30 * _DAY_S,
    },
    "D10": {
        "limit_s": 48 * 3600,
        "picked_up_within_s": _DAY_S,
        "buyer_window_s": 30 * _DAY_S,
        "buyer_warn": 2,
        "buyer_critical": 3,
        "buyer_cooldown_s": 30 * _DAY_S,
        "shop_window_s": _DAY_S,
        "shop_warn": 5,
        "shop_critical": 10,
        "shop_cooldown_s": _DAY_S,
    },
    "D12": {
        "limit_s": 48 * 3600,
        "large_units": 20,
        "large_amount_minor": 100_000,
        "prior_cases": 1,
        "prior_window_s": 30 * _DAY_S,
        "expire_after_s": 15 * _DAY_S,
    },
    "D16": {
        "expire_after_s": 7 * _DAY_S,
    },
    "D22": {},
    "D04": {"window_s": 600, "cooldown_s": _DAY_S, "expire_after_s": 30 * _DAY_S},
    "D13": {},
    "D14": {"cooldown_s": _DAY_S, "expire_after_s": 15 * _DAY_S},
    "D17": {"window_s": 600, "invoice_within_s": _DAY_S, "limit_s": 48 * 3600},
    "D18": {"kinds": 1},
    "D19": {"warn_insults": 2},
    "D20": {"before_s": 30 * _DAY_S},
    "D21": {
        "window_s": 40 * _DAY_S,
        "min_orders": 5,
        "min_share_percent": 80,
        "cooldown_s": 40 * _DAY_S,
    },
    "D09": {
        "tolerance": 10,
        "window_s": 30 * _DAY_S,
        "warn_orders": 5,
        "min_share": 60,
        "cooldown_s": 30 * _DAY_S,
        "expire_after_s": 30 * _DAY_S,
    },
    "D11": {"expire_after_s": 15 * _DAY_S},
    "D15": {"asked_before_s": 7 * _DAY_S, "expire_after_s": 30 * _DAY_S},
    "D23": {"tellings": 1, "cooldown_s": 7 * _DAY_S, "expire_after_s": 7 * _DAY_S},
    "D24": {"themes": 2, "cooldown_s": _DAY_S, "expire_after_s": 7 * _DAY_S},
    "D25": {
        "grace_s": 180,
        "weak_grace_s": 1800,
        "failed_payment_grace_s": 1800,
        "min_acts": 2,
        "unreachable_contacts": 2,
        "warn_accounts": 2,
        "critical_accounts": 3,
        "hub_paying_buyers": 5,
        "window_s": 30 * _DAY_S,
        "cooldown_s": 30 * _DAY_S,
        "expire_after_s": 30 * _DAY_S,
    },
    "D26": {"min_price_quantity": 2, "expire_after_s": 30 * _DAY_S},
    "D27": {"within_s": 600, "expire_after_s": 30 * _DAY_S},
    "D28": {"expire_after_s": 15 * _DAY_S},
    "D29": {"expire_after_s": 15 * _DAY_S},
    "D30": {"warn_before_s": 48 * 3600, "critical_before_s": 12 * 3600},
    "D31": {
        "window_s": 30 * _DAY_S,
        "orders_per_window": 0,
        "min_disputes": 10,
        "warn_per_mille": 20,
        "critical_per_mille": 40,
        "cooldown_s": 30 * _DAY_S,
    },
    "D32": {"expire_after_s": 15 * _DAY_S},
    "D33": {"expire_after_s": 15 * _DAY_S},
    "D34": {
        "target_s": 24 * 3600,
        "limit_s": 48 * 3600,
        "warn_before_s": 6 * 3600,
        "tells_target": False,
        "expire_after_s": 14 * _DAY_S,
    },
}

# The kinds of acts of D25, and the detectors that see them; most of them know only a `TalkHistory`.
ACTS: Mapping[str, Sequence[str]] = {
    "unpaid": ("D01", "D03"),
    "extortion": ("D04", "D20"),
    "refunds": ("D08", "D09"),
    "claims": ("D10",),
    "bait": ("D13", "D17", "D24"),
    "reviews": ("D18",),
}

Events = Iterable[tuple[str, Mapping[str, Any]]] | Path


class Doubted(NamedTuple):
    """A receiver, of a new order or a change, with something wrong about its address or its phone."""

    shop: str
    buyer: str
    event_id: str
    address: bool
    phone: bool


class Titled(NamedTuple):
    """What the words of a listing say; `extra` is `gift` or `freight` for what is no goods of its own."""

    shop: str
    item: str
    event_id: str
    promises: bool
    names_exclusions: bool
    extra: str


class Classified(NamedTuple):
    """What SQL cannot read of texts and addresses, and so is given; all else is the oracle's own."""

    doubted: Sequence[Doubted] = ()
    titled: Sequence[Titled] = ()


@dataclass(frozen=True, slots=True)
class OracleEpisode:
    """One row of a detector's table.

    `members` are order ids for D01 and D10, for D03 with the buyer, else event ids; those of D02 come with
    the orders that it names, the number of buyers who hold many, and T01 while it is open; those of D25
    are `detector/subject/anchor` for acts.
    """

    subject_kind: str
    subject_id: str
    anchor_event_id: str
    opened_at_ms: int
    last_crossing_ms: int
    status: str
    ended_at_ms: int | None
    severity: str
    members: tuple[str, ...]
    n_members: int
    # What it counts for among the acts of a campaign (D25).
    act_level: str = field(default="", compare=False)


class History:
    """A history loaded once, to be asked for several detectors, horizons and rules. Close it."""

    def __init__(self, events: Events, classified: Classified | None = None) -> None:
        # Threads of its own cost a tiny history more than they give a large one beside other tests.
        self._connection = duckdb.connect(config={"threads": 1})
        self._loaded: set[str] = set()
        doubted, titled = classified or Classified()
        self._table(
            "doubted(shop VARCHAR, buyer VARCHAR, event_id VARCHAR, address BOOLEAN, phone BOOLEAN)",
            doubted,
        )
        self._table(
            "titled(shop VARCHAR, item VARCHAR, event_id VARCHAR, promises BOOLEAN,"
            " names_exclusions BOOLEAN, extra VARCHAR)",
            titled,
        )
        if isinstance(events, Path):
            self._load(events)
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "events.jsonl"
            with path.open("wb") as lines:
                for topic, value in events:
                    lines.write(orjson.dumps({"topic": topic, "value": value}) + b"\n")
            self._load(path)

    def _load(self, path: Path) -> None:
        self._connection.execute(
            "CREATE TEMP TABLE raw AS SELECT topic, value FROM read_json(?,"
            " format = 'newline_delimited', columns = {topic: 'VARCHAR', value: 'JSON'})",
            [str(path)],
        )
        self._connection.execute(_text("facts.sql"))

    def _table(self, definition: str, rows: Sequence[tuple[Any, ...]]) -> None:
        self._connection.execute(f"CREATE TEMP TABLE {definition}")
        if rows:
            name = definition.partition("(")[0]
            marks = ", ".join("?" * len(rows[0]))
            self._connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)

    def execute(self, name: str) -> None:
        """Run one of the files beside this module."""
        self._run(name)

    def _run(self, name: str) -> duckdb.DuckDBPyConnection:
        return self._connection.execute(self._ready(name))

    def _ready(self, name: str) -> str:
        for layer in _layers_of(name):
            if layer not in self._loaded:
                self._loaded.add(layer)
                self._connection.execute(_text(layer))
        return _text(name)

    def episodes(
        self, detector: str, horizon_ms: int, rules: Mapping[str, int | str | Decimal] | None = None
    ) -> list[OracleEpisode]:
        """All episodes of `detector` at `horizon_ms`, sorted by subject and time.

        `rules` replaces single thresholds; an unknown name is an error.
        """
        if detector == "D25":
            self._judge(horizon_ms)
        self._set(detector, horizon_ms, rules or {})
        rows = self._run(f"{detector.lower()}.sql").fetchall()
        return [
            OracleEpisode(*row[:8], tuple(row[8]), row[9], row[10] if len(row) > 10 else row[7])
            for row in rows
        ]

    def _set(
        self, detector: str, horizon_ms: int, rules: Mapping[str, int | str | Decimal]
    ) -> None:
        parameters = {**DEFAULTS[detector], **rules}
        if unknown := parameters.keys() - DEFAULTS[detector].keys():
            raise ValueError(f"{detector} has no rules named {sorted(unknown)}")
        for name, value in {**parameters, "horizon_ms": horizon_ms}.items():
            self._connection.execute(f"SET VARIABLE {name} = {_literal(value)}")

    def _judge(self, horizon_ms: int) -> None:
        """Table `judged`: the episodes of all detectors that D25 puts together, under their default rules."""
        self._connection.execute(
            "CREATE OR REPLACE TEMP TABLE judged(kind VARCHAR, detector VARCHAR, subject_kind VARCHAR,"
            " subject_id VARCHAR, anchor_event_id VARCHAR, opened_at_ms BIGINT, last_crossing_ms BIGINT,"
            " status VARCHAR, ended_at_ms BIGINT, severity VARCHAR, members VARCHAR[], n_members BIGINT,"
            " act_level VARCHAR)"
        )
        for kind, detectors in ACTS.items():
            for detector in detectors:
                self._set(detector, horizon_ms, {})
                found = self._ready(f"{detector.lower()}.sql").rstrip().rstrip(";")
                self._connection.execute(
                    f"INSERT INTO judged BY NAME"
                    f" SELECT '{kind}' AS kind, '{detector}' AS detector, * FROM ({found})"
                )

    def close(self) -> None:
        """Frees the database."""
        self._connection.close()

    def __enter__(self) -> History:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@cache
def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


@cache
def _layers_of(name: str) -> list[str]:
    words = set(re.findall(r"\w+", _text(name)))
    return [layer for layer in _LAYERS if not words.isdisjoint(_MADE.findall(_text(layer)))]


def _literal(value: int | str | Decimal) -> str:
    # Through Decimal, so that nothing but a number can reach the statement; whole numbers are wide,
    # because milliseconds of a month overflow DuckDB's default integer.
    number = Decimal(value)
    return f"{number:f}::BIGINT" if number == number.to_integral_value() else f"{number:f}"


def oracle(
    detector: str,
    events: Events,
    horizon_ms: int,
    rules: Mapping[str, int | str | Decimal] | None = None,
    classified: Classified | None = None,
) -> list[OracleEpisode]:
    """The table of `detector` over `events`: pairs of topic and event, or a JSON Lines file."""
    with History(events, classified) as history:
        return history.episodes(detector, horizon_ms, rules)
