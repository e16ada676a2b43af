"""What the ledger makes of results: a top-up that never happened, a reversal that did not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from streams.stock.restore import restore
from streams.stock.store import Store
from streams.subscriber.ledger import transaction
from tests.unit.test_stock_decisions import ITEM, TOPPED_UP, Shop

NOT_DONE = ["refused", "failed"]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "stock.db")
    yield shop
    shop.close()


def topped_up(shop: Shop) -> str:
    """The id of an action that tops three units up."""
    shop.reading(on_hand=100)
    assert shop.alert() == TOPPED_UP
    return shop.commands()[0].action_id


def taken_back(shop: Shop) -> str:
    """The id of the action that takes them back."""
    shop.alert(2, status="resolved", change="resolved")
    return shop.commands()[-1].action_id


def counted(shop: Shop, status: str, code: str = "A1_adjust_held_stock") -> float:
    labels = {"code": code, "status": status}
    return shop.metrics.registry.get_sample_value("orderwatch_actions_total", labels) or 0.0


def not_taken_back(shop: Shop) -> float | None:
    shop.now += 60
    shop.upkeep.step()
    return shop.metrics.registry.get_sample_value("orderwatch_stock_reversals_not_done")


def deltas(shop: Shop) -> list[int]:
    return [each.delta for each in shop.published()]


@pytest.mark.parametrize("status", NOT_DONE)
def test_a_top_up_that_did_not_happen_leaves_the_ledger_without_a_command(
    shop: Shop, status: str
) -> None:
    action = topped_up(shop)
    with capture_logs() as logs:
        assert shop.result(action, status) == [f"o1 reverse top_up_{status} -3"]
    assert [entry["event"] for entry in logs] == ["stock_action_not_done"]
    assert deltas(shop) == [3, -3]
    assert [each.action_id for each in shop.commands()] == [action]
    assert Store(shop.ledger.connection).topped_up_now() == {}
    assert (counted(shop, "requested"), counted(shop, status)) == (1.0, 1.0)


@pytest.mark.parametrize("status", NOT_DONE)
def test_it_is_not_asked_for_again(shop: Shop, status: str) -> None:
    shop.result(topped_up(shop), status)
    assert shop.reading(on_hand=200) == []
    assert shop.alert(name="b") == []
    assert shop.alert(2) == []
    assert shop.alert(3, status="resolved", change="resolved") == []
    assert shop.alert(4, change="reopened") == []
    assert shop.alert(5, held={"o1": (3, "paid")}) == []
    assert deltas(shop) == [3, -3]


def test_what_was_done_changes_nothing(shop: Shop) -> None:
    assert shop.result(topped_up(shop), "done") == []
    assert counted(shop, "done") == 1.0
    assert shop.alert(2, held={}) == ["o1 reverse alert_ended -3"]


@pytest.mark.parametrize("status", [*NOT_DONE, "done"])
def test_a_result_that_comes_again_is_no_other_one(shop: Shop, status: str) -> None:
    action = topped_up(shop)
    shop.result(action, status)
    assert shop.result(action, status) == []
    assert counted(shop, status) == 1.0


def test_a_result_of_a_foreign_action_is_only_counted(shop: Shop) -> None:
    topped_up(shop)
    assert shop.result("of-somebody-else", "refused") == []
    assert counted(shop, "unknown", code="unknown") == 1.0
    assert Store(shop.ledger.connection).topped_up_now() == {False: 3}


def test_a_result_of_a_decision_that_was_no_action_is_one_of_a_foreign_action(shop: Shop) -> None:
    topped_up(shop)
    shop.result(taken_back(shop), "failed")
    nothing = shop.published()[-1]
    assert (nothing.kind, nothing.delta) == ("none", 0)
    assert shop.result(nothing.adjustment_id, "refused") == []
    assert counted(shop, "unknown", code="unknown") == 1.0


@pytest.mark.parametrize("status", NOT_DONE)
def test_a_late_result_of_what_was_taken_back_changes_nothing(shop: Shop, status: str) -> None:
    first = topped_up(shop)
    back = taken_back(shop)
    assert shop.alert(3, change="reopened") == TOPPED_UP
    assert shop.result(first, status) == []
    # As it should: what was not given cannot be taken.
    assert shop.result(back, "refused") == []
    assert not_taken_back(shop) == 0.0
    assert Store(shop.ledger.connection).topped_up_now() == {False: 3}


@pytest.mark.parametrize("status", NOT_DONE)
def test_a_reversal_that_waits_is_not_sent_for_what_never_happened(shop: Shop, status: str) -> None:
    action = topped_up(shop)
    shop.alert(2, status="resolved", change="resolved")
    shop.result(action, status)
    assert deltas(shop) == [3, -3, 0]
    assert [each.action_id for each in shop.commands()] == [action]


@pytest.mark.parametrize("status", NOT_DONE)
def test_a_reversal_that_did_not_happen_is_told(shop: Shop, status: str) -> None:
    topped_up(shop)
    back = taken_back(shop)
    with capture_logs() as logs:
        assert shop.result(back, status) == [f"o1 none reverse_{status} 0"]
    assert [(e["event"], e["log_level"]) for e in logs] == [("stock_action_not_done", "error")]
    assert deltas(shop) == [3, -3, 0]
    assert not_taken_back(shop) == 1.0
    # Units that nobody can account for are no ground for more.
    assert shop.alert(3, change="reopened") == []


@pytest.mark.parametrize("is_reported", [True, False])
def test_it_is_over_when_it_was_done_after_all(shop: Shop, is_reported: bool) -> None:
    topped_up(shop)
    back = taken_back(shop)
    shop.result(back, "failed")
    if is_reported:
        fields = {"type": "adjusted", "adjustment_id": back, "delta": -3, "on_hand": 100}
        shop.event("stock", **fields)
    else:
        assert shop.result(back, "done") == []
        assert shop.result(back, "failed") == []
    assert not_taken_back(shop) == 0.0
    assert counted(shop, "contradictory") == 0.0


@pytest.mark.parametrize("is_in_order", [True, False])
@pytest.mark.parametrize("first", NOT_DONE)
@pytest.mark.parametrize("second", NOT_DONE)
def test_both_results_may_come_in_any_order(
    shop: Shop, first: str, second: str, is_in_order: bool
) -> None:
    results = [(topped_up(shop), first), (taken_back(shop), second)]
    for action, status in results if is_in_order else reversed(results):
        shop.result(action, status)
    assert not_taken_back(shop) == 0.0
    assert sum(deltas(shop)) == 0


@pytest.mark.parametrize(("first", "second"), [("done", "failed"), ("refused", "done")])
def test_a_second_result_that_says_the_contrary_is_told_and_not_believed(
    shop: Shop, first: str, second: str
) -> None:
    action = topped_up(shop)
    shop.result(action, first)
    before = Store(shop.ledger.connection).topped_up_now()
    with capture_logs() as logs:
        assert shop.result(action, second) == []
    assert [entry["status"] for entry in logs] == ["contradictory"]
    assert counted(shop, "contradictory") == 1.0
    assert Store(shop.ledger.connection).topped_up_now() == before


def test_who_only_rehearses_a_real_action_has_not_done_it(shop: Shop) -> None:
    assert shop.result(topped_up(shop), "dry_run") == ["o1 reverse top_up_refused -3"]


class TestRehearsal:
    @pytest.fixture
    def shop(self, tmp_path: Path) -> Iterator[Shop]:
        shop = Shop(tmp_path / "stock.db", stock_dry_run=True)
        yield shop
        shop.close()

    def test_its_result_is_counted_and_changes_nothing(self, shop: Shop) -> None:
        assert shop.result(topped_up(shop), "dry_run") == []
        assert shop.result(taken_back(shop), "dry_run") == []
        assert counted(shop, "dry_run") == 2.0
        assert deltas(shop) == [3, -3]

    @pytest.mark.parametrize("status", NOT_DONE)
    def test_what_would_be_refused_is_refused_on_paper(self, shop: Shop, status: str) -> None:
        assert shop.result(topped_up(shop), status) == [f"o1 reverse top_up_{status} -3"]
        assert {each.is_dry_run for each in shop.published()} == {True}

    def test_a_reversal_on_paper_leaves_nothing_to_a_person(self, shop: Shop) -> None:
        topped_up(shop)
        shop.result(taken_back(shop), "failed")
        assert not_taken_back(shop) == 0.0

    def test_who_carries_it_out_for_real_is_told_of(self, shop: Shop) -> None:
        with capture_logs() as logs:
            assert shop.result(topped_up(shop), "done") == []
        assert [(e["status"], e["is_dry_run"]) for e in logs] == [("contradictory", True)]


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_result_of_another_age_is_dated_as_one_of_ours(shop: Shop, at: str) -> None:
    assert shop.result(topped_up(shop), "failed", finished_at=at) == ["o1 reverse top_up_failed -3"]
    assert 2000 <= shop.published()[-1].decided_at.year < 2100


def test_a_result_that_cannot_be_read_is_counted_and_skipped(shop: Shop) -> None:
    shop.apply("action-results", b"{}")
    labels = {"topic": "action-results"}
    found = shop.metrics.registry.get_sample_value("orderwatch_stock_bad_records_total", labels)
    assert found == 1.0


def test_what_open_alerts_hold_is_summed_up_once_for_each_order(shop: Shop) -> None:
    shop.alert(name="a", held={"o1": (3, "held"), "o2": (4, "held"), "o3": (9, "paid")})
    shop.alert(name="b", held={"o1": (3, "held")})

    def held() -> float | None:
        shop.now += 60
        shop.upkeep.step()
        return shop.metrics.registry.get_sample_value("orderwatch_stock_held_units")

    assert held() == 7.0
    shop.alert(2, name="a", status="resolved", change="resolved")
    assert held() == 3.0


def test_a_file_of_an_earlier_version_learns_of_results(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "s.db")
    action = topped_up(shop)
    shop.ledger.connection.execute("DROP INDEX adjustments_not_done")
    shop.ledger.connection.execute("ALTER TABLE adjustments DROP COLUMN outcome")
    shop.close()
    shop = Shop(tmp_path / "s.db")
    assert shop.result(action, "failed") == ["o1 reverse top_up_failed -3"]
    assert shop.alert(name="c", held={"o9": (1, "held")}) == ["o9 top_up held_unpaid 1"]
    assert shop.published()[-1].item_id == ITEM
    shop.close()


def reported(shop: Shop, adjustment_id: str, delta: int = 3) -> list[str]:
    """What the platform's own report that it was carried out brings."""
    fields = {"type": "adjusted", "adjustment_id": adjustment_id, "delta": delta}
    return shop.event("stock", **fields, on_hand=100 + max(delta, 0))


