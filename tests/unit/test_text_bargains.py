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
        # Harms that no list names: whatever follows if nothing is given.
        "八百块,不转试试",
        "三百,不掏你店明天就没了",
        "转我520,不转我满大街骂你",
        # The price of peace.
        "五千不外传",
        "每月给三百我不说",
        "那啥,每月三百,保你店里没差评",
        "两百我就删,少一分都不行",
        # Where it is met again, and who would hear of it.
        "六百,现在转,不转咱们抖音见",
        "2000买断,不买我就发给淘宝",
        # Many hands.
        "给四百,不给天天下单天天退",
        # Money without a sum, and what everybody knows the use of.
        "交666咨询费或炸公屏",
        "你看着给点,给少了明天上热搜",
        # A fault that is only going to be told.
        "转我三百,不转我就说你家卖假货",
        "面膜挺好用,给我一百,不给就发烂脸图说过敏",
        # Praise, and then a refund.
        "鞋很舒服,退我一百,不退就一颗星",
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
        "我不会因为你们给50块就改评价的",
        # What the buyer pays, paid or would do without.
        "给我留一件,200块我今晚转,不然明天就没货了",
        "你们业务员收了我2000块钱就不见了,不退钱我们法院见",
        "我给你们拍了视频发抖音,给个50块材料费呗,不给也行",
        "300块买个这?一星都不想给",
        "花500买个教训,大家别买,避雷",
        # What befalls the buyer alone.
        "转两百过来吧,不然我妈骂我",
        "运费你们出一半,20块,不然我就不换了",
        # Praise does not hide a fault.
        "裙子很好看,就是有个洞,退我三百,不退一颗星",
        # Told of others.
        "网上看到有人买了东西要商家给五百否则差评,这种人太坏了",
        "我弟也遇到过,对方要800删评,后来报警了",
        "老板别怕那种要钱删差评的,直接报警",
        "前男友说不给他一万就发照片,我想买个录音笔取证",
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
    assert {text[one.start : one.end] for one in signals.found} == {"三百", "不轉明天小紅書見"}


def test_what_is_typed_character_by_character_has_the_spans_of_the_message() -> None:
    text = "转 我 五 百 , 不 转 明 天 让 你 下 架"
    signals = read_chat(text)
    assert signals.amount_minor == 50_000
    assert {text[one.start : one.end] for one in signals.found} == {
        "五 百",
        "不 转 明 天 让 你 下 架",
    }


def test_a_blank_beside_a_sum_is_none_of_it() -> None:
    text = "给我 500 ,不给就差评"
    assert "500" in {text[one.start : one.end] for one in read_chat(text).found}


def test_what_is_going_to_be_said_of_the_goods_is_no_reason() -> None:
    assert not read_chat("不送我就说你家卖假货").names_reason
    assert read_chat("你家卖假货").names_reason


def test_half_a_bargain_is_that_half_and_the_other_may_be_another_message() -> None:
    assert {one.code for one in read_chat("转三百过来").found} == {"demand.money"}
    assert {one.code for one in read_chat("不转明天小红书见").found} == {"threat.sabotage"}


@pytest.mark.parametrize(
    "text",
    [
        # What is sent to the shop, what goes back, a price.
        "我转三百过来了",
        "退款三百转我微信",
        "给我三百的那款",
        # Something else than money is refused.
        "不给发票我打12366",
        "不给换我就发小红书",
    ],
)
def test_what_is_no_half_of_one(text: str) -> None:
    assert not read_chat(text).has("demand.money", "threat.")


def test_in_a_long_message_the_parts_must_stand_together() -> None:
    gain, harm = "转三百过来,不转的话", "明天让你下架"
    assert level(gain + harm) == "warn"
    assert level(gain + "今天天气很好" * 15 + harm) == ""


@pytest.mark.parametrize(
    "unit",
    [
        "不给差评红包",
        "不给我500就抖音曝光,",
        "“差评",
        "转500或者一星",
        "给我转三百不",
        "给500我就会马上",
        "保你没差评",
        "我就说不不不",
    ],
)
def test_no_message_takes_long(unit: str) -> None:
    folded = fold((unit * 8000)[:8000]).text
    hits = lexicon().find(folded)
    began = time.process_time()
    bargain(folded, hits, has_reason=False)
    # Some milliseconds; pairs of all words with each other would take seconds.
    assert time.process_time() - began < 1
