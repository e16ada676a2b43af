"""Tables as sheets of a workbook (XLSX), for whoever goes on with them elsewhere.

The trap: spreadsheets guess. A number of 19 digits loses its end and `=1+1` becomes 2, so all that is an
id or a word is written as text, in cells that stay text when somebody types in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from io import BytesIO
from typing import Any, Final

import xlsxwriter

from streams.display.masking import visible
from streams.inbox.texts import Words

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Numbers of a sheet have fifteen digits; what is longer is no amount and no quantity anyway.
_EXACT: Final = 10**15


class Book:
    """A workbook that is made in memory, at the time of `words`: the same input gives the same bytes."""

    def __init__(self, words: Words) -> None:
        self._file = BytesIO()
        # Nothing is written to a disk, and nothing is taken for a formula, a number or a link.
        self._book = xlsxwriter.Workbook(self._file, {"in_memory": True})
        self._book.set_properties(
            {"created": words.now.replace(tzinfo=None), "author": "orderwatch"}
        )
        self._text = self._book.add_format({"num_format": "@", "valign": "top"})
        self._plain = self._book.add_format({"valign": "top"})
        clock = {"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left", "valign": "top"}
        self._clock = self._book.add_format(clock)
        self.bold = self._book.add_format({"bold": True, "bg_color": "#EEEEEE", "bottom": 1})

    def table(
        self,
        title: str,
        columns: Sequence[tuple[str, int]],
        rows: Iterable[Sequence[Any]],
        frozen: int = 0,
    ) -> Any:
        """A sheet with these columns, by heading and width, whose first `frozen` stay in sight.

        Times of `rows` are by the clocks that they are read by, see `local`. Cells of nothing stay empty.
        """
        sheet = self._book.add_worksheet(title)
        for column, (heading, width) in enumerate(columns):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, heading, self.bold)
        for row, cells in enumerate(rows, start=1):
            for column, value in enumerate(cells):
                if isinstance(value, datetime):
                    sheet.write_datetime(row, column, value, self._clock)
                elif isinstance(value, int | Decimal) and -_EXACT < value < _EXACT:
                    sheet.write_number(row, column, value, self._plain)
                elif value:
                    sheet.write_string(row, column, visible(str(value)), self._text)
        sheet.freeze_panes(1, frozen)
        return sheet

    def notes(self, title: str, notes: Sequence[str]) -> None:
        """A sheet of paragraphs."""
        sheet = self._book.add_worksheet(title)
        sheet.set_column(0, 0, 100)
        wrapped = self._book.add_format({"text_wrap": True, "valign": "top"})
        for row, note in enumerate(notes):
            sheet.write_string(row, 0, note, wrapped)

    def close(self) -> bytes:
        """The file; nothing can be added to it any more."""
        self._book.close()
        return self._file.getvalue()


def local(at: datetime, zone: tzinfo) -> datetime:
    """What a clock in `zone` shows then: a workbook knows no time zones."""
    return at.astimezone(zone).replace(tzinfo=None, microsecond=0)
