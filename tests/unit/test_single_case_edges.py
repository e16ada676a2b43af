"""D07, D12, D14, D16 and D22 at their edges, and the must-nots that concern them, by name."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from schemas.alerts import Alert
from streams.detect.detectors.d22_competitor_review import is_same
from tests.oracle.case_story import CaseStory
from tests.oracle.story import DAY, HOUR, ms
from tests.pipeline import Event, Pipeline, build_engine, run

HOME = {
    "name": "张三",
    "phone": "13800138000",
    "country": "CN",
    "state": "浙江省",
    "city": "杭州市",
    "district": "西湖区",
    "detail": "文三路1号2幢301室",
}
ELSEWHERE = {**HOME, "state": "河南省", "city": "郑州市", "detail": "花园路88号5幢1202室"}
HONG_KONG = {**HOME, "country": "HK", "state": "香港", "detail": "弥敦道1号"}


def ms_at(at: float) -> datetime:
    return datetime.fromtimestamp(ms(at) / 1000, UTC)


def said(events: list[Event], detector: str, until: float = 2 * DAY) -> list[Alert]:
    last = {a.alert_id: a for a in run(events, ms(until)).alerts if a.detector == detector}
    return [alert for alert in last.values() if alert.status != "retracted"]


def outcome(events: list[Event], detector: str, until: float = 2 * DAY) -> list[tuple[str, str]]:
    return [(alert.severity, alert.status) for alert in said(events, detector, until)]


def told(alert: Alert) -> str:
    """Everything that people read on an alert."""
    steps = [(s.text.zh, s.text.en, s.draft or "") for s in alert.suggested_actions]
    texts = [alert.title, alert.summary, alert.evidence.not_if, *alert.evidence.counter_evidence]
    return " ".join([*(t.zh + t.en for t in texts), *(" ".join(step) for step in steps)])


class TestD07:
    def test_an_order_told_anew_as_a_small_one_is_no_case(self) -> None:
        story = CaseStory()
        story.ordered("o", 0, (50,))
        story.paid("o", 20)
        assert outcome(story.events, "D07") == [("info", "open")]
        story.ordered("o", HOUR, (5,))
        assert outcome(story.events, "D07") == []

    def test_units_of_one_item_count_over_its_lines_and_not_over_items(self) -> None:
        story = CaseStory()
        story.ordered("together", 0, (10, 10))
        story.paid("together", 20)
        story.buyer = "other"
        story.ordered("apart", 0, (5, 5, 10))
        story.paid("apart", 20)
        (alert,) = said(story.events, "D07")
        assert "together" in alert.summary.en

    @pytest.mark.parametrize(("units", "count"), [(39, 0), (40, 1)])
    def test_a_shop_may_state_its_own_median(self, units: int, count: int) -> None:
        story = CaseStory(shop="t")
        story.ordered("o", 0, (units,))
        story.paid("o", 20)
        engine = build_engine(shops={"t": {"D07": {"item_median_units": 4}}})
        pipeline = Pipeline(engine)
        pipeline.send(story.events)
        pipeline.finish(ms(DAY))
        assert sum(alert.detector == "D07" for alert in pipeline.alerts) == count

    @pytest.mark.parametrize("currency", ["KRW", "VND", "IDR", "JPY", "EUR"])
    def test_an_amount_in_another_currency_makes_no_order_large(self, currency: str) -> None:
        assert not said(refused_after(350_000, currency).events, "D07")
        (alert,) = said(refused_after(350_000, currency, units=20).events, "D07")
        assert "amount" not in {threshold.name for threshold in alert.evidence.thresholds}

    @pytest.mark.parametrize("currency", ["CNY", "cny", "RMB"])
    def test_an_amount_in_yuan_does(self, currency: str) -> None:
        (alert,) = said(refused_after(100_000, currency).events, "D07")
        assert "less than 100000 of the smallest unit of CNY" in alert.evidence.not_if.en
        assert not said(refused_after(99_999, currency).events, "D07")

    def test_it_brings_the_whole_checklist_with_its_times(self) -> None:
        story = CaseStory()
        story.ordered("o", 0, (50,))
        story.paid("o", 20)
        (alert,) = said(story.events, "D07")
        assert len(alert.suggested_actions) > 5
        assert [due.code for due in alert.deadlines] == ["T02"]


def large_and(how: str, at: float = 3 * HOUR) -> CaseStory:
    """A large paid order, of which something is told after three hours."""
    story = CaseStory()
    story.ordered("o", 0, (50,))
    story.paid("o", HOUR)
    if how in ("agreed", "succeeded"):
        granted(story, how, at)
    elif how == "exempt":
        story._add("filings", "accepted", at, None, filing_id="f", order_id="o")
    elif how == "top_up":
        body = {"recharge_id": "u", "order_id": "o", "currency": "CNY", "face_value_minor": 100}
        story._add("recharges", "submitted", at, None, **body)
    elif how == "closed":
        story.closed("o", at)
    else:
        story.shipped("o", at)
    return story


@pytest.mark.parametrize("how", ["agreed", "succeeded", "exempt", "top_up", "closed"])
def test_d07_nobody_is_told_to_ship_in_time_what_need_not_be_shipped(how: str) -> None:
    (alert,) = said(large_and(how).events, "D07")
    assert (alert.status, alert.resolved_at) == ("resolved", ms_at(3 * HOUR))
    assert alert.deadlines == []
    assert len(alert.suggested_actions) == 1
    assert not re.search(r"(?i)ship in time|ship with", told(alert))


@pytest.mark.parametrize("how", ["agreed", "closed"])
def test_d07_after_shipping_only_a_close_ends_it(how: str) -> None:
    story = large_and(how, DAY)
    story.shipped("o", 20 * HOUR)
    expected = [("info", "resolved" if how == "closed" else "open")]
    assert outcome(story.events, "D07") == expected


def test_d07_is_never_resolved_before_it_was_opened() -> None:
    (alert,) = said(large_and("agreed", 0.5 * HOUR).events, "D07")
    assert alert.resolved_at == ms_at(HOUR)


def refused_after(amount_minor: int, currency: str, units: int = 1, shop: str = "s") -> CaseStory:
    """An order that was paid, whose parcel was refused, and of which a refund was asked for."""
    story = CaseStory(shop=shop)
    story.ordered("o", 0, (units,), amount_minor=amount_minor, currency=currency)
    story.paid("o", 20)
    story.parcel("refused", "o", HOUR)
    story.requested("o", 2 * HOUR, reason="no_longer_wanted", goods="returned")
    return story


def refused_and_asked(units: int = 100) -> CaseStory:
    story = CaseStory()
    story.ordered("o", 0, (units,))
    story.parcel("refused", "o", 2 * HOUR)
    story.requested("o", 3 * HOUR, reason="other", goods="returned")
    return story


def granted(story: CaseStory, kind: str, at: float, refund: str = "r-o") -> None:
    """The refund of order o was `agreed`, or the money went back (`succeeded`)."""
    money = {} if kind == "agreed" else {"currency": "CNY", "amount_minor": 100}
    story._add("refunds", kind, at, None, refund_id=refund, order_id="o", attempt_no=1, **money)


class TestD12:
    def test_a_withdrawn_request_resolves_it_and_is_no_prior_case(self) -> None:
        story = CaseStory()
        for number, name in enumerate(("o1", "o2")):
            story.ordered(name, number * DAY)
            story.parcel("refused", name, number * DAY + HOUR)
            story.requested(name, number * DAY + 2 * HOUR, reason="other", goods="returned")
        assert outcome(story.events, "D12") == [("info", "open"), ("warn", "open")]
        story.refund_step("withdrawn", "o1", 3 * HOUR)
        assert outcome(story.events, "D12") == [("info", "resolved"), ("info", "open")]

    @pytest.mark.parametrize(("kind", "how"), [("agreed", "agreed"), ("succeeded", "paid")])
    def test_a_granted_refund_resolves_it_and_leaves_nothing_to_answer(
        self, kind: str, how: str
    ) -> None:
        story = refused_and_asked()
        codes = [step.code for step in said(story.events, "D12")[0].suggested_actions]
        assert {"A12_suggest_refund_reply", "A10_draft_complaint"} <= set(codes)
        granted(story, kind, 5 * HOUR)
        (alert,) = said(story.events, "D12")
        assert (alert.severity, alert.status, alert.resolved_at) == (
            "warn",
            "resolved",
            ms_at(5 * HOUR),
        )
        assert {step.code for step in alert.suggested_actions} == {"A6_evidence_pack"}
        assert alert.reason is not None
        assert how in alert.reason.en
        assert how in alert.summary.en

    @pytest.mark.parametrize(
        ("at", "refund", "wanted"),
        [
            (HOUR, "another", [("warn", "open")]),
            (2.5 * HOUR, "r-o", [("warn", "open")]),
            (HOUR, "r-o", []),
        ],
        ids=["of another refund", "after it was refused", "before it was refused"],
    )
    def test_a_refund_granted_before_it_was_asked_for_settles_what_it_is_about(
        self, at: float, refund: str, wanted: list[tuple[str, str]]
    ) -> None:
        story = refused_and_asked()
        granted(story, "agreed", at, refund)
        assert outcome(story.events, "D12") == wanted

    def test_a_granted_case_still_comes_before_the_next(self) -> None:
        story = refused_and_asked(units=1)
        granted(story, "agreed", 5 * HOUR)
        story.ordered("o2", DAY)
        story.parcel("refused", "o2", DAY + HOUR)
        story.requested("o2", DAY + 2 * HOUR, reason="other", goods="returned")
        assert outcome(story.events, "D12") == [("info", "resolved"), ("warn", "open")]

    @pytest.mark.parametrize(
        ("amount_minor", "currency"),
        [(120_000, "KRW"), (350_000, "VND"), (150_000, "IDR"), (120_000, "JPY")],
    )
    def test_an_amount_in_another_currency_is_no_reason_to_complain(
        self, amount_minor: int, currency: str
    ) -> None:
        (alert,) = said(refused_after(amount_minor, currency).events, "D12")
        assert alert.severity == "info"
        assert "A10_draft_complaint" not in {step.code for step in alert.suggested_actions}
        assert "amount" not in {threshold.name for threshold in alert.evidence.thresholds}
        assert outcome(refused_after(amount_minor, currency, units=20).events, "D12") == [
            ("warn", "open")
        ]

    @pytest.mark.parametrize("currency", ["KRW", "CNY"])
    def test_an_order_that_is_not_large_says_the_same_whenever_it_is_read(
        self, currency: str
    ) -> None:
        engine = build_engine(D12={"large_amount_minor": 200_000})
        order, *others = refused_after(150_000, currency).events
        last = []
        for events in ([order, *others], [*others, order]):
            pipeline = Pipeline(engine)
            for event in events:
                pipeline.send([event])
            pipeline.finish(ms(DAY))
            last.append([alert for alert in pipeline.alerts if alert.detector == "D12"][-1])
        assert last[0].evidence == last[1].evidence

    def test_a_shop_abroad_states_its_own_currency_and_what_is_large_in_it(self) -> None:
        rules = {"currency": "KRW", "large_amount_minor": 30_000_000}
        engine = build_engine(shops={"t": {"D12": rules}})
        for amount_minor, currency, level in (
            (30_000_000, "KRW", "warn"),
            (29_999_999, "KRW", "info"),
            (30_000_000, "CNY", "info"),
        ):
            pipeline = Pipeline(engine)
            pipeline.send(refused_after(amount_minor, currency, shop="t").events)
            alerts = [a for a in pipeline.finish(ms(DAY)).alerts if a.detector == "D12"]
            assert [alert.severity for alert in alerts] == [level]

    def test_n19_n15_what_the_carrier_or_the_seller_did_is_no_case(self) -> None:
        for reason in ("damaged", "wrong_item", "late_shipment", "stockout"):
            story = CaseStory()
            story.ordered("o", 0, (100,))
            story.parcel("refused", "o", HOUR)
            story.requested("o", 2 * HOUR, reason=reason, goods="returned")
            assert outcome(story.events, "D12") == []

    def test_n24_it_never_suggests_to_refuse_the_refund(self) -> None:
        story = CaseStory()
        story.ordered("o", 0, (100,))
        story.parcel("refused", "o", HOUR)
        story.requested("o", 2 * HOUR, reason="other", goods="returned")
        (alert,) = said(story.events, "D12")
        assert not re.search(r"拒绝退款|不予退款|refuse the refund", told(alert))


class TestD14:
    def test_n26_no_text_suggests_to_refuse_an_invoice(self) -> None:
        story = CaseStory()
        story.ordered("o", 0, receiver=HOME)
        story._add(
            "invoices", "requested", HOUR, None, invoice_id="i", order_id="o", ship_to=ELSEWHERE
        )
        (alert,) = said(story.events, "D14")
        assert (alert.severity, alert.status) == ("info", "open")
        story._add("invoices", "refused", 2 * HOUR, None, invoice_id="i", order_id="o")
        (refused,) = said(story.events, "D14")
        assert refused.severity == "warn"
        for one in (alert, refused):
            assert "请勿拒绝" in one.summary.zh and "on't refuse" in one.summary.en
            rest = told(one).replace("请勿拒绝", "").replace("on't refuse", "")
            assert not re.search(r"可以拒绝|建议拒绝|拒绝开票|不予开票|you may refuse", rest)

    def test_an_unknown_address_of_the_order_is_an_outcome(self) -> None:
        story = CaseStory()
        story.ordered("o", 0)
        story._add(
            "invoices", "requested", HOUR, None, invoice_id="i", order_id="o", ship_to=ELSEWHERE
        )
        pipeline = run(story.events, ms(DAY))
        assert not pipeline.alerts
        assert any(("D14", "order_address_unknown") in e.insufficient for e in pipeline.effects)

    def test_a_refusal_after_the_invoice_was_issued_stands(self) -> None:
        story = CaseStory()
        story._add("invoices", "issued", HOUR, None, invoice_id="i", order_id="o")
        story._add("invoices", "refused", 2 * HOUR, None, invoice_id="i", order_id="o")
        assert outcome(story.events, "D14") == [("warn", "open")]


class TestD16:
    def test_n13_an_overseas_order_only_ever_informs(self) -> None:
        story = CaseStory()
        story.ordered("o", 0, (500,), receiver=HONG_KONG, free_shipping=True)
        story.paid("o", 20)
        for until in (HOUR, DAY + HOUR, 5 * DAY):
            (alert,) = said(story.events, "D16", until)
            assert (alert.severity, alert.status) == ("info", "open")
            assert "恶意" not in alert.title.zh + alert.summary.zh
        declining = [s for s in alert.suggested_actions if "不发货" in s.text.zh]
        assert declining and all(step.prerequisites for step in declining)

    def test_a_shop_may_ship_there_like_to_the_mainland(self) -> None:
        story = CaseStory(shop="t")
        story.ordered("o", 0, receiver=HONG_KONG, free_shipping=True)
        engine = build_engine(shops={"t": {"D16": {"not_overseas": ["HK", "MO", "TW"]}}})
        pipeline = Pipeline(engine)
        pipeline.send(story.events)
        assert not pipeline.finish(ms(DAY)).alerts

    def test_t03_runs_from_the_payment(self) -> None:
        story = CaseStory()
        story.ordered("o", 0, receiver=HONG_KONG, free_shipping=True)
        assert said(story.events, "D16")[0].deadlines == []
        story.paid("o", HOUR)
        (due,) = said(story.events, "D16")[0].deadlines
        assert due.code == "T03"
        assert due.due_at.timestamp() * 1000 == ms(HOUR + DAY)

    def test_c3_an_attempt_meets_t03_and_only_an_answer_ends_the_case(self) -> None:
        story = CaseStory()
        story.ordered("o", 0, receiver=HONG_KONG, free_shipping=True)
        story.paid("o", HOUR)
        story.contact(2 * HOUR)
        (alert,) = said(story.events, "D16")
        assert (alert.status, alert.deadlines) == ("open", [])
        assert "1次" in told(alert)
        story.contact(5 * HOUR, answered=True)
        story.contact(6 * HOUR)
        (alert,) = said(story.events, "D16")
        assert (alert.status, alert.resolved_at) == ("resolved", ms_at(5 * HOUR))
        assert "1次" in told(alert)


class TestD22:
    @pytest.mark.parametrize(
        ("bought", "sold", "same"),
        [
            ("女装/连衣裙", "女装/连衣裙", True),
            ("女装 > 连衣裙", "女装/连衣裙", True),
            ("女装/连衣裙", "连衣裙", True),
            ("女装/外套", "男装/外套", False),
            ("箱包/女包", "女装/连衣裙", False),
            ("女装", "女装/连衣裙", False),
            ("", "", False),
        ],
    )
    def test_n04_only_the_leaf_category_counts(self, bought: str, sold: str, same: bool) -> None:
        assert is_same(bought, sold) is is_same(sold, bought) is same

    def reviewed(self) -> CaseStory:
        story = CaseStory()
        story.account("seller_category", 0, is_seller=True, leaf_categories=["女装/连衣裙"])
        story.ordered("o", HOUR, category="女装/连衣裙")
        story.review("posted", "r", "o", DAY)
        return story

    def test_it_ends_with_the_review_or_with_the_time_to_complain(self) -> None:
        story = self.reviewed()
        assert outcome(story.events, "D22", 31 * DAY) == [("warn", "open")]
        assert outcome(story.events, "D22", 31 * DAY + 1) == [("warn", "expired")]
        story.review("deleted", "r", "o", 3 * DAY)
        assert outcome(story.events, "D22", 40 * DAY) == [("warn", "resolved")]

    def test_who_sells_no_more_is_a_customer(self) -> None:
        story = self.reviewed()
        story.account("seller_category", 2 * DAY, is_seller=False)
        assert outcome(story.events, "D22", 3 * DAY) == []

    def test_a_category_that_nobody_told_is_an_outcome(self) -> None:
        story = CaseStory()
        story.account("seller_category", 0, is_seller=True, leaf_categories=["女装/连衣裙"])
        story.ordered("o", HOUR)
        story.review("posted", "r", "o", DAY)
        pipeline = run(story.events, ms(2 * DAY))
        assert any(("D22", "category_unknown") in e.insufficient for e in pipeline.effects)
        assert not pipeline.alerts


def test_n29_no_alert_of_them_holds_a_name_a_number_or_a_street() -> None:
    story = CaseStory()
    story.ordered("o", 0, (50,), receiver={**HONG_KONG}, free_shipping=True)
    story.paid("o", 20)
    story.parcel("refused", "o", HOUR)
    story.requested("o", 2 * HOUR, reason="other", goods="returned")
    story._add("invoices", "refused", HOUR, None, invoice_id="i", order_id="o")
    alerts = run(story.events, ms(DAY)).alerts
    assert {alert.detector for alert in alerts} >= {"D07", "D12", "D14", "D16"}
    text = "".join(alert.model_dump_json() for alert in alerts)
    for secret in ("张三", "13800138000", "弥敦道", "西湖区"):
        assert secret not in text
