"""Importers: nothing is made up, every row is accounted for, and the known facts come out."""

from __future__ import annotations

import csv
import gzip
import lzma
import os
import statistics
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import TypeAdapter

from schemas import fast
from schemas.events.aftersales import Refund
from schemas.events.people import Review
from schemas.events.trade import Order, Payment, Shipment
from streams.errors import ConfigurationError
from streams.importers import DatasetKind, ImportReport, import_dataset
from streams.replay.files import EventReader

DATA = Path(
    os.environ.get("ORDERWATCH_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")
)
FOLDERS: dict[DatasetKind, str] = {
    "tmall": "tmall_order_report",
    "olist": "olist_sample",
    "online-retail": "online_retail",
}
CONTRACT: dict[str, TypeAdapter[Any]] = {
    "orders": TypeAdapter(Order),
    "payments": TypeAdapter(Payment),
    "refunds": TypeAdapter(Refund),
    "reviews": TypeAdapter(Review),
    "shipments": TypeAdapter(Shipment),
}
TMALL_HEADING = "订单编号,总金额,买家实际支付金额,收货地址 ,订单创建时间,订单付款时间 ,退款金额\n"
RETAIL_HEADING = (
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
)


class Imported:
    """An imported event file, read back."""

    def __init__(self, kind: DatasetKind, source_dir: Path, out: Path) -> None:
        self.report: ImportReport = import_dataset(kind, source_dir, out)
        self.records = [orjson.loads(line) for chunk in EventReader([out]) for line in chunk.lines]

    def values(self, topic: str, kind: str) -> list[dict[str, Any]]:
        return [
            record["value"]
            for record in self.records
            if record["topic"] == topic and record["value"]["type"] == kind
        ]

    def buyer(self, buyer_id: str) -> list[dict[str, Any]]:
        return [r["value"] for r in self.records if r["value"]["buyer_id"] == buyer_id]


