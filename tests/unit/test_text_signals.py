"""What a text says: evasions, and pairs of texts that share their words but not their meaning."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.detect.text.amounts import amounts
from streams.detect.text.folding import fold
from streams.detect.text.lexicon import MAX_HITS, lexicon
from streams.detect.text.numbers import order_ids
from streams.detect.text.seller import read_seller
from streams.detect.text.signals import (
    MAX_SIGNALS,
    Signals,
    read_chat,
    read_review,
)


def codes(signals: Signals) -> set[str]:
    return {found.code for found in signals.found}


def is_extortion(text: str) -> bool:
    signals = read_chat(text)
    return signals.has("threat.") and signals.has("demand.money")


@pytest.mark.parametrize(
    "text",
    [
        "不给500红包就差评",
        "不给3000元我就不撤销投诉",
        "不转两千块就投诉到底",
        "给我1000块,不然投诉你",
        "气死了,赔我1000块,不然投诉你",
        "赔我五百块,否则举报",
        "一千五私了,不然12315见",
        # Spelled, it is no line to call.
        "赔我一百一,不然差评",
        "一万二千三解决,不然举报",
        # What is to be given, though it says 了.
        "你给我转了500我就撤投诉,不然没完",
        "给我发了500红包就不差评",
        "转我支付宝2w 要不然找小二投诉",
        "给我300元我就不给差评",
        "拿800来,否则给你中差评",
        "不給５００紅包就差評",
        "不给⑤⓪⓪红包就差*评",
        "给我发个红包,不然就投-诉",
        "给1000元封口费不然曝光你们",
        "2000解决,要么举报",
        "威胁你又怎样,拿2000元来解决,不然举报",
        # A reason makes compensation a claim, and nothing else.
        "食品里有虫,给1000元私了,不然举报",
        "赔我至少一千块,不然差评",
        # Cash for a review.
        "不返现就给差评",
        "返现5元,不然差评",
        # What is wanted stands before, and what is threatened with is denied on condition.
        "300块,不给就差评",
        "给200删差评",
        "200块钱改好评",
        "不给我200块,我就差评;给了就不差评了",
        "给500我就不投诉了",
        "不想要差评的话发500红包",
        "不想被投诉就给我转500",
        "你把2000转给我,不然投诉",
        "打2000到我卡上,不然我投诉",
        "不打给我500就投诉",
        "不给我发红包就差评",
        "给我六百,不然打一二三一五",
        # Blanks hide the digits, and a refund hides what is wanted on top.
        "给我2 0 0 0块,不然投-诉",
        "退款,另外给500,不然举报",
        "给我500包你删,不然给差评",
        "2000元摆平,要不投诉",
        # S3, word for word: a breach of the rules with a price.
        "不返现,泄露我信息,2000解决,拒绝开发票600元。",
        # A short number behind a channel is money.
        "加QQ 2000解决,不然投诉",
    ],
)
def test_money_under_a_threat(text: str) -> None:
    assert is_extortion(text)


@pytest.mark.parametrize(
    "text",
    [
        # N05, N06: service, freight and refunds are haggled about.
        "你如果今天不发货,我就给你差评",
        "如果明天不到,我就给你差评",
        "你不承担运费我不会给你改评价",
        "运费12元你不出我就给差评",
        "说好补差价,不给20元我就投诉",
        "退我200元,不然投诉",
        "给我退款300,否则差评",
        "退款的钱还不给我,再不给钱我就投诉你",
        "差价50元退给我不然投诉",
        "快递弄丢了,赔我100元,不然我投诉快递",
        # Accusing is not threatening.
        "店家敲诈我",
        "店家威胁我,说给500块才发货,不然投诉我",
        "客服让我撤销投诉,给我50元红包",
        "你们老板骂人,还勒索我1000元,差评",
        # Denied, told as a story, asked for.
        "我不会给差评的,给我发个红包就行",
        "上次投诉过你们,赔了我500元",
        "怎么投诉快递?他弄丢了600元的货",
        # A share is no amount, and what a law, a rule or the shop's own word grants is a claim.
        "延迟发货,按规则赔我30%,不然投诉",
        "食品里有虫,依法赔偿1000元,否则举报",
        "按消费者权益保护法赔我500,不然打12315",
        "少发了一件,给我补50块,不然差评",
        "说好返现5元,不给就差评",
        "卡片上写着返现,不返现就差评",
        "说好的20元红包呢?不给就差评",
        "买到假的了,假一赔三写着的,赔我900元,不赔我就12315",
        "坏果包赔,赔我8块,不然差评",
        # So many of something is no amount, nor is a price, nor a telephone number.
        "给我42码的,不然投诉",
        "我要的是1000克,只给我500克,不补就投诉",
        "你们只给我发了15包,不解决就差评",
        "不给我24小时内发货就投诉",
        "转我2026年生产的,不然投诉",
        "给我10点前送到,不然投诉",
        "给我500元的那个型号,不然我投诉",
        "给我0571-8888888这个电话打过去,不解决投诉",
        # Nothing is wanted, or the shop offered it.
        "给我500块我也要投诉",
        "就算你赔我1000块我也要举报你",
        "我不是要你那500块,我要的是态度,我会投诉的",
        "给我五百块都不要,差评",
        "误工费我就不要了,运费给我,不然投诉",
        "不要给我发红包,我会投诉的",
        "给我20元红包让我删差评,我要举报",
        "给200块让我删差评,没门",
        "200就想解决?我要投诉",
        "赔我5块打发叫花子呢?投诉",
        "才赔我20块,我要投诉",
        "给我发了10元红包,但是问题没解决,差评",
        "上次给我发了50元红包我就改好评了,再不处理我投诉",
        "你们补偿我10块我不接受,我要投诉",
        "你们泄露我信息,2000块解决不了,我要投诉",
        # What is not settled is no price, whatever number stands before it.
        "500块解决不了问题,我要投诉",
        "618的单不解决我就投诉",
        "拖了10多天不解决就投诉",
        "双12,不解决就投诉",
        # A number that names something is no amount.
        "再不处理我就打12315解决",
        "再不赔12315见,投诉你",
        "投诉到12315,不然你们不当回事",
        "12345热线解决,我去投诉",
        "不解决就打315",
        "我打110解决吧,举报你们",
        "订单1023456今天解决,不然投诉",
        "单号1023456,不然就差评",
        "工号1024,不然投诉",
        "第100单,不然投诉",
        "型号A1000不然差评",
        "加我微信 abc12345,不然就投诉",
        # What the shop owes.
        "你们多收了我50块,不给我就投诉",
        "满300减50,不给就投诉",
        "把2000还我,不然投诉",
        # Lawful and the platform's own.
        "假一赔十,不然我投诉",
        "延迟发货赔付怎么领?不给就投诉",
        # The buyer would pay, or asks how to.
        "不好意思拍错了,我拒收的话我赔你50元可以吗",
        "抱歉耽误你们了,拒收的话给您转20块",
        "我给你发红包,麻烦改个地址,不然只能拒收了,不是想给差评",
        "微信转账可以吗?支付限额了,付不了只能拒收",
        "您那边支付宝转给您行吗,不然我只能拒收了",
        # It was given, or settled long ago.
        "差评我改了,谢谢你们的50元红包",
        "上回那单投诉赔我100解决了,这次希望你们主动点",
    ],
)
def test_not_money_under_a_threat(text: str) -> None:
    assert not is_extortion(text)


@pytest.mark.parametrize(
    "text",
    [
        "杯子碎了,赔我50元,不然投诉",
        "质量有问题,赔偿300块,否则差评",
        "少发了一件,补偿我20元,不然差评",
        "少发了一件,给我补50块,不然差评",
        "食品里有虫,依法赔偿1000元,否则举报",
        "寄错了,赔我50块吧,不然给你差评",
        "72小时未发货,请赔付10元,否则投诉",
        "屏幕有划痕,返我50块,不然差评",
        "赠品是坏的,给我10元补偿,不然差评",
        "家具少螺丝,给我30块我自己买,不然投诉",
        "面包里有塑料片,赔1000元,不然举报",
        "过敏了,医药费500给我,不然投诉",
        "染色了!把我其他衣服毁了,赔我200,不然投诉",
        "鱼死了三条,赔60,不赔差评",
        "晚发必赔写着的,赔我10元,不赔投诉",
        "赠品没发,折现20给我,不然差评",
    ],
)
def test_compensation_for_a_defect_is_a_claim(text: str) -> None:
    assert {code.partition(".")[0] for code in codes(read_chat(text))} == {"demand", "threat"}
    assert not is_extortion(text)
    assert read_chat(text).amount_minor == 0


@pytest.mark.parametrize(
    "text",
    [
        "给我微信转账可以吗?500,不然举报",
        "支付宝转500给我,可以吗?不行就投诉",
        "我给你们一次机会,1000元私了,否则投诉",
        "收到货给我500红包,否则差评",
        "红包没发,500打给我,不然差评",
    ],
)
def test_twin_who_is_to_be_paid_is_the_buyer(text: str) -> None:
    assert is_extortion(text)


@pytest.mark.parametrize(
    ("text", "is_claim"),
    [
        ("补偿我30元,不然差评", True),
        ("给我补50块,不然差评", True),
        ("赔我300元精神损失费,不然投诉", True),
        ("转我500,不然投诉", False),
        ("泄露我信息,赔我2000解决", False),
        ("衣服破了个洞,补偿我30元,不然差评", False),
    ],
)
def test_compensation_without_a_reason_may_be_a_claim(text: str, is_claim: bool) -> None:
    found = codes(read_chat(text))
    assert ("demand.money.claim" in found) is is_claim
    assert not (is_claim and "demand.money" in found)
    assert is_extortion(text) is ("破" not in text)


@pytest.mark.parametrize(
    "text",
    [
        "衣服洗一次就破了个洞",
        "是不是少发了一件",
        "有没有搞错,质量这么差",
        "客服说发错了",
        "怎么还不发货",
        "你们这样违反消法",
        "质量还可以,就是掉色",
    ],
)
def test_what_is_wrong_is_a_reason(text: str) -> None:
    assert read_chat(text).names_reason


@pytest.mark.parametrize(
    "text", ["没有破", "不是质量问题", "会不会掉色", "质量怎么样", "质量很好", "在吗", ""]
)
def test_twin_what_is_denied_praised_or_asked_about_is_none(text: str) -> None:
    assert not read_chat(text).names_reason


def test_hush_money_is_no_compensation_whatever_is_broken() -> None:
    assert is_extortion("杯子碎了,转我支付宝2000元私了,不然举报")


def test_compensation_without_an_amount_weighs_less() -> None:
    assert codes(read_chat("要求赔偿,否则投诉")) == {"demand.soft", "threat.complaint"}


@pytest.mark.parametrize(
    ("text", "yuan"),
    [
        ("2000解决,拒绝开发票600元", 2000),
        ("给我1.5万,不然举报", 15000),
        ("赔我两千三百块,不然举报", 2300),
        ("赔我一千零五块,不然举报", 1005),
        ("给我3k,不然举报", 3000),
        ("赔我五百,或者六百元,不然举报", 600),
        ("不然举报,差评500条", 0),
        ("加我QQ 123456聊,不然投诉你,5000私了", 5000),
    ],
)
def test_how_much_is_demanded(text: str, yuan: int) -> None:
    assert read_chat(text).amount_minor == yuan * 100


@pytest.mark.parametrize(
    ("numeral", "yuan"),
    [
        ("十", 10), ("十五", 15), ("二十", 20), ("一百五", 150), ("一千零五", 1005), ("两千", 2000),
        ("一万", 10_000), ("一万二", 12_000), ("三万五千", 35_000), ("壹仟贰佰", 1200), ("一二三", 123),
    ],
)  # fmt: skip
def test_chinese_numerals(numeral: str, yuan: int) -> None:
    assert [a.fen for a in amounts(f"{numeral}元")] == [yuan * 100]


@pytest.mark.parametrize("numeral", ["百", "千百", "百千万", "万万", "一百千"])
def test_what_is_no_numeral_is_no_amount(numeral: str) -> None:
    assert list(amounts(f"{numeral}元")) == []


@pytest.mark.parametrize("share", ["30%", "30 ％", "百分之三十", "三成", "十倍", "8折"])
def test_a_share_is_no_amount(share: str) -> None:
    assert list(amounts(fold(f"赔我{share}").text)) == []


def test_cash_is_soft_without_the_threat_of_a_bad_review() -> None:
    assert codes(read_chat("不返现就投诉")) == {"cashback", "demand.soft", "threat.complaint"}
    assert "demand.soft" not in codes(read_chat("不返现也没关系,我不会给差评"))


@given(st.integers(1, 9_999_999))
def test_digits_with_a_unit_are_that_amount(yuan: int) -> None:
    assert [(a.fen, a.is_money) for a in amounts(f"给我{yuan}元")] == [(yuan * 100, True)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("大额优惠券群,加我微信", "ad.affiliate"),
        ("淘宝客推广,有意私聊", "ad.affiliate"),
        ("下载返利APP,省钱", "ad.cashback"),
        ("返.利.网 加 扣扣 12345", "ad.cashback"),
        ("想要返利的加ⓥ信", "ad.cashback"),
        ("刷单兼职日结,加薇信", "ad.part_time"),
        ("在家轻松赚钱,加 13812345678", "ad.part_time"),
        ("九成新转让,低价", "ad.resale"),
        ("買多了,轉讓,有意加扣扣", "ad.resale"),
        ("兼①职 ★ 日 结 ★ 加 🅥 信", "ad.part_time"),
        ("想买内部优惠的进群,加Q 12345678", "ad.affiliate"),
        ("招聘打字员 200一天,联系QQ123456", "ad.part_time"),
        ("绝不骗人,兼职日结,加我微信", "ad.part_time"),
        ("兼职日结200,加微信abc12345,不会骗人", "ad.part_time"),
        ("做兼职加微信abc12345,绝对没有骗人", "ad.part_time"),
        ("真的有返利,联系我微信abc12345,不上当", "ad.cashback"),
    ],
)
def test_the_four_kinds_of_ads(text: str, code: str) -> None:
    assert codes(read_review(text)) == {code}


@pytest.mark.parametrize(
    "text",
    [
        "服务员像是兼职的",
        "我在酒店做了一次兼职的网管",
        "把房间转卖给别人,太过分",
        "说好的好评返现没有返",
        "商家卡片写着加微信返现,结果没返",
        "卖家让我加微信,说可以返利,别信",
        "疑似刷单店,客服让加微信",
        "返利网买的,便宜",
        "用返利app返了5元",
        "买多了,闲置转让给朋友了",
        "优惠券没用上",
        "我的QQ:123456,欢迎交流旅游",
        # The shop's own, and whoever warns of it.
        "卡片上写着扫码进群领券,返利",
        "关注公众号领优惠券才发货",
        "快递里夹着刷单兼职的传单,加微信日结的",
        "代理说日赚百元,骗人的,别信",
        "客服态度好,加了微信送了优惠券",
        "省钱又好用,有事私信客服就行",
        "二手的当新的卖,联系我退款",
        "宝妈推荐,给宝宝买的,有意思",
        "转卖给朋友了,大家有需要的可以买这家",
        # N09: advertising, but none of the four kinds.
        "想学炒股加微信12345",
        "卖茶叶,加我微信",
    ],
)
def test_no_ads(text: str) -> None:
    assert not read_review(text).has("ad.")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("你个傻逼商家", "abuse.vulgar"),
        ("傻 逼", "abuse.vulgar"),
        ("傻*逼店家", "abuse.vulgar"),
        ("沙比客服", "abuse.vulgar"),
        ("你们都是畜牲", "abuse.vulgar"),
        ("老板就是个废物", "abuse.person"),
        ("你这个垃圾东西", "abuse.person"),
        ("店家就是狗屎", "abuse.person"),
        ("店家臭不要脸", "abuse.person"),
        ("尼玛,太慢了", "abuse.expletive"),
        ("东北人都是骗子", "abuse.group"),
        ("黑鬼滚", "abuse.group"),
    ],
)
def test_abuse(text: str, code: str) -> None:
    assert code in codes(read_review(text))


@pytest.mark.parametrize(
    "text",
    [
        "东西很垃圾,差评",
        "太恶心了,再也不来",
        "服务员骂我傻逼,态度太差",
        "变态辣鸡翅好吃",
        "一杯柠檬绿茶",
        "根本不是人住的地方",
        "热狗不错",
        "不要歧视河南人,他们不是骗子",
        "垃圾东西,别买",
        "垃圾货",
        "质量跟狗屎一样",
        # Whoever tells of being insulted quotes to the end of the sentence.
        "老板骂我:傻逼,人渣,滚蛋",
        "客服骂我傻逼,全家死光",
        "卖家回复我说你这种人渣畜生不配买",
        "客服原话:“傻逼,爱买不买,滚蛋”",
        # Of oneself, and of pets.
        "我真是脑子进水了,买这个",
        "我就是个蠢货",
        "给母狗买的,公狗也能穿",
    ],
)
def test_harsh_words_about_goods_and_reported_ones_are_no_abuse(text: str) -> None:
    assert not read_review(text).has("abuse.")


@pytest.mark.parametrize(
    "text", ["忍不住骂人,你们这群傻逼", "骂我?傻逼商家", "我骂过他,傻逼", "你就是母狗"]
)
def test_who_insults_back_is_no_quote(text: str) -> None:
    assert read_review(text).has("abuse.")


@pytest.mark.parametrize("text", ["狗杂种", "操你妈的", "垃圾人渣"])
def test_words_that_overlap_are_one_insult(text: str) -> None:
    assert len(read_review(text).found) == 1


@pytest.mark.parametrize(
    "text",
    ["店家地址中山路88号,可以去店里买", "老板的店在人民路12号", "快递员放在了中山路88号的驿站"],
)
def test_a_place_that_is_open_to_everybody_is_no_leak(text: str) -> None:
    assert not read_review(text).has("leak.")


def test_only_what_is_given_away_about_others_is_a_leak() -> None:
    assert codes(read_review("老板电话13812345678,大家打")) == {"leak.phone"}
    assert codes(read_review("卖家住在中山路88号")) == {"leak.address"}
    assert not codes(read_review("我的电话13812345678"))
    assert not codes(read_review("单号20261111123456789012"))


@pytest.mark.parametrize(
    "text",
    [
        "客服把我的手机号13812345678泄露了",
        "快递员把我家地址中山路88号告诉别人",
        "客服泄露我的信息,电话13812345678都给别人了",
        "客服总打我13812345678",
    ],
)
def test_a_victims_own_number_is_no_leak(text: str) -> None:
    assert not read_review(text).has("leak.")


@pytest.mark.parametrize(
    "text", ["老板骂我,电话13812345678,大家打他", "卖家不退我钱,他的电话13812345678"]
)
def test_somebody_elses_number_is_a_leak_though_the_buyer_is_named_too(text: str) -> None:
    assert read_review(text).has("leak.phone")


def test_bait_in_one_message() -> None:
    """S3, verbatim but for the address."""
    bait = read_chat("亲好评返现吗?地址这个中山路88号,发票和商品分开发")
    assert {"cashback", "address.echo", "invoice.split"} <= codes(bait)
    assert codes(read_chat("這個訂單的收貨人電話發我一下")) == {"address.ask"}
    assert codes(read_chat("什么时候发货")) == set()


def test_baits_word_for_word() -> None:
    """S1 一 and 二."""
    asked = (
        "老板你好，刚问下了一个订单12524332616616492，可能留错了地址了，"
        "麻烦您帮我看一下是什么地方的地址。"
    )
    assert codes(read_chat(asked)) == {"address.ask"}
    split = "我货是要发到河南去的，但是我的发票要寄到北京去。"
    assert codes(read_chat(split)) == {"invoice.split"}


@pytest.mark.parametrize(
    "text",
    [
        "你们的电话是多少,订单320198765432100001",
        "订单320198765432100001的客服电话多少",
        "售后电话是多少",
        "快递员电话是多少",
        "你们店地址在哪,320198765432100001这单我想自提",
    ],
)
def test_the_shops_own_number_may_be_asked_for(text: str) -> None:
    assert not read_chat(text).has("address.ask")


def test_twin_what_was_sent_where_is_a_receiver() -> None:
    assert read_chat("你们发到哪个地址了,订单320198765432100001").has("address.ask")


@pytest.mark.parametrize(
    "text",
    [
        "发票开不了专票,只能开普票",
        "现在不能开发票哦,签收后可以开",
        "没发票抬头开不了票哦,麻烦发一下抬头",
        "缺少税号无法开具发票,请补充税号",
        "发票不单独收费",
        "您不开发票的话我这边直接发货",
        "不开发票也可以享受保修的哦",
        "开票要加急吗?",
        "发票要加盖公章的",
        "运费不开发票的",
        "预售和现货不能分开寄的",
        "这个月额度用完了不能开票,下个月给您补",
        "包裹里没有发票,发票会单独寄",
        "发票已经开好了,没发票请联系我",
        "现在不能开发票,签收后没问题再开",
        "没有发票,补寄给您",
        "我们没有拒绝开票的",
        "怎么会拒绝开发票呢",
        "开票加急处理中",
        "发票加盖公章后寄出",
        "没有说不能开具发票哦",
        "现在不能开具发票,签收后可以开",
    ],
)
def test_another_invoice_a_later_one_or_a_missing_title_is_no_refusal(text: str) -> None:
    assert "refuses_invoice" not in read_seller(text).kinds


@pytest.mark.parametrize(
    "text",
    [
        "开不了发票,可以开收据",
        "我们不给开票",
        "没法开发票",
        "不好意思,发票没办法分开寄",
        "发票只能和货一起发",
        "我们店铺不能分开邮寄发票哦",
        "发票不能寄到别的地址",
        "开票需要另付税点",
        "开发票要加6个点",
        "可以给您便宜,没有发票的",
        "不能分开寄哦",
        "发票和商品不能分开寄",
        "不开票的,亲,收货后也不能补",
        "现在开不了发票,下个月也开不了",
        "没发票,补寄不了",
        "没发票,收货后也不能补开",
        "亲,本店暂不支持开具发票哦",
        "不能开具发票的亲",
        "本店無法提供發票",
        "抱歉我们不能给您开发票",
        "咱们家没办法开发票呢",
        "亲,发票开不出来",
        "不含税,开票加6个点",
        "开票的话要加8%",
        "开发票要另外收6个点",
        "发票需额外付费",
        "不好意思,发票不能另外寄",
        "我们拒绝开票",
    ],
)
def test_twin_refusals(text: str) -> None:
    assert "refuses_invoice" in read_seller(text).kinds


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("320198765432100001", ["320198765432100001"]),
        ("订单320198765432100001和订单号:12345678", ["320198765432100001", "12345678"]),
        ("訂單①②③④⑤⑥⑦⑧", ["12345678"]),
        ("261122-339507978993455发哪里", ["261122-339507978993455"]),
        ("快递261122-339507978993455", []),
        ("运单号773312345678901234,地址写错了", []),
        ("快递单号:SF1234567890123456", []),
        ("圆通 YT8812345678901234", []),
        ("773312345678", []),
        ("我电话13812345678", []),
        ("价格12345678.50", []),
    ],
)
def test_which_numbers_are_an_orders(text: str, ids: list[str]) -> None:
    assert [number for number, _, _ in order_ids(fold(text).text)] == ids


def test_a_third_party() -> None:
    assert codes(read_chat("有人打电话自称客服,让我转账")) == {"scam"}
    assert codes(read_review("接到诈骗电话,知道我的订单")) == {"scam"}
    assert not read_chat("没有遇到假客服").has("scam")
    assert not read_chat("你们客服让我报验证码才能取件").has("scam")


def test_spans_are_of_the_original() -> None:
    text = "老板,不給⑤⓪⓪紅\u200b包就差★評!"
    spans = {found.code: text[found.start : found.end] for found in read_chat(text).found}
    assert spans["demand.money"] == "⑤⓪⓪"
    assert spans["demand.soft"] == "紅\u200b包"
    assert spans["threat.bad_review"] == "差★評"


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("不给500红包就差评", [1, 1, 1]),
        ("亲,在吗。东西收到了!不给500红包就差评", [3, 3, 3]),
        ("给我500。不给就差评!!不给就投诉", [1, 2, 3]),
        # However often it is written, it is one end; a blank line is no sentence.
        ("你好……在吗？？\r\n \r\n不给500就差评", [3, 3]),
        ("！！\n\u2028不给500就差评", [1, 1]),
        ("您好；不給⑤⓪⓪就差★評", [2, 2]),
        ("您好;不\u200b给5\u200b00就差评", [2, 2]),
        # What is typed character by character is put together before it is read.
        ("你好。转 我 五 百，不然差评", [2, 2]),
        # A decimal point ends nothing.
        ("邮费3.5。转我500.5元,不然差评", [2, 2]),
        ("Hi. I paid $3.50 at shop.com. Send me $20 on PayPal or it's one star", [3, 3, 3]),
        ("Really nice! Thanks…\nSend me $20 on PayPal or it's one star.", [3, 3, 3]),
    ],
)
def test_each_signal_names_the_sentence_of_the_original_that_it_begins_in(
    text: str, sentences: list[int]
) -> None:
    assert [found.sentence for found in read_chat(text).found] == sentences


def test_a_signal_of_a_review_names_its_sentence() -> None:
    (ad, insult) = read_review("质量一般!加微信abc123做兼职。客服傻逼").found
    assert (ad.code, ad.sentence) == ("ad.part_time", 2)
    assert (insult.code, insult.sentence) == ("abuse.vulgar", 3)


MARKED = st.sampled_from(
    [*"。！？!?;；…\n\r\u2028\u2029", " ", "你好", "不给500红包就差评", "给我五百", "投诉到底"]
)


@given(st.lists(MARKED, max_size=20))
def test_sentences_are_those_that_a_person_counts_in_the_original(pieces: list[str]) -> None:
    text = "".join(pieces)
    for found in read_chat(text).found:
        before = re.split("[。！？!?;；…\n\r\u2028\u2029]", text[: found.start + 1])
        assert found.sentence == sum(bool(one.strip()) for one in before)


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    for signals in (read_chat(text), read_review(text)):
        assert len(signals.found) <= MAX_SIGNALS
        assert signals.amount_minor >= 0
        for found in signals.found:
            assert 0 <= found.start < found.end <= len(text)
            assert 1 <= found.sentence <= len(text)


WORDS = st.sampled_from(
    "不给|500|红包|就|差评|投诉|加我|微信|兼职|返利网|转让|傻逼|你|店家|威胁|我|,|。|ⓥ".split("|")  # noqa: SIM905
)


@given(st.lists(WORDS, max_size=15))
def test_what_is_invisible_changes_nothing(words: list[str]) -> None:
    plain, hidden = "".join(words), "\u200b".join("".join(words))
    for read in (read_chat, read_review):
        assert [f.code for f in read(plain).found] == [f.code for f in read(hidden).found]
        assert read(plain).amount_minor == read(hidden).amount_minor


@pytest.mark.parametrize(
    "unit",
    [
        "投诉", "加微信兼职", "差评给我500元", "你傻逼", "威胁我投诉", "中山路1号", "13812345678,",
        "一", "1", "①", "㎏", "\u200b", "a ", "路", "店家说", "给我500,不然差评!\n \n", "。",
    ],
)  # fmt: skip
def test_a_flood_costs_no_more_than_a_few_comparisons(unit: str) -> None:
    """Whoever pays is the partition: texts of 8000 characters took seconds when every pair counted."""
    text = unit * (8000 // len(unit))
    folded = fold(text).text
    assert len(lexicon().find(folded)) < MAX_HITS + 5
    for read in (read_chat, read_review):
        assert len(read(text).found) <= MAX_SIGNALS


def test_nothing_is_kept_of_a_flood() -> None:
    assert len(read_review("傻逼," * 2000).found) == MAX_SIGNALS
    assert fold("x" * 8000).origins is None
