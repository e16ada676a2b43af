"""N01 to N30: what must never be said or done, each with what proves it and a twin that does fire.

A row names an example, a scenario's case or a test. The trap: silence proves nothing by itself, so a
row whose twin stops firing fails as well as one whose negative begins to.
"""

from __future__ import annotations

import ast
import json
import re
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from schemas.alerts import ActionCode, Alert
from schemas.topics import EXAMPLES_PATH
from streams.detect import playbooks
from streams.detect.detector import find_detectors
from streams.replay.engine import replay
from streams.replay.files import EventReader
from streams.simulate import simulate
from streams.simulate.journal import SHANGHAI
from tests.example_stories import Story, load, stories
from tests.pipeline import Event, default_engine, run
from tests.unit.test_detect_talk import FORBIDDEN
from tests.unit.test_playbooks import HARMFUL

ROOT = Path(__file__).parents[2]
HERE = "tests/contract/test_must_nots.py"
# Number: what shows that it does not happen, and what shows that its twin does.
MUST_NOTS: dict[str, tuple[str, str]] = {
    "N01": (
        "tests/unit/test_must_nots_seller.py::test_n01_closing_by_hand_is_observed_and_never_suggested",
        "D33/fires_the_seller_closes_a_burst",
    ),
    "N02": ("D04/near_miss_retaliation_alone", "D04/fires_money_under_a_threat"),
    "N03": ("D19/near_miss_harsh_about_goods", "D19/fires_insults"),
    "N04": (
        "D22/near_miss_womens_wear_seller_buys_mens_wear_and_a_bag",
        "D22/fires_a_seller_of_the_same_category",
    ),
    "N05": ("D04/near_miss_freight_and_refunds", "D04/fires_money_under_a_threat"),
    "N06": ("D04/near_miss_service_is_demanded", "D20/fires_bad_review_after_a_demand"),
    "N07": ("D01/near_miss_split_by_payment_limit", "D01/fires_a_few_small_orders"),
    "N08": ("D18/near_miss_the_same_text_twice", "D18/fires_part_time_work"),
    "N09": ("D18/near_miss_another_kind_of_ad", "D18/fires_in_an_appended_review"),
    "N10": (
        "tests/unit/test_detect_talk.py::test_n10_advertising_is_masked_and_the_review_stays",
        "D18/fires_part_time_work",
    ),
    "N11": (
        "tests/unit/test_detect_talk.py::test_n11_appended_reviews_are_scanned",
        "D19/fires_info_for_one_word_in_an_appended_review",
    ),
    "N12": (
        "tests/unit/test_detect_addresses.py::test_n12_an_honest_slip_leaves_no_score",
        "D05/fires_placeholder_then_nobody_answers",
    ),
    "N13": (
        "tests/unit/test_single_case_edges.py::test_n13_an_overseas_order_only_ever_informs",
        "D16/fires_and_nobody_asked",
    ),
    "N14": (
        f"{HERE}::test_n14_no_text_of_any_alert_threatens_who_does_not_look",
        f"{HERE}::test_the_guards_over_texts_see_bad_advice",
    ),
    "N15": ("D10/near_miss_the_seller_was_late", "D10/fires_a_wave_of_claims_at_a_shop"),
    "N16": (
        f"{HERE}::test_n16_a_flash_sale_of_ten_thousand_buyers",
        f"{HERE}::test_n16_twin_an_attack_in_a_flash_sale_is_found",
    ),
    "N17": (
        "tests/unit/test_deadlines.py::test_n17_exactly_thirty_days_pass_and_only_mutual_reviews",
        "D18/fires_and_expires_with_the_deadline",
    ),
    "N18": (
        "D08/near_miss_one_refund_and_one_return",
        "D08/fires_asked_again_after_every_refusal",
    ),
    "N19": ("D09/near_miss_damaged_by_the_carrier", "D09/fires_another_thing_came_back"),
    "N20": (
        f"{HERE}::test_n20_no_ban_is_proposed_of_who_never_ordered",
        f"{HERE}::test_n20_twin_a_ban_is_proposed_where_there_are_orders",
    ),
    "N21": ("D13/near_miss_own_order", "D13/fires_another_accounts_order"),
    "N22": ("D15/near_miss_after_a_chat", "D15/fires_nobody_was_asked"),
    "N23": (
        "tests/unit/test_must_nots_seller.py::"
        "test_n23_a_template_error_is_told_to_the_seller_although_the_buyer_is_flagged",
        "D26/fires_a_free_shipping_title_and_a_fee",
    ),
    "N24": (
        f"{HERE}::test_n24_whatever_is_known_of_a_filed_order_its_refund_is_not_to_be_refused",
        f"{HERE}::test_n24_twin_refunds_of_these_orders_are_spoken_of",
    ),
    "N25": (
        "tests/unit/test_detect_talk.py::"
        "test_n14_n25_n26_no_text_threatens_the_seller_or_advises_to_pay_or_to_refuse",
        f"{HERE}::test_the_guards_over_texts_see_bad_advice",
    ),
    "N26": (
        "tests/unit/test_single_case_edges.py::test_n26_no_text_suggests_to_refuse_an_invoice",
        "D14/fires_refused_until_issued",
    ),
    "N27": (
        "tests/unit/test_detect_laws.py::"
        "test_a_payment_before_its_order_duplicates_and_replay_change_nothing",
        "tests/unit/test_detect_laws.py::test_a_payment_that_arrives_late_retracts_visibly",
    ),
    "N28": ("D03/near_miss_flash_sale_of_strangers", "D03/fires_ten_accounts_share_a_phone"),
    "N29": (
        "tests/unit/test_detect_addresses.py::"
        "test_n29_no_alert_and_no_state_holds_a_name_a_number_or_a_street",
        f"{HERE}::test_n29_twin_what_is_hidden_still_links",
    ),
    "N30": (
        f"{HERE}::test_n30_nothing_is_submitted_to_a_platform",
        f"{HERE}::test_n30_twin_a_form_is_drafted_for_a_person",
    ),
}
ROWS = [(number, *row) for number, row in MUST_NOTS.items()]


