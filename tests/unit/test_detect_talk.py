"""What chats and reviews become, what of it is kept, and the must-nots about talking, each by name."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest

from schemas.alerts import Alert
from schemas.fast import decode_line
from schemas.topics import BUYER_TOPICS
from streams.detect.address import receivers
from streams.detect.address.receivers import Reader
from streams.detect.alerts import to_datetime
from streams.detect.detector import Facts, find_detectors
from streams.detect.extract import FACTS_OF, to_ms
from streams.detect.facts import (
    DAY_MS,
    AnyFact,
    ChatRefused,
    ChatRevealed,
    ChatSaid,
    ReasonGiven,
    ReviewStood,
    Talked,
    merge,
)
from streams.detect.text.lexicon import lexicon
from tests.example_stories import stories
from tests.oracle.story import DAY, HOUR, MINUTE, ms
from tests.pipeline import Pipeline, build_engine, default_engine, run
from tests.talk_stories import Talk

NUMBER = "320198765432100001"
OURS = ("D04", "D13", "D14", "D17", "D18", "D19", "D20", "D21", "D23", "D24")


def facts_of(story: Talk) -> list[AnyFact]:
    found: list[AnyFact] = []
    for topic, value in story.events:
        _, event = decode_line(orjson.dumps({"topic": topic, "value": value}))
        make = FACTS_OF.get(type(event))
        found.extend(make(event) if make else ())
    return found


def said(text: str, **body: Any) -> list[AnyFact]:
    story = Talk()
    story.said(text, 0, **body)
    return facts_of(story)


def standing(story: Talk, until: float = 60 * DAY) -> list[Alert]:
    last = {alert.alert_id: alert for alert in run(story.events, ms(until)).alerts}
    return [alert for alert in last.values() if alert.status != "retracted"]


def ids(story: Talk, until: float = 60 * DAY) -> list[str]:
    return sorted(alert.detector for alert in standing(story, until))


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receivers, "_reader", Reader(b"a key of tests that is long enough"))


@pytest.mark.parametrize(
    "text",
    [
        "什么时候发货",
        "好评返现吗",
        "我的手机号13812345678,发货前打给我",
        "能送我一个小礼物吗",
        "能补偿一点吗",
        "",
    ],
)
def test_a_plain_message_leaves_only_its_day(text: str) -> None:
    assert [type(fact) for fact in said(text)] == [Talked]


def test_later_messages_of_a_day_change_nothing() -> None:
    story = Talk()
    for at in (HOUR, 0, 2 * HOUR):
        story.said("在吗", at)
    known: list[AnyFact] = []
    first, earlier, later = facts_of(story)
    assert merge(known, [first])
    assert merge(known, [earlier])
    assert not merge(known, [later])
    assert known == [earlier]


def test_of_the_reasons_of_a_day_the_first_is_kept() -> None:
    story = Talk()
    for at in (HOUR, 0, 2 * HOUR, DAY):
        story.said("衣服洗一次就破了个洞", at)
    known: list[AnyFact] = []
    for fact in facts_of(story):
        merge(known, [fact])
    assert [(f.ref, f.at_ms) for f in known if isinstance(f, ReasonGiven)] == [
        (str(ms(0) // DAY_MS), ms(0)),
        (str(ms(DAY) // DAY_MS), ms(DAY)),
    ]


def test_a_reason_alone_makes_nobody_looked_at() -> None:
    assert ReasonGiven not in default_engine().gate("buyer", "s:b").loud


def test_a_message_is_kept_as_codes_places_and_version() -> None:
    _, fact = said("不给⑤⓪⓪元红包就差评", order="o1")
    assert isinstance(fact, ChatSaid)
    assert fact.found == "demand.money@2-6/1 demand.soft@6-8/1 threat.bad_review@9-11/1"
    assert fact.lexicon == lexicon().version
    assert (fact.amount_minor, fact.orders) == (50_000, ("o1",))
    assert fact.codes() == ("demand.money", "demand.soft", "threat.bad_review")


def test_what_an_earlier_version_kept_says_as_much_but_for_the_sentence() -> None:
    """State outlives versions: there the places name none."""
    story = Talk()
    story.said("在吗。不给500元红包就差评", 0)
    (fact,) = (one for one in facts_of(story) if isinstance(one, ChatSaid))
    assert fact.found == "demand.money@5-9/2 demand.soft@9-11/2 threat.bad_review@12-14/2"
    found = "demand.money@5-9 demand.soft@9-11 threat.bad_review@12-14"
    before = msgspec.structs.replace(fact, found=found)
    assert before.codes() == fact.codes()
    assert all(before.says(code) for code in fact.codes())
    detector = next(one for one in find_detectors() if one.id == "D04")
    rules = default_engine().rules.of("s")["D04"].block
    now, then = (detector.evaluate(Facts("s:b", [one]), ms(HOUR), rules) for one in (fact, before))
    assert now.episodes and [one.details for one in now.episodes] == [
        one.details for one in then.episodes
    ]
    # Read again, as in a replay of its topic, the message says its sentence from then on, in either order.
    for first, second in ((before, fact), (fact, before)):
        known: list[AnyFact] = [first]
        merge(known, [second])
        assert known == [fact]


def test_n29_no_fact_holds_text_phone_or_address(keyed: None) -> None:
    story = Talk()
    story.said("加我微信,手机13812345678,不给500元就投诉,地址这个中山路88号", 0)
    story.said("您的电话是13812345678,地址中山路88号", 1, sender="seller")
    story.reviewed("posted", "o", 2, text="老板电话13812345678,住中山路88号,傻逼")
    found = facts_of(story)
    assert {type(fact) for fact in found} == {Talked, ChatSaid, ChatRevealed, ReviewStood}
    packed = msgspec.msgpack.encode(found).decode("latin-1")
    for secret in ("13812345678", "中山路", "微信", "傻逼"):
        assert secret.encode().decode("latin-1") not in packed
    for alert in standing(story):
        assert "13812345678" not in alert.model_dump_json()


def test_good_reviews_leave_no_fact_and_changes_do() -> None:
    story = Talk()
    story.reviewed("posted", "a", 0, "good", "很好")
    story.reviewed("appended", "a", 1, "good", "还是很好")
    story.reviewed("changed", "a", 2, "good", "很好")
    story.reviewed("posted", "b", 3, "neutral", "一般", mutual_rated=True)
    facts = facts_of(story)
    assert [(f.ref, f.rating) for f in facts if isinstance(f, ReviewStood)] == [
        ("r-a#changed", "good"),
        ("r-b", "neutral"),
    ]
    assert all(isinstance(f, ReviewStood) and f.review_id in ("r-a", "r-b") for f in facts)


def ask_and_reply(reply: str, at: float = 20 * MINUTE) -> Talk:
    story = Talk()
    story.created("own", 0)
    story.events[-1][1]["receiver"] = {"name": "李四", "phone": "13900139000", "detail": "x"}
    story.said(f"订单{NUMBER}的收件人电话是多少", 10 * MINUTE)
    story.said(reply, at, sender="seller")
    return story


@pytest.mark.parametrize(
    ("reply", "at", "severity"),
    [
        ("收件人电话13812345678", 20 * MINUTE, "critical"),
        ("收件人电话１３８ 1234-5678", 70 * MINUTE, "critical"),
        ("收件人电话13812345678", 70 * MINUTE + 1, "warn"),
        ("收件人电话13812345678", 9 * MINUTE, "warn"),
        ("您预留的电话是13900139000", 20 * MINUTE, "warn"),
        ("无法提供", 20 * MINUTE, "warn"),
    ],
)
def test_d13_is_critical_once_a_foreign_number_is_given_away(
    keyed: None, reply: str, at: float, severity: str
) -> None:
    (alert,) = [a for a in standing(ask_and_reply(reply, at), HOUR) if a.detector == "D13"]
    assert alert.severity == severity


def test_d13_without_a_key_says_nothing_of_replies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receivers, "_reader", Reader())
    story = ask_and_reply("收件人电话13812345678")
    (alert,) = [a for a in standing(story, HOUR) if a.detector == "D13"]
    assert alert.severity == "warn"


@pytest.mark.parametrize("text", ["亲,开不了发票哦", "發票要加税点的", "不 开 票"])
def test_an_invoice_refused_in_the_chat_is_a_fact(text: str) -> None:
    assert [type(fact) for fact in said(text, sender="seller")] == [ChatRefused]
    assert not said("可以开发票,可以分开寄", sender="seller")


@pytest.mark.parametrize(
    "text",
    [
        "我们没有说不能开发票",
        "不会不开发票的,您放心",
        "是系统显示开不了发票吗?",
        "包裹里没有发票,电子发票可以开",
    ],
)
def test_a_seller_who_denies_refusing_has_not_refused(text: str) -> None:
    assert not said(text, sender="seller")


def test_a_reply_may_refuse_an_invoice_and_give_a_number_away(keyed: None) -> None:
    text = "开不了发票,收件人电话13812345678"
    assert [type(fact) for fact in said(text, sender="seller")] == [ChatRefused, ChatRevealed]
    (alert,) = [a for a in standing(ask_and_reply(text), HOUR) if a.detector == "D13"]
    assert alert.severity == "critical"


def own_question_and_complaint() -> Talk:
    story = Talk()
    story.created(NUMBER, 0)
    story.said(f"订单{NUMBER}的收件人电话是多少", HOUR)
    # Named, the order would be known to be the buyer's by the complaint itself.
    story.filed("k", None, HOUR + 5 * MINUTE, "privacy_leak")
    return story


def refused_split_and_complaint() -> Talk:
    story = Talk()
    story.said("发票和商品分开发可以吗", HOUR)
    story.refused_invoice("o", HOUR + MINUTE)
    story.said("开不了发票", HOUR + MINUTE, sender="seller")
    story.filed("k", "o", HOUR + 5 * MINUTE, "invoice")
    return story


@pytest.mark.parametrize(
    ("story", "unread"),
    [
        (own_question_and_complaint(), "orders"),
        (refused_split_and_complaint(), "invoices"),
        (refused_split_and_complaint(), "chats"),
    ],
    ids=["orders", "invoices", "chats"],
)
def test_d17_accuses_nobody_while_what_excuses_them_is_unread(story: Talk, unread: str) -> None:
    """L4: all of it is read but one topic, of which only the bait is."""
    pipeline = Pipeline()
    excuses = {"own": ("orders",), "refused": ("invoices", "chats")}
    kinds = excuses["own" if unread == "orders" else "refused"]
    pipeline.send(
        [
            (topic, value)
            for topic, value in story.events
            if topic not in kinds or value.get("sender") == "buyer"
        ]
    )
    pipeline.read_to_end(ms(DAY), [topic for topic in BUYER_TOPICS if topic != unread])
    pipeline.read_to_end(ms(HOUR + 5 * MINUTE) - 1, [unread])
    assert "D17" not in {alert.detector for alert in pipeline.alerts}
    pipeline.read_to_end(ms(HOUR + 5 * MINUTE), [unread])
    assert "D17" in {alert.detector for alert in pipeline.alerts}


def test_n02_retaliation_alone_is_no_case() -> None:
    story = Talk()
    story.said("我要让你关店,给你刷差评", 0)
    story.reviewed("posted", "o", DAY, "bad", "太差了")
    assert ids(story) == []


def test_n03_an_ordinary_bad_review_is_nothing() -> None:
    story = Talk()
    story.reviewed("posted", "o", 0, "bad", "质量太差,垃圾,再也不来了")
    assert ids(story) == []


def test_n05_n06_freight_and_service_are_haggled_about() -> None:
    story = Talk()
    story.said("你不承担运费我不会给你改评价", 0)
    story.said("你如果今天不发货,我就给你差评", MINUTE)
    story.said("运费20元你出,不然投诉", 2 * MINUTE)
    story.reviewed("posted", "o", DAY, "bad", "发货慢")
    assert ids(story) == []


def test_n08_the_same_text_twice_is_no_evidence() -> None:
    story = Talk()
    for number in range(3):
        story.reviewed("posted", f"o{number}", number, "bad", "不值这个价")
    assert ids(story) == []


def test_n09_advertising_outside_the_four_kinds_is_out_of_scope() -> None:
    story = Talk()
    story.reviewed("posted", "o", 0, "good", "卖茶叶的,想买加微信12345")
    assert ids(story) == []


def test_n10_advertising_is_masked_and_the_review_stays() -> None:
    story = Talk()
    story.reviewed("posted", "o", 0, "good", "日结兼职,加微信")
    (alert,) = standing(story, HOUR)
    assert "评价保留" in alert.summary.zh
    assert "删除" not in alert.summary.zh


@pytest.mark.parametrize(
    ("sells", "rating", "until", "says"),
    [(True, "bad", HOUR, True), (True, "good", HOUR, False), (False, "bad", HOUR, False),
     (True, "bad", 60 * DAY, False)],
)  # fmt: skip
def test_advertising_by_a_seller_may_be_a_rivals_whose_review_is_deleted(
    sells: bool, rating: str, until: float, says: bool
) -> None:
    """S3 「根据同行竞争属于恶意评价处理范畴,评价删除」; without a category D22 says nothing itself."""
    story = Talk()
    leaves = {"is_seller": sells, "leaf_categories": ["女装/连衣裙"]}
    story._add("accounts", "seller_category", 0, None, **leaves)
    story.reviewed("posted", "o", 60, rating, "日结兼职,加微信")
    (alert,) = standing(story, until)
    assert ("评价删除" in alert.summary.zh, "deleted" in alert.summary.en) == (says, says)


def test_n11_appended_reviews_are_scanned() -> None:
    story = Talk()
    story.reviewed("posted", "o", 0, "bad", "不好")
    story.reviewed("appended", "o", DAY, "bad", "傻逼商家,臭不要脸")
    assert ids(story) == ["D19"]


@pytest.mark.parametrize("is_mutual", [True, False])
def test_n17_no_complaint_is_drafted_while_the_rating_is_not_mutual(is_mutual: bool) -> None:
    story = Talk()
    story.said("不给500元红包就差评", 0)
    story.reviewed("posted", "o", DAY, "bad", "差", mutual_rated=is_mutual)
    (alert,) = [a for a in standing(story, 2 * DAY) if a.detector == "D20"]
    codes = {action.code for action in alert.suggested_actions}
    assert ("A10_draft_complaint" in codes) is is_mutual
    assert [deadline.code for deadline in alert.deadlines] == ["T04"]


def reviewed_late(days: float) -> Talk:
    """Something to report, in what is added or changed so many days after the review was posted."""
    story = Talk()
    at, body = days * DAY, {"posted": 0, "mutual_rated": True}
    story.reviewed("appended", "a", at, "good", "日结兼职,加微信", **body)
    story.reviewed("appended", "b", at, "good", "傻逼商家,臭不要脸", **body)
    story.said("不给500元红包就差评", at - HOUR)
    story.reviewed("changed", "c", at, "bad", "差", **body)
    return story


def drafts(alerts: list[Alert], detector: str) -> list[bool]:
    return [
        any(action.code == "A10_draft_complaint" for action in alert.suggested_actions)
        for alert in alerts
        if alert.detector == detector
    ]


@pytest.mark.parametrize(("days", "is_drafted"), [(30, True), (30.0001, False)])
@pytest.mark.parametrize(("detector", "review"), [("D18", "a"), ("D19", "b"), ("D20", "c")])
def test_n17_thirty_days_count_from_when_the_review_was_posted(
    detector: str, review: str, days: float, is_drafted: bool
) -> None:
    story = reviewed_late(days)
    alerts = standing(story, days * DAY)
    assert drafts(alerts, detector) == [is_drafted], review
    if not is_drafted:
        (alert,) = [a for a in alerts if a.detector == detector]
        reasons = [p.zh for action in alert.suggested_actions for p in action.prerequisites]
        assert "评价产生已超过30天,平台不再受理" in reasons


@pytest.mark.parametrize("is_mutual", [True, False])
@pytest.mark.parametrize(
    ("detector", "text"), [("D18", "日结兼职,加微信"), ("D19", "傻逼商家,臭不要脸")]
)
def test_n17_reporting_words_needs_a_mutual_rating_too(
    detector: str, text: str, is_mutual: bool
) -> None:
    story = Talk()
    story.reviewed("posted", "o", 0, "bad", text, mutual_rated=is_mutual)
    assert drafts(standing(story, HOUR), detector) == [is_mutual]


def test_n17_bad_reviews_of_a_professional_need_one_that_may_be_complained_of() -> None:
    for is_mutual in (True, False):
        story = Talk()
        for number in range(5):
            story.paid(f"o{number}", number)
            story.reviewed("posted", f"o{number}", DAY + number, mutual_rated=is_mutual)
        story.said("给我300元我就删差评", DAY + 100)
        assert drafts(standing(story, 2 * DAY), "D21") == [is_mutual]


def test_d21_says_until_when_the_last_of_its_reviews_may_be_complained_of() -> None:
    story = Talk()
    for number in range(5):
        story.paid(f"o{number}", number)
        story.reviewed("posted", f"o{number}", DAY + number, mutual_rated=number < 4)
    (alert,) = (a for a in standing(story, 2 * DAY) if a.detector == "D21")
    assert (alert.severity, alert.deadlines) == ("info", [])
    story.said("给我300元我就删差评", DAY + 100)
    (alert,) = (a for a in standing(story, 2 * DAY) if a.detector == "D21")
    (deadline,) = alert.deadlines
    assert (deadline.code, deadline.due_at) == ("T04", to_datetime(ms(31 * DAY + 3)))
    assert "此为最晚的一条" in deadline.text.zh
    assert "the last of them" in deadline.text.en


def test_t04_says_when_the_age_of_a_review_is_not_known() -> None:
    for posted, is_known in ((None, False), (0, True)):
        story = Talk()
        story.reviewed("appended", "o", 20 * DAY, "good", "日结兼职,加微信", posted=posted)
        (alert,) = standing(story, 20 * DAY)
        (deadline,) = alert.deadlines
        assert ("首次发布时间未知" not in deadline.text.zh) is is_known
        assert deadline.due_at.day == (1 if is_known else 21)


def test_n03_one_word_drafts_no_complaint() -> None:
    story = Talk()
    story.reviewed("posted", "o", 0, "bad", "傻逼快递", mutual_rated=True)
    (alert,) = standing(story, HOUR)
    assert (alert.detector, alert.severity) == ("D19", "info")
    assert drafts([alert], "D19") == [False]


def test_n21_ones_own_order_may_be_asked_about() -> None:
    story = Talk()
    story.created(NUMBER, 0)
    story.said(f"订单{NUMBER}的地址是哪里,帮我核对一下", HOUR)
    assert ids(story) == []


@pytest.mark.parametrize("tie", ["readdressed", "tried to pay", "refunded", "invoiced", "none"])
def test_n21_an_order_whose_beginning_is_not_known_is_ones_own_by_what_follows(tie: str) -> None:
    story = Talk()
    if tie == "readdressed":
        story.redirected(NUMBER, 0, {"state": "浙江省", "city": "杭州市", "detail": "文三路100号"})
    elif tie == "tried to pay":
        story.failed(NUMBER, 0)
    elif tie == "refunded":
        story.refund_step("agreed", NUMBER, 0)
    elif tie == "invoiced":
        story.asked_invoice(NUMBER, 0)
    story.said(f"订单{NUMBER}的地址是哪里,帮我核对一下", HOUR)
    assert ids(story) == (["D13"] if tie == "none" else [])


FORBIDDEN = (
    "同意赔",
    "支付给",
    "转账给买家",
    "拒绝开",
    "关闭订单",
    "降权",
    "处罚",
    "扣分",
    "拒绝退款",
)


@pytest.mark.parametrize("detector", OURS)
def test_n14_n25_n26_no_text_threatens_the_seller_or_advises_to_pay_or_to_refuse(
    detector: str,
) -> None:
    firing = [s for s in stories() if s.detector == detector and s.expected]
    assert firing
    for story in firing:
        for alert in run(story.events, story.horizon_ms).alerts:
            texts = [alert.title.zh, alert.summary.zh, alert.evidence.not_if.zh]
            texts += [a.text.zh for a in alert.suggested_actions]
            for text in texts:
                assert not [word for word in FORBIDDEN if word in text], text
                if detector == "D04":
                    # Bargaining is named only to advise against it (N25).
                    assert "协商" not in text.replace("请勿协商", "")


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ("不给我$50我就投诉你", "索要50。", "demands 50 and"),
        ("不给我¥50我就投诉你", "索要50。", "demands 50 and"),
        ("给我200美元,不然投诉你", "索要200。", "demands 200 and"),
        ("给我2000解决,不然投诉", "索要2000。", "demands 2000 and"),
        ("不给我500.5元我就投诉你", "索要500.50。", "demands 500.50 and"),
        ("不给红包我就投诉你,再给点封口费", "索要财物。", "makes a demand and"),
    ],
)
def test_d04_says_how_much_and_of_no_currency(text: str, zh: str, en: str) -> None:
    story = Talk()
    story.said(text, 0)
    (alert,) = [alert for alert in standing(story, HOUR) if alert.detector == "D04"]
    assert zh in alert.summary.zh
    assert en in alert.summary.en


def test_n29_alerts_of_texts_show_spans_and_no_words() -> None:
    story = Talk()
    story.said("不给500元红包就差评", 0)
    (alert,) = standing(story, HOUR)
    assert alert.evidence.facts[0].detail["found"] == (
        "demand.money@2-6/1 demand.soft@6-8/1 threat.bad_review@9-11/1"
    )
    assert "红包" not in alert.model_dump_json()


def test_our_detectors_are_registered() -> None:
    assert set(OURS) <= set(default_engine().rules.of("s").keys())


@pytest.mark.parametrize(("refunds", "said"), [(0, []), (1, ["1 order of"]), (2, ["2 orders of"])])
def test_d04_says_for_the_buyer_only_what_there_is(refunds: int, said: list[str]) -> None:
    story = Talk()
    story.said("不给我600我就投诉你", 0)
    for number in range(refunds):
        story.requested(f"o{number}", 10 + number, reason="quality")
    (alert,) = [alert for alert in standing(story, HOUR) if alert.detector == "D04"]
    counter = [line.en for line in alert.evidence.counter_evidence]
    assert "read the conversation" in counter[0]
    assert [part for line in counter[1:] for part in said if part in line] == said
    assert len(counter) == 1 + len(said)


HALVES = ("转三百过来", "不转明天小红书见")


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(("minutes", "found"), [(10, ["D04"]), (11, [])])
def test_a_bargain_in_two_messages_is_one_within_the_window(
    first: int, minutes: int, found: list[str]
) -> None:
    story = Talk()
    story.said(HALVES[first], 0)
    story.said(HALVES[1 - first], minutes * MINUTE)
    assert ids(story) == found
    assert all(alert.severity == "warn" for alert in standing(story))


def test_a_refusal_of_something_else_beside_a_sum_is_none() -> None:
    story = Talk()
    story.said("转三百过来", 0)
    story.said("不给发票我打12366", MINUTE)
    assert ids(story) == []


def test_where_it_takes_two_tellings_of_a_scam_they_are_of_one_week() -> None:
    story = Talk()
    for at in (0, 8 * DAY, 9 * DAY):
        story.said("有人打电话自称客服,让我转账", at)
    pipeline = Pipeline(build_engine(D23={"tellings": 2}))
    pipeline.send(story.events)
    pipeline.finish(ms(10 * DAY))
    (alert,) = (a for a in pipeline.alerts if a.detector == "D23")
    assert (alert.status, to_ms(alert.opened_at)) == ("open", ms(9 * DAY))
    assert [threshold.value for threshold in alert.evidence.thresholds] == [2]
