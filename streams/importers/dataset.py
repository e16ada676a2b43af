"""The one entry to all importers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from streams.errors import ConfigurationError
from streams.importers import olist, online_retail, tmall
from streams.importers.accounting import ImportReport, Ledger
from streams.replay.files import LineWriter

DatasetKind = Literal["olist", "tmall", "online-retail"]


class _Importer(NamedTuple):
    run: Callable[[Path, Ledger, str], None]
    default_shop_id: str


_IMPORTERS: dict[DatasetKind, _Importer] = {
    "olist": _Importer(olist.import_olist, olist.DEFAULT_SHOP_ID),
    "tmall": _Importer(tmall.import_tmall, tmall.DEFAULT_SHOP_ID),
    "online-retail": _Importer(online_retail.import_online_retail, online_retail.DEFAULT_SHOP_ID),
}


def import_dataset(
    kind: DatasetKind, source_dir: Path, out: Path | str, *, shop_id: str | None = None
) -> ImportReport:
    """Turn a data set's folder into one event file, ordered by event time.

    The same files give the same bytes: event ids are derived from the rows. `out` may end in .gz or
    .zst, or be '-' for stdout. Needs memory for all events of the data set at once.
    Raises ConfigurationError for an unknown kind, a missing file or a missing column.
    """
    importer = _IMPORTERS.get(kind)
    if importer is None:
        raise ConfigurationError(
            f"data set kind is {kind!r}; expected one of {', '.join(get_args(DatasetKind))}"
        )
    if shop_id is not None and (not shop_id or ":" in shop_id or len(shop_id) > 64):
        raise ConfigurationError(
            f"shop id is {shop_id!r}; expected 1 to 64 characters without a colon"
        )
    ledger = Ledger(kind)
    importer.run(source_dir, ledger, shop_id or importer.default_shop_id)
    with LineWriter(out) as writer:
        writer.write_all(ledger.lines())
    return ledger.report()
