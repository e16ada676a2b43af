"""Bargains under a threat in ordinary words: what makes one, and each thing that speaks against it."""

from __future__ import annotations

import time

import pytest

from benchmarks.wordings import level
from streams.detect.text.bargains import bargain
from streams.detect.text.folding import fold
from streams.detect.text.lexicon import lexicon
from streams.detect.text.signals import read_chat


@pytest.mark.parametrize(
    "text",
    [
        "老板转三百过来,不转明天小红书见",
        "两千块买断,不然视频今晚就发抖音",
        "市监局的举报信写好了,给八百我就当没看见",
        "包个大红包,小气的话等着看一星",
        "想让我取消那40单?打五百来,不打继续锁库存",
        "要么给我1888,要么让你链接下架,你选",
        "拿點錢出來,否則叫人來拍光你的庫存",
        "一条八十,给了我删差评",
        "东西没毛病,退我五十,不退就一颗星",
        "封口费一千,不到账就爆料",
    ],
)
def test_a_harm_a_gain_and_what_ties_them_are_a_warning(text: str) -> None:
    assert level(text) == "warn"


@pytest.mark.parametrize(
    "text",
    ["免费寄两套过来,不然避雷笔记见", "再给我寄一份,不寄就打一颗星", "免单吧,要不我曝光你们"],
)
def test_goods_instead_of_money_inform(text: str) -> None:
    assert level(text) == "info"


@pytest.mark.parametrize(
    "text",
    [
        # Without what ties them.
        "小红书上看到的,三百块拿下,谢谢老板",
        # Without a gain.
        "再不发货我就曝光你们",
        # Without a harm.
        "转三百过来,不转我就不退了",
        # What is wrong with the goods.
        "杯子有个洞,补我二十,不补我上抖音",
        "快递压扁了,给我30,不然一颗星",
        # What others did or said.
        "有人加我要五百,说不给就让你们下架,是你们的人吗",
        "以前遇到过,张口就是转三百,不转就下架你",
        # What the shop promised.
        "客服答应过我转20的,不转我只好一颗星了",
        # A quotation.
        "他发的是“转五百否则让你下架”,你们看看",
        # Prices, times, counts.
        "便宜二十吧,不然我给一颗星哈哈",
        "订了11:30的,不送来我就投诉",
        "买了300个红包袋,再不发货我投诉",
        # Denied.
        "我不会给差评的,你转不转这二十都行",
    ],
)
def test_each_of_these_speaks_against_it(text: str) -> None:
    assert level(text) != "warn"


def test_who_says_that_nothing_is_wrong_has_no_claim() -> None:
    assert level("质量没问题,退我一百,不退就一颗星") == "warn"
    assert level("质量有问题,退我一百,不退就一颗星") == ""


def test_the_spans_and_the_sum_are_those_of_the_message() -> None:
    text = "老闆,轉三百過來,不轉明天小紅書見"
    signals = read_chat(text)
    assert signals.amount_minor == 30_000
    assert {text[one.start : one.end] for one in signals.found} == {"三百", "小紅書"}


def test_what_is_typed_character_by_character_has_the_spans_of_the_message() -> None:
    text = "转 我 五 百 , 不 转 明 天 让 你 下 架"
    signals = read_chat(text)
    assert signals.amount_minor == 50_000
    assert {text[one.start : one.end] for one in signals.found} == {"五 百", "下 架"}


def test_a_blank_beside_a_sum_is_none_of_it() -> None:
    text = "给我 500 ,不给就差评"
    assert "500" in {text[one.start : one.end] for one in read_chat(text).found}


def test_in_a_long_message_the_parts_must_stand_together() -> None:
    gain, harm = "转三百过来,不转的话", "明天让你下架"
    assert level(gain + harm) == "warn"
    assert level(gain + "今天天气很好" * 15 + harm) == ""


@pytest.mark.parametrize("unit", ["不给差评红包", "不给我500就抖音曝光,", "“差评", "转500或者一星"])
def test_no_message_takes_long(unit: str) -> None:
    folded = fold((unit * 8000)[:8000]).text
    hits = lexicon().find(folded)
    began = time.process_time()
    bargain(folded, hits, has_reason=False)
    # Some milliseconds; pairs of all words with each other would take seconds.
    assert time.process_time() - began < 1
