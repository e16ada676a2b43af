"""Reading CSV tables of data sets: columns are checked by name, values are read or refused.

A missing file or column is a wrong argument and stops the import; an unreadable value concerns one
row and raises UnreadableError, which the importer counts.
"""

from __future__ import annotations

import csv
import gzip
import lzma
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TextIO, cast
from zoneinfo import ZoneInfo

from schemas.base import FIRST_YEAR, LAST_YEAR
from streams.errors import ConfigurationError

# What is raised for bytes that are not what the suffix of a file says.
_DAMAGED = (gzip.BadGzipFile, zlib.error, lzma.LZMAError)
# Far above every amount, and far below what reckoning with a decimal number overflows at.
MOST_DIGITS = 30
# Of a value that cannot be read.
MOST_SHOWN = 60


class UnreadableError(ValueError):
    """A row holds a value that cannot be what its column says."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row; `where` is `file:line` of its last line."""

    where: str
    values: dict[str, str]

    def text(self, column: str) -> str:
        """The value, without surrounding blanks; may be empty."""
        return self.values[column]

    def required(self, column: str) -> str:
        """The value, which must not be empty."""
        value = self.values[column]
        if not value:
            raise UnreadableError(f"{column} is empty")
        return value

    def local_time(self, column: str, zone: ZoneInfo) -> datetime:
        """A local time, given its zone. In an hour that occurs twice, the first one is meant."""
        value = self.required(column)
        time = _parse_time(value)
        if time is None or time.tzinfo is not None:
            raise _unreadable(column, value, "a time YYYY-MM-DD HH:MM:SS")
        # The contract would refuse it too, but only after others' times were derived from it.
        if not FIRST_YEAR <= time.year <= LAST_YEAR:
            raise _unreadable(column, value, f"a time between {FIRST_YEAR} and {LAST_YEAR}")
        return time.replace(tzinfo=zone)

    def optional_time(self, column: str, zone: ZoneInfo) -> datetime | None:
        """As `local_time`; None when the value is empty."""
        return self.local_time(column, zone) if self.values[column] else None

    def decimal(self, column: str) -> Decimal:
        """A finite decimal number."""
        value = self.required(column)
        try:
            number = Decimal(value)
        except InvalidOperation:
            number = Decimal("nan")
        if not number.is_finite() or number.adjusted() > MOST_DIGITS:
            raise _unreadable(column, value, "a number")
        return number

    def amount_minor(self, column: str) -> int:
        """An amount in main units as a whole number of minor units (hundredths), not negative."""
        minor = self.decimal(column) * 100
        if minor != minor.to_integral_value() or minor < 0:
            raise _unreadable(column, self.text(column), "an amount with two decimals at most")
        return int(minor)

    def integer(self, column: str) -> int:
        """A whole number."""
        value = self.required(column)
        try:
            return int(value)
        except ValueError:
            raise _unreadable(column, value, "a whole number") from None


def _unreadable(column: str, value: str, expected: str) -> UnreadableError:
    shown = value if len(value) <= MOST_SHOWN else f"{value[:MOST_SHOWN]}…"
    return UnreadableError(f"{column} is {shown!r}; expected {expected}")


def _parse_time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def find_table(source_dir: Path, *names: str) -> Path:
    """The first of `names` that exists in `source_dir`."""
    if not source_dir.is_dir():
        raise ConfigurationError(f"{source_dir} is not a directory; expected a data set's folder")
    for name in names:
        if (source_dir / name).is_file():
            return source_dir / name
    raise ConfigurationError(f"{source_dir} holds no {' or '.join(names)}")


def _open_text(path: Path) -> TextIO:
    encoding, newline = "utf-8-sig", ""
    if path.suffix == ".gz":
        return cast(TextIO, gzip.open(path, "rt", encoding=encoding, newline=newline))
    if path.suffix == ".xz":
        return lzma.open(path, "rt", encoding=encoding, newline=newline)
    return path.open(encoding=encoding, newline=newline)


def read_table(path: Path, columns: tuple[str, ...]) -> Iterator[Row]:
    """Rows of a CSV file (plain, .gz or .xz; UTF-8) that has at least `columns`.

    A row with fewer cells than the heading gets empty ones, so `required` refuses it.
    """
    with _open_text(path) as file:
        reader = csv.reader(file, strict=True)
        try:
            heading = [name.strip() for name in next(reader, [])]
            missing = [column for column in columns if column not in heading]
            if missing:
                raise ConfigurationError(
                    f"{path} lacks the columns {missing}; its heading is {heading}"
                )
            for cells in reader:
                if not cells:
                    continue
                padded = [cell.strip() for cell in cells] + [""] * (len(heading) - len(cells))
                where = f"{path.name}:{reader.line_num}"
                yield Row(where, dict(zip(heading, padded, strict=False)))
        except (csv.Error, UnicodeDecodeError, EOFError, *_DAMAGED) as error:
            raise ConfigurationError(
                f"{path} cannot be read near line {reader.line_num + 1}: {error}; "
                "expected CSV in UTF-8"
            ) from error
