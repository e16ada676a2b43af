"""What an alert says while its story goes on: numbers, times and steps are those of that moment.

The traps are what has ended before the alert did, and what came again after it began.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.alerts import Alert
from streams.detect.engine import Engine
from tests.episode_rows import engine_rows, oracle_rows
from tests.oracle.case_story import CaseStory
from tests.oracle.seller_story import SellerStory
from tests.oracle.story import DAY, HOUR, MINUTE, Story, ms
from tests.pipeline import Event, Pipeline, build_engine, run
from tests.talk_stories import Talk

HOME = {
    "name": "张三",
    "phone": "13800138000",
    "state": "浙江省",
    "city": "杭州市",
    "district": "西湖区",
    "detail": "文三路1号2幢301室",
}
LISTING: dict[str, Any] = {
    "title": "包邮连衣裙",
    "category": "女装",
    "claims_free_shipping": True,
    "post_fee_minor": 500,
    "deduct_on_payment_supported": True,
}
DRESSES, BAGS = ["女装/连衣裙"], ["箱包"]


class FullStory(CaseStory, SellerStory):
    """A story of everything."""


def told(events: Sequence[Event], detector: str, until: float) -> Alert:
    """The last revision of the only alert of a detector."""
    last = {a.alert_id: a for a in run(events, ms(until)).alerts if a.detector == detector}
    (alert,) = last.values()
    return alert


def agree(events: Sequence[Event], until: float) -> None:
    """The engine and the oracle find the same episodes."""
    pipeline = run(events, ms(until))
    assert engine_rows(pipeline.alerts, pipeline.partitions) == oracle_rows(events, ms(until))


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(ms(seconds) / 1000, UTC)


def steps(alert: Alert) -> str:
    return " ".join(action.text.zh for action in alert.suggested_actions)


def deadlines(alert: Alert) -> list[tuple[str, datetime]]:
    return [(deadline.code, deadline.due_at) for deadline in alert.deadlines]


def values(alert: Alert) -> dict[str, int]:
    return {threshold.name: threshold.value for threshold in alert.evidence.thresholds}


def bursts(count: int, apart: float) -> Story:
    """Bursts of five unpaid orders, the orders of each a second apart."""
    story = Story()
    for burst in range(count):
        for number in range(5):
            story.created(f"o{burst}{number}", burst * apart + number)
    return story


def test_d01_t01_is_that_of_the_first_order_that_is_still_held() -> None:
    story = bursts(2, 20 * HOUR)
    assert deadlines(told(story.events, "D01", 21 * HOUR)) == [("T01", at(3 * DAY))]
    for number in range(5):
        story.closed(f"o0{number}", 22 * HOUR)
    assert deadlines(told(story.events, "D01", DAY)) == [("T01", at(3 * DAY + 20 * HOUR))]


def test_d01_t01_moves_on_as_the_platform_closes_order_by_order() -> None:
    story = bursts(2, 20 * HOUR)
    alert = told(story.events, "D01", 3 * DAY + 2)
    assert deadlines(alert) == [("T01", at(3 * DAY + 3))]


def test_d03_t01_is_that_of_the_first_order_that_is_still_held() -> None:
    story = Story()
    for number in range(6):
        story.buyer = f"b{number % 3}"
        story.created(f"o{number}", number * MINUTE, 20, receiver=HOME)
    assert deadlines(told(story.events, "D03", HOUR)) == [("T01", at(3 * DAY))]
    for number in range(2):
        story.buyer = f"b{number}"
        story.paid(f"o{number}", 2 * HOUR)
    assert deadlines(told(story.events, "D03", 3 * HOUR)) == [("T01", at(3 * DAY + 2 * MINUTE))]


def ring() -> Story:
    """A burst of six orders, by three accounts to one address and by a fourth alone."""
    story = Story()
    for number in range(6):
        story.buyer = f"b{number % 3}"
        story.created(f"r{number}", number * MINUTE, 20, receiver=HOME)
        story.buyer = "b"
        story.created(f"o{number}", number * MINUTE, 20)
    return story


def closing_after(close_s: int) -> Engine:
    closing = {"close_s": close_s, "remind_before_s": close_s // 12}
    return build_engine(shops={"s": {"deadlines": {"T01": closing}}})


def last_of(pipeline: Pipeline, detector: str) -> Alert:
    return [alert for alert in pipeline.alerts if alert.detector == detector][-1]


@pytest.mark.parametrize("detector", ["D01", "D03"])
@pytest.mark.parametrize("close_s", [15 * MINUTE, DAY, 20 * DAY])
def test_until_a_shops_own_t01_stock_is_held_and_no_longer(detector: str, close_s: int) -> None:
    pipeline = Pipeline(closing_after(close_s))
    pipeline.send(ring().events)
    for number in range(6):
        pipeline.finish(ms(max(10 * MINUTE, close_s + number * MINUTE - 1)))
        alert = last_of(pipeline, detector)
        assert alert.status == "open"
        assert deadlines(alert) == [("T01", at(close_s + number * MINUTE))]
        assert sum(line.units for line in alert.held_units if line.state == "held") == (
            20 * (6 - number)
        )
    pipeline.finish(ms(close_s + 5 * MINUTE))
    alert = last_of(pipeline, detector)
    assert (alert.status, alert.resolved_at) == ("expired", at(close_s + 5 * MINUTE))
    assert deadlines(alert) == []
    assert {line.state for line in alert.held_units} == {"closed"}


@pytest.mark.parametrize("detector", ["D01", "D03"])
def test_a_t01_that_is_made_longer_reaches_an_open_alert_when_the_old_one_is_due(
    detector: str,
) -> None:
    pipeline = Pipeline(closing_after(3 * DAY))
    pipeline.send(ring().events)
    pipeline.finish(ms(DAY))
    pipeline.restart(closing_after(20 * DAY))
    pipeline.finish(ms(3 * DAY))
    alert = last_of(pipeline, detector)
    assert (alert.status, deadlines(alert)) == ("open", [("T01", at(20 * DAY))])
    pipeline.finish(ms(20 * DAY + HOUR))
    assert last_of(pipeline, detector).resolved_at == at(20 * DAY + 5 * MINUTE)


@pytest.mark.parametrize(("is_sent", "step"), [(True, "跟踪物流"), (False, "请通知仓库不要发出")])
@pytest.mark.parametrize("detector", ["D07", "D35"])
def test_nobody_is_told_to_keep_back_a_parcel_that_has_left(
    detector: str, is_sent: bool, step: str
) -> None:
    story = FullStory()
    story.flagged(0, banned=True)
    story.ordered("o", MINUTE, (30,))
    story.paid("o", 2 * MINUTE)
    if is_sent:
        story.shipped("o", HOUR)
    story.closed("o", 5 * DAY)
    alert = told(story.events, detector, 6 * DAY)
    assert alert.status == "resolved"
    assert step in steps(alert)


@pytest.mark.parametrize("step", ["escalated", "withdrawn"])
@pytest.mark.parametrize(("detector", "reason"), [("D28", "wrong_item"), ("D29", "damaged")])
def test_t07_is_shown_until_negotiation_is_over(detector: str, reason: str, step: str) -> None:
    story = SellerStory()
    story.disputed("o", 0, reason, channel="cainiao")
    assert deadlines(told(story.events, detector, DAY)) == [("T07", at(5 * DAY))]
    story.dispute_step(step, "o", 2 * DAY)
    assert deadlines(told(story.events, detector, 3 * DAY)) == []


def test_d31_only_what_is_still_negotiated_can_be_withdrawn() -> None:
    story = SellerStory()
    for number in range(10):
        story.buyer = f"b{number}"
        story.disputed(f"o{number}", number)
        if number < 8:
            story.dispute_step("escalated", f"o{number}", HOUR)
    alert = told(story.events, "D31", DAY)
    assert values(alert)["disputes_standing"] == 10
    assert "其中2单仍在协商期" in alert.summary.zh
    assert "; 2 are still in negotiation" in alert.summary.en
    assert deadlines(alert) == [("T07", at(5 * DAY + 8))]
    assert "由买家自愿撤销" in steps(alert)
    for number in (8, 9):
        story.buyer = f"b{number}"
        story.dispute_step("ruled", f"o{number}", 2 * HOUR, ruling="refund")
    alert = told(story.events, "D31", DAY)
    assert "由买家自愿撤销" not in steps(alert)
    assert deadlines(alert) == []


def test_d31_what_others_withdraw_later_is_no_news_of_what_is_over() -> None:
    story = SellerStory()
    for number in range(12):
        story.buyer = f"b{number}"
        story.disputed(f"o{number}", 20 * DAY * (number > 9))
        if number < 3 or number > 9:
            story.dispute_step("withdrawn", f"o{number}", 20 * DAY * (number > 9) + HOUR)
    pipeline = Pipeline()
    first, later = story.events[:13], story.events[13:]
    pipeline.send(first)
    *_, before = pipeline.finish(ms(2 * DAY)).alerts
    assert before.status == "resolved"
    assert "其中3起纠纷已撤销,不再计入;窗口期订单总数未配置" in (
        before.evidence.counter_evidence[0].zh
    )
    pipeline.send(later)
    pipeline.finish(ms(21 * DAY))
    assert pipeline.alerts[-1] == before


class TestD30:
    @staticmethod
    def escalated() -> SellerStory:
        story = SellerStory()
        story.disputed("o", 0, "return", ends=10 * DAY)
        story.dispute_step("escalated", "o", 9 * DAY)
        return story

    def test_what_comes_after_the_escalation_is_checked_and_withdrawing_is_optional(self) -> None:
        story = self.escalated()
        alert = told(story.events, "D30", 10 * DAY)
        assert steps(alert) == "保留未收到退货的物流凭证"
        story.returned("delivered", "o", 12 * DAY)
        alert = told(story.events, "D30", 13 * DAY)
        assert (alert.status, alert.resolved_at) == ("resolved", at(9 * DAY))
        assert "已升级仲裁,之后收到退货" in alert.summary.zh
        assert "was escalated, and the return came later" in alert.summary.en
        assert steps(alert) == "核对收到的退货;可选择撤销仲裁,不撤销或撤销时报错都不影响"

    @pytest.mark.parametrize("step", ["arbitration_withdrawn", "ruled"])
    def test_what_is_no_longer_arbitrated_need_not_be_withdrawn(self, step: str) -> None:
        story = self.escalated()
        story.returned("delivered", "o", 12 * DAY)
        if step == "ruled":
            story.dispute_step(step, "o", 13 * DAY, ruling="refund")
        else:
            story.dispute_step(step, "o", 13 * DAY)
        assert steps(told(story.events, "D30", 14 * DAY)) == "核对收到的退货"

    def test_a_parcel_in_time_needs_no_word_about_arbitration(self) -> None:
        story = SellerStory()
        story.disputed("o", 0, "return", ends=10 * DAY)
        story.returned("delivered", "o", 9 * DAY)
        alert = told(story.events, "D30", 10 * DAY)
        assert steps(alert) == "核对收到的退货"
        assert alert.evidence.counter_evidence[0].zh == "退货已收到"

    def test_a_parcel_after_the_countdown_is_checked(self) -> None:
        story = SellerStory()
        story.disputed("o", 0, "return", ends=10 * DAY)
        story.returned("delivered", "o", 11 * DAY)
        alert = told(story.events, "D30", 12 * DAY)
        assert (alert.status, steps(alert)) == ("expired", "核对收到的退货")
        assert "倒计时已结束,之后收到退货" in alert.summary.zh

    def test_what_came_for_one_item_hides_no_countdown_of_another(self) -> None:
        story = SellerStory()
        story.disputed("o", 0, "return", ends=10 * DAY)
        story.returned("delivered", "o", 5 * DAY)
        story.disputed("o", 6 * DAY, "return", ends=16 * DAY, dispute_id="d-2")
        alert = told(story.events, "D30", 15 * DAY)
        assert (alert.status, deadlines(alert)) == ("open", [("T08", at(16 * DAY))])
        agree(story.events, 15 * DAY)


ABUSE = "卖家是傻逼骗子王八蛋"


class TestD19:
    def test_what_was_edited_away_is_not_complained_about(self) -> None:
        talk = Talk()
        talk.reviewed("posted", "o", 0, text=f"{ABUSE},打他电话13912345678", mutual_rated=True)
        alert = told(talk.events, "D19", HOUR)
        assert ("泄露他人信息" in alert.title.zh, "不合理评价" in steps(alert)) == (True, True)
        talk.reviewed("changed", "o", DAY, text="你是个傻逼", mutual_rated=True)
        alert = told(talk.events, "D19", 2 * DAY)
        assert (alert.status, alert.severity) == ("open", "warn")
        assert "泄露" not in alert.title.zh
        assert "(1处用语,0处他人信息)" in alert.summary.zh
        assert "核对原文" in steps(alert)

    def test_what_is_added_later_does_not_move_the_end(self) -> None:
        talk = Talk()
        talk.reviewed("posted", "o", 0, text=ABUSE)
        talk.reviewed("changed", "o", DAY, text="质量差")
        talk.reviewed("appended", "o", 2 * DAY, text="还是差")
        alert = told(talk.events, "D19", 3 * DAY)
        assert (alert.status, alert.resolved_at) == ("resolved", at(DAY))


def test_d24_says_of_one_message_only_what_one_message_holds() -> None:
    talk = Talk()
    talk.said("亲好评返现吗?地址是不是浙江省杭州市西湖区文三路1号", 0)
    talk.said("地址是浙江省杭州市西湖区文三路1号,发票和商品分开寄", HOUR)
    alert = told(talk.events, "D24", 2 * HOUR)
    assert "同一消息含返现、地址确认。" in alert.summary.zh
    assert values(alert) == {"themes": 2}


def test_t04_names_the_days_of_the_shop() -> None:
    talk = Talk()
    talk.reviewed("posted", "o", 0, text=ABUSE, mutual_rated=True)
    rule = {"T04": {"within_days": 15}}
    pipeline = Pipeline(build_engine(shops={"s": {"deadlines": rule}}))
    pipeline.send(talk.events)
    (alert,) = pipeline.finish(ms(DAY)).alerts
    assert deadlines(alert) == [("T04", at(15 * DAY))]
    assert "15天内" in alert.deadlines[0].text.zh


def test_d08_an_answer_takes_nothing_from_what_made_it_critical() -> None:
    story = Story()
    story.created("o", 0)
    story.paid("o", MINUTE)
    story.shipped("o", HOUR)
    for attempt in range(1, 4):
        story.requested("o", attempt * DAY, attempt=attempt)
        story.refund_step("refused", "o", attempt * DAY + HOUR, attempt=attempt)
    story.contact(3 * DAY + 2 * HOUR)
    story.contact(3 * DAY + 3 * HOUR)
    story.contact(4 * DAY, answered=True)
    story.requested("o", 5 * DAY, attempt=4)
    alert = told(story.events, "D08", 6 * DAY)
    assert (alert.severity, values(alert)["failed_contacts"]) == ("critical", 2)
    assert "联系未接通2次" in alert.summary.zh
    assert "2 contact attempts went unanswered" in alert.summary.en
    assert "接通联系1次" in alert.evidence.counter_evidence[0].zh


def test_d21_the_numbers_are_those_of_the_window_that_crossed() -> None:
    story = CaseStory()
    for number in range(20):
        story.paid(f"fine{number}", 3 * DAY + number)
    for number in range(25):
        story.paid(f"o{number}", 42 * DAY + number)
        late = 2 * DAY if number >= 20 else HOUR
        story.review("posted", f"r{number}", f"o{number}", 42 * DAY + late + number)
    alert = told(story.events, "D21", 45 * DAY)
    # From 44 d on, the twenty orders of the third day are older than forty days.
    assert (values(alert)["bad_share"], values(alert)["orders"]) == (100, 25)
    assert "近期25笔订单中25笔" in alert.summary.zh
    assert "on 25 of 25 recent orders" in alert.summary.en


class TestD22:
    def story(self, *sold: tuple[float, list[str]]) -> FullStory:
        story = FullStory()
        story.ordered("o", HOUR, category="女装/连衣裙")
        for when, categories in sold:
            is_seller = bool(categories)
            body = {"is_seller": is_seller, "leaf_categories": categories}
            story.account("seller_category", when, **body)
        story.review("posted", "r", "o", 2 * DAY)
        return story

    @pytest.mark.parametrize("until", [19 * DAY, 39 * DAY, 41 * DAY])
    def test_that_it_is_told_again_makes_no_case_a_newer_one(self, until: float) -> None:
        story = self.story((0, DRESSES), (20 * DAY, DRESSES), (40 * DAY, [*DRESSES, *BAGS]))
        alert = told(story.events, "D22", until)
        assert alert.opened_at == at(2 * DAY)
        assert alert.status == ("open" if until < 32 * DAY else "expired")
        assert alert.resolved_at == (None if until < 32 * DAY else at(32 * DAY + 0.001))
        agree(story.events, until)

    @pytest.mark.parametrize("between", [BAGS, []])
    def test_who_begins_anew_is_a_seller_from_then_on(self, between: list[str]) -> None:
        story = self.story((0, DRESSES), (3 * DAY, between), (4 * DAY, DRESSES), (5 * DAY, DRESSES))
        assert told(story.events, "D22", 6 * DAY).opened_at == at(4 * DAY)
        agree(story.events, 6 * DAY)
        assert not self.found(self.story((0, DRESSES), (3 * DAY, between)))

    def found(self, story: FullStory) -> list[Alert]:
        agree(story.events, 6 * DAY)
        alerts = run(story.events, ms(6 * DAY)).alerts
        return [a for a in alerts if (a.detector, a.status) == ("D22", "open")]


def test_d27_what_somebody_looked_up_is_told_in_place_of_the_callback() -> None:
    story = SellerStory()
    story.topped_up("t", 0)
    story.answered("t", 12 * MINUTE, "failed")
    assert "充值失败" in told(story.events, "D27", DAY).summary.zh
    story.answered("t", 30 * MINUTE, "succeeded", "reconciled")
    alert = told(story.events, "D27", DAY)
    assert alert.resolved_at == at(12 * MINUTE)
    assert values(alert)["no_result_for"] == 12 * MINUTE
    assert "充值成功" in alert.summary.zh
    assert "succeeded" in alert.summary.en
    assert len(alert.evidence.facts) == 3
    agree(story.events, DAY)


def test_no_case_is_resolved_before_it_was_opened() -> None:
    story = SellerStory()
    # Clocks differ: what was sent along with a dispute or a complaint may be a second older.
    story.dispute_step("withdrawn", "o", 0)
    story.disputed("o", 1, "damaged")
    story.created("p", 0)
    story.ruled("k", "p", 10, "rejected", "postage")
    story.filed("k", "p", 11, "postage")
    for detector, opened in (("D29", 1), ("D15", 11)):
        alert = told(story.events, detector, HOUR)
        assert alert.opened_at == alert.resolved_at == at(opened)
    agree(story.events, HOUR)


class TestD06:
    def story(self) -> FullStory:
        story = FullStory()
        story.account("verified", 0, alipay_verified=False)
        story.ordered("o", HOUR)
        return story

    def test_what_was_put_right_asks_for_nothing(self) -> None:
        story = self.story()
        assert "请在发货前联系确认" in told(story.events, "D06", 2 * HOUR).summary.zh
        story.account("verified", 2 * HOUR, alipay_verified=True)
        alert = told(story.events, "D06", DAY)
        assert (alert.status, alert.summary.zh) == (
            "resolved",
            "买家b:账号未完成实名认证。信息已更正。",
        )
        assert alert.summary.en == "b: the account is not verified. It was put right."
        assert [action.code for action in alert.suggested_actions] == ["A4_remind"]

    def test_nobody_is_to_be_reached_before_what_has_left_already(self) -> None:
        story = self.story()
        story.shipped("o", 2 * HOUR)
        alert = told(story.events, "D06", DAY)
        assert (alert.status, "目前没有待发货的订单" in alert.summary.zh) == ("open", True)
        assert "再下单时" in steps(alert)
        story.ordered("p", 2 * DAY)
        assert "请在发货前联系确认" in told(story.events, "D06", 3 * DAY).summary.zh


class TestD26:
    def story(self) -> Story:
        story = Story()
        story.stock("i", 0, 100)
        story.listing("published", "i", MINUTE, **LISTING)
        return story

    def test_what_is_mended_is_not_asked_for_any_more(self) -> None:
        story = self.story()
        assert "修改标题" in steps(told(story.events, "D26", HOUR))
        story.listing("changed", "i", DAY, **LISTING | {"post_fee_minor": 0})
        alert = told(story.events, "D26", 2 * DAY)
        assert alert.summary.zh == "商品i设置风险:类目支持付款减库存但未开通。"
        assert steps(alert) == "开通付款减库存"
        assert alert.severity == "warn"

    def test_nor_what_a_stock_reading_has_mended(self) -> None:
        story = self.story()
        story.stock("i", DAY, 100, mode="payment")
        alert = told(story.events, "D26", 2 * DAY)
        assert alert.status == "open"
        assert steps(alert) == "修改标题或运费模板,写明不包邮的地区"

    def test_once_all_is_mended_it_tells_what_was_wrong(self) -> None:
        story = self.story()
        story.listing("changed", "i", DAY, **LISTING | {"post_fee_minor": 0})
        story.stock("i", 2 * DAY, 100, mode="payment")
        alert = told(story.events, "D26", 3 * DAY)
        assert (alert.status, alert.resolved_at) == ("resolved", at(2 * DAY))
        assert "标题包邮" in alert.summary.zh
        assert "付款减库存" in alert.summary.zh
        assert steps(alert) == "核对修改已在商品页生效"


@pytest.mark.parametrize("detector", ["D05", "D11", "D27", "D34"])
def test_what_a_buyer_does_later_tells_none_of_the_old_cases_anew(detector: str) -> None:
    story = FullStory()
    for number in range(3):
        order, when = f"o{number}", number * DAY
        story.ordered(order, when, receiver=HOME | {"detail": "111"})
        story.paid(order, when + MINUTE)
        story.shipped(order, when + 45 * HOUR)
        story.requested(order, when + 4 * DAY, reason="quality")
        story.topped_up(f"t{number}", when)
    before = run(story.events, ms(9 * DAY)).alerts
    for number in (7, 8):
        story.ordered(f"o{number}", number * DAY, receiver=HOME)
        story.paid(f"o{number}", number * DAY + MINUTE)
        story.shipped(f"o{number}", number * DAY + HOUR)
        story.topped_up(f"t{number}", number * DAY)
        story.answered(f"t{number}", number * DAY + MINUTE, "succeeded")
    said = [[a for a in alerts if a.detector == detector] for alerts in
            (before, run(story.events, ms(9 * DAY)).alerts)]  # fmt: skip
    assert said[0] == said[1]
    assert len({alert.alert_id for alert in said[0]}) == 3


class TestReviewsThatAreOver:
    def story(self) -> FullStory:
        story = FullStory()
        story.account("seller_category", 0, is_seller=True, leaf_categories=DRESSES)
        story.ordered("o", HOUR, category="女装/连衣裙")
        body = {"chat_id": "c", "sender": "buyer", "channel": "wangwang"}
        story._add("chats", "message", 2 * HOUR, None, **body, text="不给我2000元就给差评")
        story.review("posted", "r", "o", DAY)
        return story

    @pytest.mark.parametrize("detector", ["D20", "D22"])
    @pytest.mark.parametrize(("kind", "rating"), [("changed", "good"), ("deleted", "")])
    def test_nobody_complains_about_them(self, detector: str, kind: str, rating: str) -> None:
        story = self.story()
        alert = told(story.events, detector, 2 * DAY)
        assert deadlines(alert) == [("T04", at(31 * DAY))]
        assert "先完成双方互评" in steps(alert)
        story.review(kind, "r", "o", 3 * DAY, rating)
        alert = told(story.events, detector, 4 * DAY)
        assert (alert.status, deadlines(alert)) == ("resolved", [])
        assert "互评" not in steps(alert)
        assert "无需再投诉" in steps(alert)
        assert "评价已改为好评或已删除" in alert.summary.zh
        assert "was changed to good or is gone" in alert.summary.en

    @pytest.mark.parametrize("detector", ["D20", "D22"])
    def test_unless_they_come_back(self, detector: str) -> None:
        story = self.story()
        story.review("changed", "r", "o", 3 * DAY, "good")
        story.review("changed", "r", "o", 4 * DAY, "bad")
        alert = told(story.events, detector, 5 * DAY)
        assert (alert.status, deadlines(alert)) == ("open", [("T04", at(31 * DAY))])
        assert "先完成双方互评" in steps(alert)


def test_d02_stock_that_was_released_is_not_freed() -> None:
    story = Story()
    story.created("o", 0, 60)
    story.stock("i", 0, 100, 60)
    alert = told(story.events, "D02", HOUR)
    assert "A1_adjust_held_stock" in [action.code for action in alert.suggested_actions]
    assert "请勿主动关闭订单" in alert.summary.zh
    story.stock("i", 2 * HOUR, 100, 0)
    alert = told(story.events, "D02", 3 * HOUR)
    codes = [action.code for action in alert.suggested_actions]
    assert (alert.status, codes) == ("resolved", ["A3_relist", "A2_deduct_on_payment"])
    assert alert.deadlines == []
    assert "中曾有60件(60%)被未付款订单占用" in alert.summary.zh
    assert "were held by unpaid orders" in alert.summary.en
    assert "关闭订单" not in alert.summary.zh