def restarted(shop: Shop) -> Shop:
    """The same service after a stop, over the same file, told of what the topics say."""
    said = shop.published()
    shop.close()
    again = Shop(shop.path)
    again.events, again.now, again.broker.records = shop.events, shop.now, shop.broker.records
    store = Store(again.ledger.connection)
    with transaction(store.connection):
        restore(store, said)
    return again


@pytest.mark.parametrize("status", [*NOT_DONE, "dry_run"])
@pytest.mark.parametrize("is_restarted", [True, False])
class TestReportedAndDenied:
    """The platform's stock has the units, and whoever carried it out says that it did not happen."""

    def test_a_report_is_believed_before_a_later_result(
        self, shop: Shop, status: str, is_restarted: bool
    ) -> None:
        action = topped_up(shop)
        reported(shop, action)
        shop = restarted(shop) if is_restarted else shop
        with capture_logs() as logs:
            assert shop.result(action, status) == []
        assert [(e["event"], e["status"]) for e in logs] == [
            ("stock_action_not_done", "contradictory")
        ]
        assert (counted(shop, "contradictory"), counted(shop, "failed")) == (1.0, 0.0)
        assert Store(shop.ledger.connection).topped_up_now() == {False: 3}
        back = taken_back(shop)
        assert [each.action_id for each in shop.commands()] == [action, back]
        assert deltas(shop) == [3, -3]
        shop.close()

    def test_a_report_after_the_result_has_the_units_taken_back(
        self, shop: Shop, status: str, is_restarted: bool
    ) -> None:
        action = topped_up(shop)
        shop.result(action, status)
        assert [each.action_id for each in shop.commands()] == [action]
        shop = restarted(shop) if is_restarted else shop
        with capture_logs() as logs:
            assert reported(shop, action) == []
        assert [(e["event"], e["status"]) for e in logs] == [
            ("stock_action_not_done", "contradictory")
        ]
        # Both read once more after a crash.
        reported(shop, action)
        shop.result(action, status)
        assert counted(shop, "contradictory") == 1.0
        gives, takes = shop.commands()
        assert (gives.action_id, gives.parameters["delta"]) == (action, 3)
        assert takes.parameters["delta"] == -3
        # The same decision, said again as after a crash, and no other one.
        assert deltas(shop) == [3, -3, -3]
        assert len({each.adjustment_id for each in shop.published()}) == 2
        assert shop.alert(2) == []
        assert shop.result(takes.action_id, "failed") == ["o1 none reverse_failed 0"]
        assert not_taken_back(shop) == 1.0
        shop.close()