def test_every_number_has_its_row() -> None:
    assert list(MUST_NOTS) == [f"N{number:02}" for number in range(1, 31)]


@cache
def functions_of(path: str) -> dict[str, ast.FunctionDef]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def is_proof(function: ast.FunctionDef) -> bool:
    """Whether it can fail and always runs: it asserts something, and nothing marks it to be left out."""
    marks = " ".join(map(ast.unparse, function.decorator_list))
    return "skip" not in marks and any(isinstance(node, ast.Assert) for node in ast.walk(function))


def example(name: str) -> Path:
    return ROOT / "examples" / "detectors" / f"{name}.yaml"


BLAMING = {detector.id for detector in find_detectors() if detector.accuses}


def accusing(story: Story) -> list[Alert]:
    """What the story's own detector says of anybody."""
    alerts = run(story.events, story.horizon_ms).alerts
    return [a for a in alerts if a.detector == story.detector and a.status != "retracted"]


def blaming(story: Story) -> list[Alert]:
    """What any detector blames anybody for, if only for a moment."""
    alerts = run(story.events, story.horizon_ms).alerts
    return [a for a in alerts if a.detector in BLAMING and a.severity != "info"]


@pytest.mark.parametrize(("number", "negative", "twin"), ROWS)
def test_what_must_not_be_is_shown_where_the_row_says(
    number: str, negative: str, twin: str
) -> None:
    path, _, name = negative.partition("::")
    if name:
        function = functions_of(path)[name]
        assert is_proof(function)
        assert f"_{number.lower()}_" in name or number in (ast.get_docstring(function) or "")
        return
    assert number in example(negative).read_text(encoding="utf-8")
    story = load(example(negative))
    assert accusing(story) == []
    assert blaming(story) == [], "nor does any other detector"


@pytest.mark.parametrize(("number", "negative", "twin"), ROWS)
def test_its_twin_fires(number: str, negative: str, twin: str) -> None:
    path, _, name = twin.partition("::")
    if name:
        assert is_proof(functions_of(path)[name])
    else:
        assert accusing(load(example(twin)))


