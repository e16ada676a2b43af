"""Shared next steps: complete, in order, and free of advice that could harm an honest buyer."""

from __future__ import annotations

import json
import re
from typing import get_args

import pytest

from schemas.alerts import Alert, SuggestedAction
from streams.detect import playbooks
from streams.detect.deadlines import ShipTimes
from streams.detect.detector import Step, find_detectors
from streams.detect.engine import Engine
from streams.detect.entries import ComplaintKind, ShopType, entries, registry
from streams.detect.rules import parse
from streams.inbox.redaction import clean
from tests.example_stories import FOLDER, Story, events_of, load, ms, seconds, stories
from tests.pipeline import Pipeline, rules_document, run

PAID_MS = 1_800_000_000_000
NAMED = [step for step in vars(playbooks).values() if isinstance(step, Step)]
REPLIES = [step for step in NAMED if step.code == "A7_draft_message"]
COMPLAINTS = [
    playbooks.complaint(kind, "经过", shop)
    for kind in get_args(ComplaintKind)
    for shop in (None, "taobao", "tmall")
]
HOUR_MS = 3_600_000
TIMES = ShipTimes(
    PAID_MS + 24 * HOUR_MS, PAID_MS + 40 * HOUR_MS, PAID_MS + 48 * HOUR_MS, PAID_MS + 72 * HOUR_MS
)
STEPS = [*NAMED, *COMPLAINTS, *playbooks.paid_order(TIMES), playbooks.police_report()]
# To pay, to refuse what must not be refused, to close an order, to threaten the buyer or the operator.
HARMFUL = re.compile(
    r"关闭订单|关闭该订单|拒绝(退款|开票|发票)|不能开票|不开发票|赔付您|给您返现|好评返现给"
    r"|降权|拉黑|后果自负|close the order|refuse the (refund|invoice)",
    re.IGNORECASE,
)


def said(step: Step) -> str:
    return json.dumps([step.zh, step.en, *step.prerequisites, step.draft], ensure_ascii=False)


def test_there_are_replies_and_each_has_a_draft_in_chinese() -> None:
    assert len(REPLIES) >= 9
    for reply in REPLIES:
        assert reply.draft and re.search(r"[\u4e00-\u9fff]", reply.draft)
        assert not re.search(r"[A-Za-z]", reply.draft)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.zh[:20])
def test_no_step_gives_harmful_advice_or_holds_what_must_be_masked(step: Step) -> None:
    assert not HARMFUL.search(said(step))
    assert step.zh.strip() and step.en.strip()
    for text in (step.zh, step.en, step.draft or ""):
        assert clean(text) == text


def test_the_paid_order_checklist_is_in_order_and_ends_with_the_platform_limit() -> None:
    steps = playbooks.paid_order(TIMES)
    assert [step.code.partition("_")[0] for step in steps] == [
        "A6", "A7", "A13", "A6", "A7", "A12", "A4", "A6", "A6",
    ]  # fmt: skip
    due = [step.due_ms for step in steps if step.due_ms is not None]
    assert due == sorted(due)
    assert set(due) == {TIMES.target_ms, TIMES.limit_ms}
    # Shipping presupposes the film, the film presupposes the register.
    ship = next(step for step in steps if step.code == "A4_remind")
    assert ship.prerequisites and ship.due_ms == TIMES.limit_ms


def test_an_order_that_nobody_has_paid_has_no_times() -> None:
    assert {step.due_ms for step in playbooks.paid_order(None)} == {None}


@pytest.mark.parametrize(
    ("shop_type", "wanted", "other"),
    [("taobao", "guimi.taobao.com", "tmall"), ("tmall", "guimi.tmall.com", "taobao")],
)
def test_a_complaint_names_the_entry_of_the_shop(
    shop_type: ShopType, wanted: str, other: str
) -> None:
    draft = playbooks.complaint("异常拍下", "", shop_type).draft
    assert draft is not None
    assert wanted in draft and f"guimi.{other}.com" not in draft


def test_both_entries_are_named_where_the_shop_type_is_not_known() -> None:
    draft = playbooks.complaint("异常退款").draft
    assert draft is not None
    assert "guimi.taobao.com" in draft and "guimi.tmall.com" in draft


def test_a_shop_on_another_platform_is_not_sent_to_taobao() -> None:
    step = playbooks.complaint("异常退款", "", "other")
    assert step.draft is not None
    assert "入口:本店所在平台的投诉入口\n" in step.draft and "taobao" not in step.draft
    assert "本店所在平台" in step.zh and "own platform" in step.en


def test_a_tmall_shop_reports_adverts_in_its_back_office() -> None:
    assert "评价后台" in playbooks.complaint("广告评价", "", "tmall").zh
    assert "评价后台" not in playbooks.complaint("广告评价", "", "taobao").zh


def test_every_entry_says_where_it_is_who_may_use_it_and_when_it_was_seen() -> None:
    assert len({entry.id for entry in registry()}) == len(registry())
    for entry in registry():
        assert entry.path or entry.url
        assert re.match(r"S\d 「", entry.source)
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", entry.as_of)
        assert "spm=" not in entry.url


@pytest.mark.parametrize("kind", get_args(ComplaintKind))
def test_every_kind_of_complaint_has_an_entry_for_every_type_of_shop_and_its_proofs(
    kind: ComplaintKind,
) -> None:
    assert entries(kind, "taobao") and entries(kind, "tmall") and not entries(kind, "other")
    assert set(entries(kind)) == {e for t in get_args(ShopType) for e in entries(kind, t)}
    assert playbooks.NEEDS[kind]
    assert all(code in playbooks.PROOFS for code in playbooks.NEEDS[kind])


