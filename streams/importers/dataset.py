"""The one entry to all importers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from schemas.base import is_shop_id
from streams.errors import ConfigurationError
from streams.importers import olist, online_retail, tmall
from streams.importers.accounting import ImportReport, Ledger
from streams.replay.files import LineWriter, overwrites

DatasetKind = Literal["olist", "tmall", "online-retail"]


class _Importer(NamedTuple):
    run: Callable[[Path, Ledger, str], None]
    default_shop_id: str
    tables: tuple[str, ...]


_IMPORTERS: dict[DatasetKind, _Importer] = {
    "olist": _Importer(olist.import_olist, olist.DEFAULT_SHOP_ID, olist.TABLES),
    "tmall": _Importer(tmall.import_tmall, tmall.DEFAULT_SHOP_ID, (tmall.FILE,)),
    "online-retail": _Importer(
        online_retail.import_online_retail, online_retail.DEFAULT_SHOP_ID, online_retail.FILES
    ),
}


def import_dataset(
    kind: DatasetKind, source_dir: Path, out: Path | str, *, shop_id: str | None = None
) -> ImportReport:
    """Turn a data set's folder into one event file, ordered by event time.

    The same files give the same bytes: event ids are derived from the rows. `out` may end in .gz or
    .zst, or be '-' for stdout. Needs memory for all events of the data set at once.
    Raises ConfigurationError for an unknown kind, an `out` that is one of the data set's own files,
    a missing file or a missing column.
    """
    importer = _IMPORTERS.get(kind)
    if importer is None:
        raise ConfigurationError(
            f"data set kind is {kind!r}; expected one of {', '.join(get_args(DatasetKind))}"
        )
    if shop_id is not None and not is_shop_id(shop_id):
        raise ConfigurationError(
            f"shop id is {shop_id!r}; expected 1 to 64 printable characters without a colon"
        )
    _refuse_to_replace_tables(importer, source_dir, out)
    output = LineWriter(out)
    ledger = Ledger(kind)
    importer.run(source_dir, ledger, shop_id or importer.default_shop_id)
    with output as writer:
        writer.write_all(ledger.lines())
    return ledger.report()


def _refuse_to_replace_tables(importer: _Importer, source_dir: Path, out: Path | str) -> None:
    # The folder itself is in the list for whoever names a table where its folder is expected.
    for path in (source_dir, *(source_dir / name for name in importer.tables)):
        if path.is_file() and overwrites(out, path):
            raise ConfigurationError(
                f"the file to write is {out}, which would replace {path} of the data set; "
                "expected another file."
            )