@pytest.mark.parametrize("is_reported_first", [True, False])
def test_a_reversal_that_was_refused_is_left_to_a_person_once_the_units_are_reported(
    shop: Shop, is_reported_first: bool
) -> None:
    action = topped_up(shop)
    back = taken_back(shop)
    if is_reported_first:
        reported(shop, action)
    shop.result(action, "failed")
    shop.result(back, "refused")
    if not is_reported_first:
        assert not_taken_back(shop) == 0.0
        assert reported(shop, action) == ["o1 none reverse_refused 0"]
    assert not_taken_back(shop) == 1.0
    # That it had not happened was a decision of its own.
    assert deltas(shop) == [3, -3, 0] + [0] * (not is_reported_first)
    assert [each.action_id for each in shop.commands()] == [action, back]
    assert counted(shop, "contradictory") == 1.0
    assert shop.alert(3, change="reopened") == []


@pytest.mark.parametrize("is_done_by", ["result", "report"])
def test_what_was_taken_back_already_is_not_taken_back_again(shop: Shop, is_done_by: str) -> None:
    action = topped_up(shop)
    back = taken_back(shop)
    shop.result(action, "failed")
    if is_done_by == "result":
        shop.result(back, "done")
    else:
        reported(shop, back, -3)
    reported(shop, action)
    assert [each.action_id for each in shop.commands()] == [action, back]
    assert not_taken_back(shop) == 0.0
    assert counted(shop, "contradictory") == 1.0


