"""Outside a dry run each alert's top-ups wait for a person, unless the settings say otherwise."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from streams.cli.approval import say
from streams.errors import ConfigurationError
from streams.settings import Settings
from streams.stock.control import Word, recall
from streams.stock.store import Store
from streams.subscriber.ledger import open_database
from tests.factories import T0, make_alert
from tests.unit.test_stock_decisions import TOPPED_UP, Shop, said

WAITS = ["o1 none needs_approval 0"]
A, B = (make_alert(name, orders=0).alert_id for name in "ab")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "stock.db", stock_approval=True)
    shop.reading(on_hand=100)
    yield shop
    shop.close()


def approved(shop: Shop, alert_id: str = A, **fields: str) -> list[str]:
    body = {"control_id": "c", "command": "stock_approve", "value": alert_id, "at": str(T0)}
    return said(shop.apply("control", json.dumps({**body, **fields}).encode()))


def refused(shop: Shop, alert_id: str = A, at: datetime = T0) -> list[str]:
    return approved(shop, alert_id, command="stock_refuse", at=str(at))


def minutes(number: int) -> datetime:
    return T0 + timedelta(minutes=number)


def at_minute(shop: Shop, number: int) -> datetime:
    shop.now = minutes(number).timestamp()
    return minutes(number)


def test_a_person_is_asked_unless_the_settings_say_otherwise() -> None:
    assert Settings().stock_approval


def test_nothing_is_topped_up_before_its_alert_is_approved(shop: Shop) -> None:
    assert shop.alert() == WAITS
    assert shop.commands() == []
    assert approved(shop) == TOPPED_UP
    assert [each.parameters["delta"] for each in shop.commands()] == [3]


def test_an_approval_may_come_before_its_alert(shop: Shop) -> None:
    assert approved(shop) == []
    assert shop.alert() == TOPPED_UP


def test_it_is_for_one_alert_and_its_later_orders(shop: Shop) -> None:
    approved(shop)
    shop.alert()
    assert shop.alert(name="b", held={"o2": (2, "held")}) == ["o2 none needs_approval 0"]
    held = {"o1": (3, "held"), "o3": (1, "held")}
    assert shop.alert(2, held=held) == ["o3 top_up held_unpaid 1"]


def test_either_alert_that_names_an_order_will_do(shop: Shop) -> None:
    shop.alert(name="a")
    shop.alert(name="b")
    assert approved(shop, B) == TOPPED_UP
    assert approved(shop, A) == []


def test_it_expires_after_a_day_and_what_was_topped_up_stays(shop: Shop) -> None:
    shop.alert()
    approved(shop)
    shop.now = (T0 + timedelta(hours=24)).timestamp()
    held = {"o1": (3, "held"), "o3": (1, "held")}
    assert shop.alert(2, held=held) == ["o3 none needs_approval 0"]
    assert [each.parameters["delta"] for each in shop.commands()] == [3]


@pytest.mark.parametrize(
    ("at", "hours"), [(T0 + timedelta(days=900), 24), (T0 - timedelta(hours=20), 4)]
)
def test_a_wrong_clock_makes_it_no_longer(shop: Shop, at: object, hours: int) -> None:
    approved(shop, at=str(at))
    shop.now = (T0 + timedelta(hours=hours, seconds=-1)).timestamp()
    assert shop.alert() == TOPPED_UP
    shop.now += 1
    assert shop.alert(name="a", revision=2, held={"o3": (1, "held")})[-1].endswith(
        "needs_approval 0"
    )


def test_an_old_approval_that_is_read_again_approves_nothing(shop: Shop) -> None:
    shop.now = (T0 + timedelta(hours=25)).timestamp()
    shop.alert()
    assert approved(shop) == []
    assert shop.commands() == []


def test_budgets_and_the_kill_switch_hold_all_the_same(shop: Shop) -> None:
    shop.alert()
    shop.switch("on")
    assert approved(shop) == ["o1 none kill_switch 0"]


def test_what_the_platform_has_closed_is_not_let_go(shop: Shop) -> None:
    shop.alert()
    shop.now = (T0 + timedelta(days=3)).timestamp()
    assert approved(shop, at=str(T0 + timedelta(days=3))) == []


def test_taking_back_needs_none(shop: Shop) -> None:
    approved(shop)
    shop.alert()
    shop.now = (T0 + timedelta(hours=30)).timestamp()
    assert shop.alert(2, held={}) == ["o1 reverse alert_ended -3"]


def test_stock_that_comes_and_goes_brings_no_word_about_orders_that_wait(shop: Shop) -> None:
    shop.alert()
    assert shop.reading(on_hand=0) == []
    assert shop.reading(on_hand=100) == []


WRONG = ["", "D01", "all", "*"]


@pytest.mark.parametrize("word", ["approve", "refuse"])
@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_alert_is_refused_at_the_command_line(wrong: str, word: Word) -> None:
    with pytest.raises(ConfigurationError, match=rf"--{word} is .*the id of an alert.*Nothing was"):
        say(Settings(), word, wrong)


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_alert_is_refused_and_counted_on_the_topic(shop: Shop, wrong: str) -> None:
    with capture_logs() as logs:
        assert approved(shop, wrong) == []
    assert [entry["event"] for entry in logs] == ["stock_record_refused"]
    found = shop.metrics.registry.get_sample_value(
        "orderwatch_stock_bad_records_total", {"topic": "control"}
    )
    assert found == 1.0


def test_an_approval_that_names_the_switch_where_an_alert_belongs_stops_it_all(shop: Shop) -> None:
    approved(shop, "stock_kill_switch")
    assert shop.is_killed()


@pytest.mark.parametrize("written", [A.upper(), f"{{{A}}}", A.replace("-", "")])
def test_an_id_that_is_written_otherwise_is_the_same(shop: Shop, written: str) -> None:
    shop.alert()
    with capture_logs() as logs:
        assert approved(shop, written) == TOPPED_UP
    (said,) = (entry for entry in logs if entry["event"] == "stock_approved")
    assert (said["alert"], said["until"]) == (A, (T0 + timedelta(hours=24)).isoformat())


def test_an_approval_of_nothing_known_does_no_harm(shop: Shop) -> None:
    assert approved(shop, str(uuid.uuid4())) == []
    assert shop.alert() == WAITS


REFUSED = ["o1 none approval_refused 0"]
TAKEN_BACK = ["o1 reverse approval_refused -3"]


def test_what_is_refused_waits_no_longer_until_somebody_approves_it(shop: Shop) -> None:
    shop.alert()
    assert refused(shop) == REFUSED
    assert shop.reading(on_hand=99) == []
    assert approved(shop, at=str(at_minute(shop, 1))) == TOPPED_UP


def test_a_refusal_may_come_before_its_alert(shop: Shop) -> None:
    assert refused(shop) == []
    assert shop.alert() == REFUSED


def test_a_refusal_takes_back_what_had_gone_and_lets_nothing_more_go(shop: Shop) -> None:
    shop.alert()
    approved(shop)
    assert refused(shop, at=at_minute(shop, 1)) == TAKEN_BACK
    held = {"o1": (3, "held"), "o3": (1, "held")}
    assert shop.alert(2, held=held) == ["o1 none approval_refused 0", "o3 none approval_refused 0"]
    assert [each.parameters["delta"] for each in shop.commands()] == [3, -3]


def test_no_approval_asks_again_for_what_did_not_happen_before_it_was_refused(shop: Shop) -> None:
    shop.alert()
    approved(shop)
    (action,) = shop.commands()
    assert refused(shop, at=at_minute(shop, 1)) == TAKEN_BACK
    assert shop.result(action.action_id, "failed") == ["o1 none top_up_failed 0"]
    assert approved(shop, at=str(at_minute(shop, 2))) == []


def test_what_another_alert_was_approved_for_stays(shop: Shop) -> None:
    shop.alert(name="a")
    shop.alert(name="b")
    assert approved(shop, B) == TOPPED_UP
    assert refused(shop, A) == []
    assert refused(shop, B) == TAKEN_BACK


def test_a_refusal_stops_an_alert_also_where_nobody_is_asked(shop: Shop) -> None:
    shop.configure(stock_approval=False)
    assert shop.alert() == TOPPED_UP
    assert refused(shop) == TAKEN_BACK
    assert shop.reading(on_hand=99) == REFUSED


def test_a_refusal_is_rehearsed_in_a_dry_run(shop: Shop) -> None:
    shop.configure(stock_dry_run=True)
    shop.alert()
    assert refused(shop) == TAKEN_BACK
    assert [(each.parameters["delta"], each.is_dry_run) for each in shop.commands()] == [
        (3, True),
        (-3, True),
    ]


def test_both_words_may_be_read_at_once_after_the_service_was_down(shop: Shop) -> None:
    shop.alert()
    at_minute(shop, 60)
    assert approved(shop) == TOPPED_UP
    assert refused(shop, at=minutes(1)) == TAKEN_BACK


def test_an_approval_that_comes_again_after_a_refusal_lets_nothing_go(shop: Shop) -> None:
    shop.alert()
    approved(shop)
    refused(shop, at=at_minute(shop, 1))
    with capture_logs() as logs:
        assert approved(shop) == []
        assert approved(shop, at=str(minutes(1))) == []
    assert [entry["event"] for entry in logs] == ["stock_word_ignored"] * 2
    assert shop.reading(on_hand=99) == REFUSED


def test_a_refusal_that_comes_again_after_a_later_approval_takes_nothing_back(shop: Shop) -> None:
    shop.alert()
    refused(shop)
    assert approved(shop, at=str(at_minute(shop, 1))) == TOPPED_UP
    assert refused(shop) == []


def test_an_approval_that_has_ended_takes_no_refusal_back(shop: Shop) -> None:
    shop.alert()
    refused(shop)
    shop.now = (T0 + timedelta(hours=30)).timestamp()
    assert approved(shop, at=str(minutes(1))) == []
    assert shop.reading(on_hand=99) == []


def test_a_refusal_from_the_future_keeps_approvals_away_for_a_day_only(shop: Shop) -> None:
    shop.alert()
    refused(shop, at=T0 + timedelta(days=900))
    assert approved(shop, at=str(at_minute(shop, 1))) == []
    shop.now = (T0 + timedelta(hours=24, seconds=1)).timestamp()
    assert approved(shop, at=str(T0 + timedelta(hours=24, seconds=1))) == TOPPED_UP


def test_a_refusal_stops_what_the_kill_switch_stops_already_and_more(shop: Shop) -> None:
    shop.alert()
    approved(shop)
    shop.switch("on")
    assert refused(shop, at=at_minute(shop, 1)) == TAKEN_BACK
    shop.switch("off")
    assert shop.reading(on_hand=99) == REFUSED


def test_a_refusal_is_kept_over_a_restart_and_forgotten_after_a_month(shop: Shop) -> None:
    refused(shop)
    assert Store(open_database(shop.path)).refused() == {A}
    shop.now = (T0 + timedelta(days=31)).timestamp()
    shop.upkeep.step()
    assert Store(shop.ledger.connection).refused() == frozenset()


def command(word: str, alert_id: str = A, at: datetime = T0, control_id: str = "c") -> bytes:
    body = {"control_id": control_id, "command": f"stock_{word}", "value": alert_id, "at": str(at)}
    return json.dumps(body).encode()


def test_a_file_that_is_lost_gets_refusals_back_from_the_log_and_no_approval(shop: Shop) -> None:
    """Also none that names the switch, which is looked for in the log, and none from the future."""
    shop.configure(stock_approval=True)
    ahead = T0 + timedelta(days=900)
    log = [command("refuse"), b"{}", command("approve", B, ahead, "stock_kill_switch")]
    recall(Store(shop.ledger.connection), [(value, n) for n, value in enumerate(log)], T0)
    assert not shop.ledger.connection.execute("SELECT * FROM kill_switch").fetchall()
    assert shop.alert() == REFUSED
    assert shop.alert(name="b", held={"o2": (2, "held")}) == ["o2 none needs_approval 0"]


def test_a_refusal_that_came_while_the_service_was_down_takes_back_what_had_gone(
    shop: Shop,
) -> None:
    """The start sees it in the log before its record is read."""
    shop.alert()
    approved(shop)
    recall(Store(shop.ledger.connection), [(command("refuse", at=minutes(1)), 0)], minutes(2))
    at_minute(shop, 2)
    assert refused(shop, at=minutes(1)) == TAKEN_BACK
    refused(shop, at=minutes(1))
    assert [each.parameters["delta"] for each in shop.commands()] == [3, -3]


def test_what_is_recalled_at_a_start_undoes_no_later_approval(shop: Shop) -> None:
    shop.alert()
    refused(shop)
    assert approved(shop, at=str(at_minute(shop, 1))) == TOPPED_UP
    recall(Store(shop.ledger.connection), [(command("refuse"), 0)], minutes(2))
    assert shop.alert(2, name="a", held={"o3": (1, "held")})[-1].endswith("top_up held_unpaid 1")


def test_a_decision_says_until_when_a_top_up_makes_sense(shop: Shop) -> None:
    shop.alert()
    shop.upkeep.step()
    (waits,) = (json.loads(record.value) for record in shop.broker.records)
    assert waits["closes_at"] == "2026-11-14T12:00:00Z"