def at(value: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(value["occurred_at"])


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Imports a real data set once for all tests."""
    cache: dict[str, Imported] = {}

    def load(kind: DatasetKind) -> Imported:
        if not (DATA / FOLDERS[kind]).is_dir():
            pytest.skip(f"no {FOLDERS[kind]} in {DATA}: set ORDERWATCH_DATA to the data folder")
        if kind not in cache:
            out = tmp_path_factory.mktemp("real") / f"{kind}.jsonl.zst"
            cache[kind] = Imported(kind, DATA / FOLDERS[kind], out)
        return cache[kind]

    return load


def accounted(report: ImportReport) -> bool:
    return sum(report.rows_read.values()) == report.rows_used + sum(report.left_out.values())


@pytest.mark.parametrize("kind", FOLDERS)
def test_all_real_events_are_valid_unique_ordered_and_accounted_for(
    real: Any, kind: DatasetKind
) -> None:
    imported = real(kind)
    for record in imported.records:
        CONTRACT[record["topic"]].validate_json(orjson.dumps(record["value"]))
        assert fast.decode_line(orjson.dumps(record))[0] == record["topic"]
    ids = {record["value"]["event_id"] for record in imported.records}
    assert len(ids) == len(imported.records) == imported.report.events_total
    times = [at(record["value"]).timestamp() for record in imported.records]
    assert times == sorted(times)
    assert accounted(imported.report)
    assert "unreadable" not in imported.report.left_out
    assert "refused by the contract" not in imported.report.left_out


def test_tmall_keeps_the_known_facts(real: Any) -> None:
    imported = real("tmall")
    placed = {v["order_id"]: at(v) for v in imported.values("orders", "created")}
    paid = {v["order_id"]: at(v) for v in imported.values("payments", "succeeded")}
    assert len(placed) == 28_010
    assert len(placed.keys() - paid.keys()) == 3_923
    delays = sorted((paid[o] - placed[o]).total_seconds() for o in paid)
    cuts = statistics.quantiles(delays, n=100)
    assert statistics.median(delays) == 8
    assert cuts[94] == pytest.approx(191, abs=2)
    assert cuts[98] == pytest.approx(2.5 * 3600, rel=0.06)
    never_paid = [v for v in imported.values("orders", "created") if v["order_id"] == "19258"]
    assert [v["amount_minor"] for v in never_paid] == [18_832_000]
    assert "19258" not in paid


def test_tmall_refunds_stand_at_the_end_of_the_report(real: Any) -> None:
    imported = real("tmall")
    refunds = imported.values("refunds", "succeeded")
    assert len(refunds) == 5_646
    assert {at(v) for v in refunds} == {imported.report.last_at}
    assert all(record["value"]["type"] != "requested" for record in imported.records)


def test_olist_keeps_the_known_facts(real: Any) -> None:
    imported = real("olist")
    kinds = Counter((r["topic"], r["value"]["type"]) for r in imported.records)
    assert kinds == {
        ("orders", "created"): 2_976,
        ("payments", "succeeded"): 3_144,
        ("shipments", "shipped"): 2_946,
        ("shipments", "delivered"): 2_904,
        ("reviews", "posted"): 2_970,
    }
    assert imported.report.left_out["order without items"] == 24
    assert all("ship_by" in v for v in imported.values("orders", "created"))


def test_olist_boleto_payments_are_approved_after_a_day(real: Any) -> None:
    imported = real("olist")
    with (DATA / FOLDERS["olist"] / "olist_order_payments_dataset.csv").open() as file:
        boleto = {r["order_id"] for r in csv.DictReader(file) if r["payment_type"] == "boleto"}
    placed = {v["order_id"]: at(v) for v in imported.values("orders", "created")}
    delays = [
        (at(v) - placed[v["order_id"]]) / timedelta(hours=1)
        for v in imported.values("payments", "succeeded")
        if v["order_id"] in boleto
    ]
    assert statistics.median(delays) == pytest.approx(29, abs=1)


def test_online_retail_keeps_the_known_facts(real: Any) -> None:
    imported = real("online-retail")
    for customer, units, minutes in (("16446", 80_995, 12), ("12346", 74_215, 16)):
        *_, order, closed = imported.buyer(customer)
        assert sum(item["quantity"] for item in order["items"]) == units
        assert (closed["type"], closed["closed_by"]) == ("closed", "unknown")
        assert at(closed) - at(order) == timedelta(minutes=minutes)
    assert imported.report.rows_read == {"online_retail.csv.xz": 541_909}
    assert imported.report.left_out["no customer"] == 135_080
    assert imported.report.events == {"orders": 18_563}


def test_online_retail_makes_up_no_payment(real: Any) -> None:
    assert {record["topic"] for record in real("online-retail").records} == {"orders"}


def test_online_retail_closes_only_orders_that_were_cancelled_whole(real: Any) -> None:
    imported = real("online-retail")
    cancelled: defaultdict[str, Counter[tuple[str, int]]] = defaultdict(Counter)
    path = DATA / FOLDERS["online-retail"] / "online_retail.csv.xz"
    with lzma.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["InvoiceNo"].startswith("C") and row["CustomerID"]:
                customer = row["CustomerID"].removesuffix(".0")
                cancelled[customer][row["StockCode"], -int(row["Quantity"])] += 1
    closed = {v["order_id"] for v in imported.values("orders", "closed")}
    assert len(closed) == 126
    for order in imported.values("orders", "created"):
        if order["order_id"] in closed:
            lines = Counter((i["item_id"], i["quantity"]) for i in order["items"])
            assert lines <= cancelled[order["buyer_id"]]


@pytest.mark.parametrize("kind", ["tmall", "olist"])
def test_an_import_repeats_exactly(real: Any, tmp_path: Path, kind: DatasetKind) -> None:
    real(kind)
    outs = [tmp_path / name for name in ("a.gz", "b.gz")]
    reports = [import_dataset(kind, DATA / FOLDERS[kind], out) for out in outs]
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert reports[0] == reports[1]


def tmall(tmp_path: Path, *rows: str) -> Imported:
    source = tmp_path / "source"
    source.mkdir()
    (source / "tmall_order_report.csv").write_text(
        TMALL_HEADING + "\n".join(rows) + "\n", encoding="utf-8-sig"
    )
    return Imported("tmall", source, tmp_path / "out.jsonl")


@pytest.mark.parametrize(
    "row",
    [
        "1,abc,0.0,上海,2020-02-21 00:00:00,,0.0",
        "1,-5,0.0,上海,2020-02-21 00:00:00,,0.0",
        "1,1.005,0.0,上海,2020-02-21 00:00:00,,0.0",
        "1,NaN,0.0,上海,2020-02-21 00:00:00,,0.0",
        "1,1e999999,0.0,上海,2020-02-21 00:00:00,,0.0",
        "1,5,0.0,上海,yesterday,,0.0",
        "1,5,0.0,上海,2020-02-21T00:00:00+08:00,,0.0",
        "1,5,5.0,上海,2020-02-21 00:00:00,2020-02-20 00:00:00,0.0",
        "1,5,5.0,上海,2020-02-21 00:00:00,,3.0",
        "1,5,5.0,上海,0001-01-01 00:00:00,,0.0",
        ",5,5.0,上海,2020-02-21 00:00:00,,0.0",
        "1,5",
    ],
)
def test_a_bad_row_is_counted_with_its_position(tmp_path: Path, row: str) -> None:
    imported = tmall(tmp_path, "9,5,5,上海,2020-02-21 00:00:00,2020-02-21 00:00:09,0", row)
    assert imported.report.left_out == {"unreadable": 1}
    assert imported.report.examples[0].startswith("tmall_order_report.csv:3: ")
    assert imported.report.events == {"orders": 1, "payments": 1}
    assert accounted(imported.report)


def test_a_row_that_the_contract_refuses_gives_no_event_at_all(tmp_path: Path) -> None:
    row = f"{'1' * 129},5,5,上海,2020-02-21 00:00:00,2020-02-21 00:00:09,0"
    imported = tmall(tmp_path, row)
    assert imported.report.left_out == {"refused by the contract": 1}
    assert "order_id" in imported.report.examples[0] or "buyer_id" in imported.report.examples[0]
    assert imported.records == []
    assert imported.report.first_at is None


@pytest.mark.parametrize("number", ["\x1b[2J", '"a\nb"', "3\x00", "\u202e4"])
def test_a_row_whose_id_no_worker_takes_gives_no_event_at_all(tmp_path: Path, number: str) -> None:
    imported = tmall(tmp_path, f"{number},5,5,上海,2020-02-21 00:00:00,2020-02-21 00:00:09,0")
    assert imported.report.left_out == {"an id that is not printable": 1}
    assert imported.records == []
    assert accounted(imported.report)
    assert all(line.isprintable() for line in imported.report.summary())


def test_one_row_of_the_far_future_takes_no_refund_away(tmp_path: Path) -> None:
    imported = tmall(
        tmp_path,
        "7,10,0,上海,2020-02-21 00:00:00,2020-02-21 00:00:09,10",
        "8,10,0,上海,9999-12-31 23:59:59,,0",
    )
    assert imported.report.left_out == {"unreadable": 1}
    (refund,) = imported.values("refunds", "succeeded")
    assert at(refund) == datetime.fromisoformat("2020-02-21T00:00:09+08:00")


def test_of_a_value_that_cannot_be_read_a_part_is_shown(tmp_path: Path) -> None:
    imported = tmall(tmp_path, f"1,{'9' * 5000},0,上海,2020-02-21 00:00:00,,0")
    assert imported.report.left_out == {"unreadable": 1}
    assert len(imported.report.examples[0]) < 200


def test_a_partly_refunded_order_was_paid_in_full(tmp_path: Path) -> None:
    imported = tmall(tmp_path, "7,10,7.5,上海,2020-02-21 00:00:00,2020-02-21 00:00:09,2.5")
    assert [v["amount_minor"] for v in imported.values("payments", "succeeded")] == [1000]
    assert [v["amount_minor"] for v in imported.values("refunds", "succeeded")] == [250]


def retail(tmp_path: Path, *rows: str) -> Imported:
    source = tmp_path / "source"
    source.mkdir()
    (source / "online_retail.csv").write_text(RETAIL_HEADING + "\n".join(rows) + "\n")
    return Imported("online-retail", source, tmp_path / "out.jsonl")


def retail_row(
    invoice: str, code: str, quantity: int, minute: int, customer: str = "17850.0"
) -> str:
    return f"{invoice},{code},x,{quantity},2011-07-01 10:{minute:02}:00,1.50,{customer},France"


def test_a_cancellation_takes_the_latest_earlier_line(tmp_path: Path) -> None:
    imported = retail(
        tmp_path,
        retail_row("1", "22326", 3, 1),
        retail_row("2", "22326", 3, 5),
        retail_row("C3", "22326", -3, 7),
        retail_row("4", "22326", 3, 9),
    )
    [closed] = imported.values("orders", "closed")
    assert closed["order_id"] == "2"
    assert closed["occurred_at"] == "2011-07-01T10:07:00+01:00"
    assert accounted(imported.report)


@pytest.mark.parametrize(
    "cancellation",
    [
        retail_row("C3", "22326", -2, 7),
        retail_row("C3", "22327", -3, 7),
        retail_row("C3", "22326", -3, 0),
        retail_row("C3", "22326", -3, 7, customer="12346.0"),
    ],
    ids=["other quantity", "other item", "before the order", "other customer"],
)
def test_a_cancellation_of_no_known_line_is_counted(tmp_path: Path, cancellation: str) -> None:
    imported = retail(tmp_path, retail_row("1", "22326", 3, 1), cancellation)
    assert imported.report.left_out == {"cancellation of no known line": 1}
    assert imported.values("orders", "closed") == []


def test_an_order_that_lost_one_of_two_lines_stands(tmp_path: Path) -> None:
    imported = retail(
        tmp_path,
        retail_row("1", "22326", 3, 1),
        retail_row("1", "22327", 4, 1),
        retail_row("C2", "22326", -3, 2),
    )
    assert imported.report.left_out == {"cancellation of a part of an order": 1}
    assert imported.values("orders", "closed") == []


def test_postage_is_no_item_and_a_long_invoice_becomes_several_orders(tmp_path: Path) -> None:
    lines = [retail_row("1", f"2{n:04}", 1, 1) for n in range(201)]
    imported = retail(tmp_path, retail_row("1", "POST", 2, 1), *lines)
    first, second = imported.values("orders", "created")
    assert (first["order_id"], len(first["items"]), first["post_fee_minor"]) == ("1", 200, 300)
    assert (second["order_id"], len(second["items"]), second["amount_minor"]) == ("1-2", 1, 150)
    assert accounted(imported.report)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (retail_row("1", "22326", 3, 1, customer=""), "no customer"),
        (retail_row("1", "22326", 0, 1), "quantity is not positive"),
        (retail_row("1", "M", 1, 1), "not goods"),
        (retail_row("1", "POST", 1, 1), "order of postage only"),
        (retail_row("C1", "POST", -1, 1), "cancelled postage"),
        ("1,22326,x,1.5,2011-07-01 10:00:00,1.50,17850.0,France", "unreadable"),
        ("1,22326,x,1,2011-07-01 10:00:00,-1.50,17850.0,France", "unreadable"),
    ],
)
def test_what_is_no_order_of_a_customer_is_left_out_by_reason(
    tmp_path: Path, row: str, reason: str
) -> None:
    imported = retail(tmp_path, row)
    assert imported.report.left_out == {reason: 1}
    assert imported.records == []
    assert reason in "\n".join(imported.report.summary())


def test_wrong_arguments_name_what_was_expected(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    with pytest.raises(ConfigurationError, match="expected one of olist, tmall, online-retail"):
        import_dataset("kaggle", tmp_path, out)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"holds no tmall_order_report\.csv"):
        import_dataset("tmall", tmp_path, out)
    with pytest.raises(ConfigurationError, match="not a directory"):
        import_dataset("tmall", tmp_path / "gone", out)
    for shop_id in ("a:b", "a\nb", "", "a" * 65):
        with pytest.raises(ConfigurationError, match="printable characters without a colon"):
            import_dataset("tmall", tmp_path, out, shop_id=shop_id)
    (tmp_path / "tmall_order_report.csv").write_text("总金额,收货地址\n1,2\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="lacks the columns"):
        import_dataset("tmall", tmp_path, out)
    (tmp_path / "tmall_order_report.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="expected CSV in UTF-8"):
        import_dataset("tmall", tmp_path, out)
    assert not out.exists()


def test_a_damaged_table_is_refused_by_name(tmp_path: Path) -> None:
    table = tmp_path / "online_retail.csv.gz"
    # A header that is right, before a block of a kind that there is not.
    table.write_bytes(gzip.compress(b"")[:10] + b"\xff" * 40)
    with pytest.raises(
        ConfigurationError, match=r"online_retail\.csv\.gz cannot be read near line 1"
    ):
        import_dataset("online-retail", tmp_path, tmp_path / "out.jsonl")


def test_an_import_never_replaces_what_it_reads(tmp_path: Path) -> None:
    table = tmp_path / "tmall_order_report.csv"
    table.write_text("the only copy", encoding="utf-8")
    (tmp_path / "link").symlink_to(table)
    for source, out in ((tmp_path, table), (tmp_path, tmp_path / "link"), (table, table)):
        with pytest.raises(ConfigurationError, match=r"replace .*report\.csv of the data set"):
            import_dataset("tmall", source, out)
    with pytest.raises(ConfigurationError, match="is a directory"):
        import_dataset("tmall", tmp_path, tmp_path)
    assert table.read_text(encoding="utf-8") == "the only copy"