@pytest.mark.parametrize("status", NOT_DONE)
def test_a_late_word_of_a_reversal_that_was_reported_is_no_news(shop: Shop, status: str) -> None:
    topped_up(shop)
    back = taken_back(shop)
    reported(shop, back, -3)
    assert shop.result(back, status) == []
    assert counted(shop, status) == counted(shop, "contradictory") == 0.0
    assert shop.alert(3, change="reopened") == TOPPED_UP


def test_what_is_reported_while_its_end_is_published_is_taken_back_all_the_same(
    shop: Shop,
) -> None:
    action = topped_up(shop)
    shop.result(action, "failed")

    def report_meanwhile() -> None:
        shop.broker.on_publish = lambda: None
        reported(shop, action)

    shop.broker.on_publish = report_meanwhile
    assert [each.parameters["delta"] for each in shop.commands()] == [3, -3]


def test_a_decision_made_while_one_is_said_again_loses_neither(shop: Shop) -> None:
    action = topped_up(shop)
    shop.result(action, "failed")
    shop.commands()

    def report_meanwhile() -> None:
        shop.broker.on_publish = lambda: None
        reported(shop, action)

    # A later decision is on its way when the earlier one must be said again.
    shop.alert(name="b", held={"o2": (2, "held")})
    shop.broker.on_publish = report_meanwhile
    assert [each.parameters["delta"] for each in shop.commands()] == [3, 2, -3]


def test_who_reports_stock_for_a_rehearsal_is_told_of(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "stock.db", stock_dry_run=True)
    action = topped_up(shop)
    with capture_logs() as logs:
        reported(shop, action)
        reported(shop, action)
    assert [(e["status"], e["is_dry_run"]) for e in logs] == [("contradictory", True)]
    assert counted(shop, "contradictory") == 1.0
    shop.close()


def test_a_file_that_was_lost_knows_of_what_never_happened(shop: Shop, tmp_path: Path) -> None:
    action = topped_up(shop)
    shop.result(action, "failed")
    said = shop.published()
    new = Shop(tmp_path / "new.db")
    new.events = shop.events
    store = Store(new.ledger.connection)
    with transaction(store.connection):
        restore(store, said)
    reported(new, action)
    assert [each.parameters["delta"] for each in new.commands()] == [-3]
    assert counted(new, "contradictory") == 1.0
    new.close()


@pytest.mark.parametrize("status", NOT_DONE)
def test_what_did_not_happen_and_was_taken_back_before_that_was_known_is_not_asked_for_again(
    shop: Shop, status: str
) -> None:
    action = topped_up(shop)
    taken_back(shop)
    assert shop.result(action, status) == [f"o1 none top_up_{status} 0"]
    assert shop.alert(name="b") == []
    assert shop.alert(3, change="reopened") == []
    assert shop.reading(on_hand=200) == []
    assert deltas(shop) == [3, -3, 0]
    assert not_taken_back(shop) == 0.0


def test_nothing_is_said_of_it_once_the_order_is_paid(shop: Shop) -> None:
    action = topped_up(shop)
    assert shop.alert(2, held={"o1": (3, "paid")}) == ["o1 reverse order_paid -3"]
    assert shop.result(action, "failed") == []