@pytest.mark.parametrize(
    "advice",
    [
        "请主动关闭订单",
        "不处理将被降权",
        "可以拒绝退款",
        "Refuse the refund",
        "建议拒绝开票",
        "可拒绝发票",
        "请赔付您的买家",
    ],
)
def test_the_guards_over_texts_see_bad_advice(advice: str) -> None:
    """N14, N24, N25, N26: the words that texts are searched for do find such advice."""
    assert HARMFUL.search(advice) or [word for word in FORBIDDEN if word in advice]


def texts(alert: Alert) -> str:
    """Everything that a person reads, in both languages."""
    read = alert.model_dump(
        include={"title", "summary", "suggested_actions", "deadlines", "evidence"}
    )
    return json.dumps(read, ensure_ascii=False, default=str)


FIRING = [story for story in stories() if story.expected]
# What would happen to somebody for not looking, which nobody knows. That closing an order costs
# points is a rule of the platform, and is said.
THREATENING = re.compile(
    r"(未处理|不处理|逾期|未查看).{0,12}(扣|罚|降权|处分)|降权|罚款|unhandled.{0,20}(cost|penal)",
    re.I,
)


@pytest.mark.parametrize("story", FIRING, ids=lambda story: story.name)
def test_n14_no_text_of_any_alert_threatens_who_does_not_look(story: Story) -> None:
    alerts = run(story.events, story.horizon_ms).alerts
    assert alerts
    assert not [alert for alert in alerts if THREATENING.search(texts(alert))]


def test_what_threatens_who_does_not_look_is_seen() -> None:
    assert THREATENING.search("逾期未处理将扣分") and THREATENING.search("不处理将被降权")


def filed_and_refunded(story: Story) -> list[Event]:
    """The story, and for each of its orders a filing (where the contract knows any) and a refund."""
    told = list(story.events)
    for topic, order in story.events:
        if topic != "orders" or order["type"] != "created":
            continue
        who = {name: order[name] for name in ("shop_id", "buyer_id", "order_id", "schema_version")}
        at = datetime.fromisoformat(order["occurred_at"])
        for path in sorted((EXAMPLES_PATH / "filings").glob("good_*.json")):
            filing = json.loads(path.read_text(encoding="utf-8"))
            name = f"{path.stem}-{order['order_id']}"
            own = {"event_id": name, "filing_id": name, "occurred_at": at.isoformat()}
            told.append(("filings", filing | who | own))
        asked = {
            "event_id": f"n24-{order['order_id']}",
            "type": "requested",
            "occurred_at": (at + timedelta(seconds=1)).isoformat(),
            "refund_id": f"n24-{order['order_id']}",
            "attempt_no": 1,
            "refund_only": True,
            "reason": "ineffective",
            "goods_status": "received",
            "phase": "onsale",
            "currency": "CNY",
            "amount_minor": 1000,
        }
        told.append(("refunds", who | asked))
    return told


REFUSING = re.compile(
    r"(可以?|建议|应当?|请)(予以)?(拒绝|驳回)(其|该|买家的?)?(仅?退款|申请)|拒绝退款|不予退款|不同意退款"
    r"|(refuse|reject|decline|deny) (the|this|any|a) refund",
    re.I,
)


@pytest.mark.parametrize("story", FIRING, ids=lambda story: story.name)
def test_n24_whatever_is_known_of_a_filed_order_its_refund_is_not_to_be_refused(
    story: Story,
) -> None:
    """Every story in which somebody is told something, with a filing and a refund for each order."""
    alerts = run(filed_and_refunded(story), story.horizon_ms).alerts
    assert not [alert for alert in alerts if REFUSING.search(texts(alert))]


def test_n24_twin_refunds_of_these_orders_are_spoken_of() -> None:
    """There is something to read: alerts about the very refunds that were added."""
    story = load(example("D01/fires_a_few_small_orders"))
    alerts = run(filed_and_refunded(story), story.horizon_ms).alerts
    assert [alert for alert in alerts if alert.detector == "D11"]
    assert REFUSING.search("可以拒绝退款") and REFUSING.search("Refuse the refund.")


SALE = datetime(2026, 11, 11, 20, tzinfo=SHANGHAI)
HOURS = 2 / 24


