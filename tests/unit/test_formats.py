"""What is kept over an upgrade has a format with a number; whatever changes it needs another number.

Facts are stored as arrays without names: a field that was moved is read as another one, and nobody
notices.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from inspect import get_annotations
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from streams.detect import state
from streams.detect.facts import AnyFact, base
from streams.detect.horizon import Frontier
from streams.detect.partition import LETTER
from streams.errors import ConfigurationError
from streams.notify.outbox import Outbox
from streams.runtime.origin import FORMAT, Origin, is_said
from streams.runtime.stage import HORIZON_KEY, PAYMENTS_KEYS
from streams.stock.store import Store
from streams.subscriber import SqliteLedger
from streams.subscriber.ledger import FILE_FORMAT, open_database

# The checksum of what each number stands for. Never change one that was released.
STATES = {2: 772532980}
FILES = {1: 1715153763}
CURE = (
    "What is stored has another form. If a version with the present number was released, give the form a "
    "new number, add it here, and say in CHANGELOG.md that going back needs what docs/operations.md says; "
    "if none was, only write down the new checksum. This form: "
)


def _form_of(struct: type[msgspec.Struct]) -> str:
    # As written: types themselves look different from one Python to the next.
    types = {name: said for one in struct.__mro__ for name, said in get_annotations(one).items()}
    fields = [f"{field.name}: {types[field.name]}" for field in msgspec.structs.fields(struct)]
    return f"{struct.__struct_config__.tag} {struct.__struct_config__.array_like} {fields}"


def _form_of_states() -> str:
    """Everything that lies in the two state topics."""
    frontier = Frontier(["orders", "payments"], 0, 1)
    frontier.ordered("shop1", {"shop1:b1": 1})
    structs = [*get_args(AnyFact), state.Published, state.Sent, state._Said]
    return "\n".join(
        [
            state._HEADER.format,
            state._ARRAY.format,
            *sorted(map(_form_of, structs)),
            str(sorted(LETTER.items())),
            HORIZON_KEY + str(frontier.export()),
            PAYMENTS_KEYS + str(sorted(frontier.export_payments(only_changed=False).items())),
        ]
    )


def _form_of_files(directory: Path) -> str:
    """The tables of all SQLite files but the inbox's, whose migrations have numbers of their own.

    Indexes are none of it: each version makes those that it lacks, and reads with others beside them.
    """

    def tables(connection: sqlite3.Connection) -> Iterator[str]:
        for (said,) in connection.execute(
            "SELECT sql FROM sqlite_master WHERE type = 'table' ORDER BY name"
        ):
            yield " ".join(said.split())

    Outbox(directory / "notify.db").close()
    forms: list[str] = []
    for name in ("notify.db", "stock.db"):
        with closing(SqliteLedger(directory / name, "g")) as ledger:
            if name == "stock.db":
                Store(ledger.connection)
            forms += [name, *tables(ledger.connection)]
    return "\n".join(forms)


def test_who_adds_a_fact_reads_which_number_is_free() -> None:
    highest = max(struct.__struct_config__.tag for struct in get_args(AnyFact))
    assert f"The highest so far is {highest}." in (base.__doc__ or "")


def test_the_form_of_states_is_the_one_of_its_number() -> None:
    form = _form_of_states()
    assert zlib.crc32(form.encode()) == STATES[FORMAT], CURE + form
    assert max(STATES) == FORMAT


def test_the_form_of_files_is_the_one_of_its_number(tmp_path: Path) -> None:
    form = _form_of_files(tmp_path)
    assert zlib.crc32(form.encode()) == FILES[FILE_FORMAT], CURE + form
    assert max(FILES) == FILE_FORMAT


def test_a_file_of_another_version_is_refused_by_its_name_and_stays_as_it_is(
    tmp_path: Path,
) -> None:
    path = tmp_path / "stock.db"
    with closing(open_database(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (FILE_FORMAT,)
        connection.execute(f"PRAGMA user_version = {FILE_FORMAT + 1}")
    for _ in range(2):
        with pytest.raises(ConfigurationError) as refused:
            SqliteLedger(path, "g")
        said = str(refused.value)
        assert said.startswith(f"{path} was written by another version of orderwatch")
        assert f"in format {FILE_FORMAT + 1}; this version reads format {FILE_FORMAT}" in said


def test_state_of_the_format_before_is_gone_on_from_and_signed_anew() -> None:
    """Until then a version that knows only that one would take it, and leave out what it does not know."""
    ours = Origin(FORMAT, "default", "key")
    assert is_said(ours.packed(), ours, "buyer-state[0]")
    assert not is_said(Origin(1, "default", "key").packed(), ours, "buyer-state[0]")
    with pytest.raises(ConfigurationError, match="for the tenant 'other'"):
        is_said(Origin(1, "other", "key").packed(), ours, "buyer-state[0]")


@pytest.mark.parametrize("found", [b"", b"\x00", b'{"format":2}', b'{"format":"two"}', b"[3]"])
def test_an_origin_that_cannot_be_read_is_of_another_version(found: bytes) -> None:
    with pytest.raises(ConfigurationError, match="another version"):
        is_said(found, Origin(FORMAT, "default"), "buyer-state[0]")
