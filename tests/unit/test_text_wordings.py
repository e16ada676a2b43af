"""Frames that people fill with words of their own, and how much of unseen wordings is read.

The bounds are below what was measured: docs/detection.md, "In other words".
"""

from __future__ import annotations

import pytest

from benchmarks import wordings
from streams.detect.text.lexicon import Lexicon, LexiconError
from streams.detect.text.seller import read_seller
from streams.detect.text.signals import read_chat, read_review


def test_words_that_nobody_had_seen_are_read_and_nobody_honest_is_accused() -> None:
    of = {one.label: one for one in wordings.read("unseen")}
    assert of["honest"].warned == of["honest"].informed == 0
    assert of["extortion"].warned / of["extortion"].messages >= 0.55
    assert of["claim"].warned / of["claim"].messages <= 0.1


def test_the_honest_messages_that_the_lists_were_made_with_are_left_alone() -> None:
    of = {one.label: one for one in wordings.read("seen")}
    assert of["honest"].warned == of["honest"].informed == 0


def test_in_english_only_what_is_plain_is_read_and_nobody_honest_is_accused() -> None:
    for name, least in (("english_unseen", 0.08), ("english_seen", 0.6)):
        of = {one.label: one for one in wordings.read(name)}
        assert of["honest"].warned == of["honest"].informed == 0
        assert of["claim"].warned == of["claim"].informed == 0
        found = of["extortion"].warned + of["extortion"].informed
        assert found / of["extortion"].messages >= least


@pytest.mark.parametrize("told", wordings.signals("english_unseen"), ids=lambda told: told.what)
def test_in_english_near_misses_are_left_alone(told: wordings.Told) -> None:
    assert told.read > 0
    assert told.misread / told.near_misses <= 0.15


@pytest.mark.parametrize("told", wordings.signals("unseen"), ids=lambda told: told.what)
def test_what_nobody_had_seen_is_read_more_often_than_near_misses(told: wordings.Told) -> None:
    # Seven of twenty reviews that sell something are the least.
    assert told.read / told.texts >= 0.3
    assert told.misread / told.near_misses <= 0.2
    assert told.read / told.texts >= 3 * told.misread / told.near_misses


@pytest.mark.parametrize(
    "text",
    [
        "帮我对一下收货人电话",
        "我这单是寄到学校还是寄到家",
        "地址门牌号是不是填错了",
        "下单留的哪个号码呀",
    ],
)
def test_ways_to_ask_for_a_receiver(text: str) -> None:
    assert read_chat(text).has("address.ask")


@pytest.mark.parametrize(
    "text",
    [
        "退回去寄到哪个仓库",
        "打电话给我,别放门口",
        "你们一共有哪些店",
        "寄哪家快递",
        "快递员电话多少",
        "发货了吗,地址没问题我就等着",
    ],
)
def test_what_only_sounds_like_it(text: str) -> None:
    assert not read_chat(text).has("address.ask")


@pytest.mark.parametrize(
    ("text", "is_refused"),
    [
        ("开专票要加八个点哦亲", True),
        ("这个活动价是不带票的", True),
        ("税点需要您承担", True),
        ("小于两百只有收据", True),
        ("开票不用加钱的亲", False),
        ("您补一下抬头,发票今天开好", False),
    ],
)
def test_ways_to_refuse_an_invoice(text: str, is_refused: bool) -> None:
    assert ("refuses_invoice" in read_seller(text).kinds) == is_refused


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("同款批发价更低,加薇 abc12345", "ad.resale"),
        ("在家做手工活,一天一百,扣裙 123456", "ad.part_time"),
        ("大额券都在群里,裙号 654321", "ad.affiliate"),
        ("买东西能返钱,邀请码 AB1234", "ad.cashback"),
        # Neither a digit nor a word of the lexicons.
        ("加盟招商,看我主页", "ad.resale"),
        ("时薪可谈,看我头像", "ad.part_time"),
    ],
)
def test_ways_to_advertise(text: str, code: str) -> None:
    assert {one.code for one in read_review(text).found} == {code}


@pytest.mark.parametrize(
    "text",
    [
        "客服加了我微信教我安装,零花钱买的也值",
        "朋友做微商卖一百八,这里六十",
        "代购回来的同款更贵,推荐",
        "用微波炉转两分钟就好,同款比超市便宜",
    ],
)
def test_a_lure_without_a_way_or_a_way_without_a_lure_is_no_ad(text: str) -> None:
    assert not read_review(text).has("ad.")


def test_a_heart_hides_a_word_that_no_lexicon_can_hold() -> None:
    assert read_chat("加微❤聊").has("contact.wechat")
    assert not read_chat("微波炉可以用吗").has("contact.wechat")
    with pytest.raises(LexiconError, match=r"微❤.*is '微' without its signs"):
        Lexicon({"contact.wechat": ("微❤",)}, "2026-01-01")