def accused(path: Path) -> set[str]:
    """Whom an alert blamed at any time, even if it was taken back."""
    found: set[str] = set()

    def on_alert(alert: Alert) -> None:
        if alert.severity != "info" and alert.detector in BLAMING:
            found.add(alert.subject.id)

    report = replay(default_engine(), EventReader([path]), on_alert)
    assert report.silent_shops == []
    return found


@pytest.mark.slow
def test_n16_a_flash_sale_of_ten_thousand_buyers(tmp_path: Path) -> None:
    """Twenty thousand orders in two hours; fewer than one buyer in a thousand is accused."""
    told = simulate(
        tmp_path / "sale", seed=16, buyers=10_000, days=HOURS, start=SALE, attack_share=0
    )
    assert told.honest_orders == 20_000
    assert len(accused(tmp_path / "sale")) < told.honest_buyers / 1000


def test_n16_twin_an_attack_in_a_flash_sale_is_found(tmp_path: Path) -> None:
    simulate(tmp_path / "sale", seed=16, buyers=300, days=HOURS, start=SALE, scenarios=["F1-small"])
    assert len(accused(tmp_path / "sale")) == 1


def proposals(story: Story) -> list[Alert]:
    codes = "A8_propose_ban"
    alerts = run(story.events, story.horizon_ms).alerts
    return [a for a in alerts if codes in {s.code for s in a.suggested_actions}]


PROPOSING = [(story, alert) for story in stories() for alert in proposals(story)[-1:]]


def test_n20_what_a_ban_needs_is_said() -> None:
    """Wherever a ban is proposed, an order is its precondition, and that it is permanent is said."""
    for _, alert in PROPOSING:
        (step,) = (s for s in alert.suggested_actions if s.code == "A8_propose_ban")
        assert "至少有一笔订单" in " ".join(need.zh for need in step.prerequisites)
        assert "永久" in step.text.zh and "permanent" in step.text.en


def test_n20_no_ban_is_proposed_of_who_never_ordered() -> None:
    story = load(example("D25/fires_bait_and_demand_without_an_order"))
    campaigns = [a for a in run(story.events, story.horizon_ms).alerts if a.detector == "D25"]
    assert campaigns and not proposals(story)


def test_n20_twin_a_ban_is_proposed_where_there_are_orders() -> None:
    assert PROPOSING
    for story, alert in PROPOSING:
        buyers = {f"{v['shop_id']}:{v['buyer_id']}" for t, v in story.events if t == "orders"}
        assert alert.subject.id in buyers


def test_n29_twin_what_is_hidden_still_links() -> None:
    """The keyed hash of a phone ties accounts together and shows no digit of it."""
    story = load(example("D03/fires_ten_accounts_share_a_phone"))
    phones = {v["receiver"]["phone"] for t, v in story.events if "receiver" in v}
    alerts = accusing(story)
    assert alerts and len(phones) == 1
    assert not [phone for phone in phones if phone in alerts[-1].model_dump_json()]


SUBMITTING = re.compile(r"submit|send_|file_complaint|appeal|upload|ban_buyer|reply_")


def test_n30_nothing_is_submitted_to_a_platform() -> None:
    """No action submits, and the platforms' addresses stand only in drafts for people."""
    assert not [code for code in get_args(ActionCode) if SUBMITTING.search(code)]
    naming = {
        path.relative_to(ROOT).as_posix()
        for suffix in ("py", "yaml")
        for path in (ROOT / "streams").rglob(f"*.{suffix}")
        if re.search(r"https?://[\w.]*(?:taobao|tmall|aliexpress)", path.read_text("utf-8"))
    }
    assert naming == {"streams/detect/entries.yaml"}
    calls = re.compile(r"urlopen|httpx|requests\.(?:get|post)|aiohttp")
    for name in (
        "detect/entries",
        "detect/playbooks",
        "inbox/casebook",
        "inbox/case_web",
        "inbox/banlist",
        "inbox/ban_web",
    ):
        assert not calls.search((ROOT / f"streams/{name}.py").read_text("utf-8"))


def test_n30_twin_a_form_is_drafted_for_a_person() -> None:
    step = playbooks.complaint("异常拍下", "经过", "tmall")
    assert step.code == "A10_draft_complaint"
    assert step.draft and "guimi.tmall.com" in step.draft