def test_stolen_pictures_are_reported_and_answered_at_their_own_entries() -> None:
    """D36: only a person opens such a case, so no detector suggests it."""
    (report,), (defence,) = entries("盗图投诉"), entries("盗图申诉")
    assert "投诉他人盗用图片" in report.path and "被投诉盗用图片申诉" in defence.path
    assert "商品链接" in playbooks.form("盗图投诉")
    assert "对象:i1" in playbooks.form("盗图投诉", about="i1")


def test_a_review_complaint_needs_mutual_rating_thirty_days_and_the_evidence_number() -> None:
    """N17: the preconditions are said before anybody submits."""
    needs = " ".join(zh for zh, _ in playbooks.complaint("不合理评价").prerequisites)
    assert "互评" in needs and "30天" in needs and "举证号" in needs


def actions_of(story: Story) -> list[Alert]:
    return [a for a in run(story.events, story.horizon_ms).alerts if a.suggested_actions]


@pytest.mark.parametrize("shop_type", get_args(ShopType))
def test_a_form_of_any_detector_names_the_entry_of_the_shop_that_says_its_type(
    shop_type: ShopType,
) -> None:
    detectors = find_detectors()
    engine = Engine(detectors, parse(rules_document() | {"shop_type": shop_type}, detectors), "t")
    told = [s for s in stories() if s.expected]
    kinds, filed_by = set(), set()
    for story in told:
        pipeline = Pipeline(engine)
        pipeline.send(story.events)
        for alert in pipeline.finish(story.horizon_ms).alerts:
            for action in alert.suggested_actions:
                if action.code == "A10_draft_complaint":
                    assert action.draft is not None
                    head, entry, *_ = action.draft.split("\n")
                    kind = head.removeprefix("投诉类型:")
                    wanted = entries(kind, shop_type)  # type: ignore[arg-type]
                    where = ";".join(one.where for one in wanted) or "本店所在平台的投诉入口"
                    assert entry == f"入口:{where}"
                    kinds.add(kind)
                    filed_by.add(alert.detector)
    assert "广告评价" in kinds and len(filed_by) >= 10


@pytest.mark.parametrize("story", [s for s in stories() if s.expected], ids=lambda s: s.name)
def test_no_alert_of_any_detector_gives_harmful_advice(story: Story) -> None:
    alerts = actions_of(story)
    assert alerts
    for alert in alerts:
        for action in alert.suggested_actions:
            assert not HARMFUL.search(action.model_dump_json())
            assert action.draft is None or clean(action.draft) == action.draft


def steps_of(name: str, code: str) -> list[SuggestedAction]:
    story = load(FOLDER / f"{name}.yaml")
    told = [a for a in run(story.events, story.horizon_ms).alerts if a.detector == story.detector]
    return [step for alert in told for step in alert.suggested_actions if step.code == code]


@pytest.mark.parametrize(
    "name", ["D05/fires_placeholder_then_nobody_answers", "D34/fires_close_to_a_promised_date"]
)
def test_a_filing_is_drafted_with_its_order_and_without_the_address(name: str) -> None:
    file = steps_of(name, "A9_draft_filing")[0]
    assert file.draft is not None
    story = load(FOLDER / f"{name}.yaml")
    order = next(value for topic, value in story.events if topic == "orders")
    assert f"订单编号:{order['order_id']}" in file.draft.splitlines()
    street = order.get("receiver", {}).get("detail")
    assert street is None or street not in file.draft


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("D20/fires_bad_review_after_a_demand", "场景「利用中差评谋取额外钱财或不当利益」"),
        ("D22/fires_a_seller_of_the_same_category", "范围「同行」"),
        ("D19/fires_insults", "范围「泄露信息辱骂或广告」"),
    ],
)
def test_a_complaint_about_a_review_names_the_scene_of_the_platform(name: str, said: str) -> None:
    story = load(FOLDER / f"{name}.yaml")
    rated = [(t, v | {"mutual_rated": True} if t == "reviews" else v) for t, v in story.events]
    told = [a for a in run(rated, story.horizon_ms).alerts if a.detector == story.detector]
    drafts = [step.draft for alert in told for step in alert.suggested_actions if step.draft]
    assert any(said in draft for draft in drafts)


def test_a_complaint_after_a_bait_says_how_the_platform_rules() -> None:
    story = load(FOLDER / "D17" / "fires_invoice_elsewhere_then_a_complaint.yaml")
    alerts = run(story.events, story.horizon_ms).alerts
    assert any(a.detector == "D17" and "处理原则为不成立" in a.summary.zh for a in alerts)


def test_a_burst_names_the_item_that_it_holds_most() -> None:
    def order(name: str, item: str, units: int) -> dict[str, object]:
        line = {"item_id": item, "quantity": units, "unit_price_minor": 100}
        return {"order_id": name, "items": [line]}

    events = events_of(
        [
            {"at": "0s", "orders.created": order("a{n}", "i1", 2), "times": 3, "every": "1m"},
            {"at": "5m", "orders.created": order("b{n}", "i2", 9), "times": 3, "every": "1m"},
        ]
    )
    told = run(list(events), ms(seconds("1h"))).alerts
    (burst,) = (alert for alert in told if alert.detector == "D01")
    assert "目前仍占用33件库存(最多的是商品i2,27件)" in burst.summary.zh
    assert "units still held: 33 (most of item i2: 27)" in burst.summary.en
