"""What is asked and told in many words: a receiver, cashback, where an invoice goes, an impostor.

The lexicons hold phrases as they stand; these are the frames that people fill with words of their own.
What a newcomer gets wrong: a frame finds more than it should. Whether a hit stands is judged as for the
words of the lexicons, in signals.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from streams.detect.text.lexicon import Hit

# Within one clause.
_SOME = r"[^,。!?;]"
_WHOM = (
    r"(?P<what>收[货件]?的?(?:地址|人|信息|电话|手机)|详细地址|地址|联系(?:电话|方式)|门牌号?|几单元"
    r"|留的?(?:哪个)?(?:电话|号码|手机)|哪个号码)"
)
# 「核对一下我的收货地址」, 「看看收件人写的谁」; 「地址改成…」 tells.
_CHECKED = re.compile(
    rf"(?:核对|核实|确认(?!收货)|看(?:一?下|看|一眼)?|查(?:一?下|查)?|报(?:一?下|给)?|念|发(?:给我|一?下|我)|告诉我?|说一?下|对一?下)"
    rf"{_SOME}{{0,10}}?{_WHOM}(?!改|换|已?经?改)"
)
# 「地址是不是写错了」, 「留的哪个号码」.
_QUESTIONED = re.compile(
    rf"(?P<what>收[货件]人|收[货件](?:电话|信息)|地址|(?<![打通接来回的])电话(?!费)|手机号|号码|门牌号?){_SOME}{{0,8}}?"
    r"(?:是不是|对不对|对[吗么吧]|[写填留搞]错了?(?:吗|没|吧|么|\?)|哪个|哪一个|哪里|哪儿|多少|是谁|谁的|写的?谁|叫什么|是什么|没错吧|正确[吗么]|有没有[写填]|写了没|几单元|有没有问题|没问题[吧吗]|能看到|正不正确|完整吗|尾号(?!的)"
    r"|(?:公司|学校|家里?|单位)还是|(?:发|念|报)(?:给我|一下|我|一遍))"
)
# 「留的哪个号码」 asks by itself.
_WHICH = re.compile(r"(?P<what>[留写填]的是?哪个(?:电话|号码|手机|地址|名字))")
# 「这单寄到哪里」, 「是寄到学校还是寄到家」; where goods go back to is left out by the judge.
_WHERE_TO = re.compile(
    r"(?P<what>[寄发](?:到|给|去|往|的是)?(?:了|的|的是)?(?:我?(?:老地址|以前的?地址)|哪(?!些|天|家|个?快递|种)|谁|什么地方|(?:学校|公司|家里?|单位)还是))"
)
# 「微❤」: a heart hides words, so no lexicon can hold it.
_HEART = re.compile(r"[微薇威v]\s?[❤♥💗💕]")
_GOOD_REVIEW = r"(?:好评|五星|5星|评价|评论|晒图|晒单|追评)"
_CASHBACK = re.compile(
    rf"{_GOOD_REVIEW}[^。!?;]{{0,12}}?(?:返(?![修厂回校])|红包|有奖|奖励|有礼|给{_SOME}{{0,3}}(?:钱|块|元)|返钱)"
    rf"|返(?![修厂回利校]){_SOME}{{0,8}}?(?:好评|评价)"
)
_INVOICE = r"(?:发票|专票|普票)"
_SPLIT = re.compile(
    rf"{_INVOICE}{_SOME}{{0,12}}?(?:单独|另[寄外发]|另一|分开|别的地|不同|不是一个|不一样|不跟货|不随货|别放|不要放|别人|单寄)"
    rf"|(?:别|不要|不)(?:随|跟|和)货{_SOME}{{0,6}}?{_INVOICE}|{_INVOICE}[^。!?;]{{0,10}}?分开寄"
    rf"|货(?!币){_SOME}{{0,10}}?[寄发送](?!票)[^。!?;]{{0,10}}?{_INVOICE}{_SOME}{{0,8}}?[寄发邮](?!票)"
    rf"|{_INVOICE}{_SOME}{{0,10}}?[寄发邮](?!票)[^。!?;]{{0,12}}?,货{_SOME}{{0,6}}?(?:[寄发送]|不用|还是|按)"
    rf"|{_INVOICE}{_SOME}{{0,4}}?[寄邮](?:到|去|往|给)?(?=公司|单位|总部|财务|办公室|别处|另|我们|朋友)"
    rf"|{_INVOICE}{_SOME}{{0,6}}?(?:寄|邮|快递)(?:到|去|往)(?!收货|原|订单|同|我?邮箱)"
)
# Together, or where the goods go.
_TOGETHER = re.compile(r"一起|一块|同一|收货地址就|随货一|跟货一")
_IMPOSTOR = (
    r"(?:冒充|自称|假装|假冒|假客服|打着你们|用你们店名|说(?:自己)?是[^,。!?;]{0,4}(?:你们|客服|商家|店|平台|售后|官方|工作人员|京东|淘宝|拼多多|抖音)|骗子(?:打|加|冒|打着|说)|陌生号"
    r"|电话[里中]?[说让叫](?:我|要)|客服给我打电话|说我(?:的货|买的|被|信息|账号)|有人(?:打电话|给我(?:打|发)|加了?我|发短信|联系我|用))"
)
_ASKED_OF_THEM = (
    r"(?:转账|转钱|转了|转到|打钱|汇款|付款|交(?:钱|押金|费)|扫码|二维码|贷款|刷流水|解冻|注销|密码|会议|点(?:了)?(?:个)?链接"
    r"|验证码|备用金|共享|下载|保证金|交税|银行卡|加(?:我|一?个)?(?:微信|qq|支付宝)|扣钱|扣了|退款码|安全账户|骗走|骗了"
    r"|骗她|骗我|理赔)"
)
# A courier who calls is none, whatever he asks for.
_ERRAND = re.compile(r"送货|派送|派件|取件|快递员|包裹到|驿站|外卖")
_SCAM = re.compile(
    rf"{_IMPOSTOR}[^。!?;]{{0,36}}?{_ASKED_OF_THEM}|{_ASKED_OF_THEM}[^。!?;]{{0,20}}?{_IMPOSTOR}"
)
_REFUSED = re.compile(
    r"不(?:含|带|包)(?:税|票|发票)|裸价|未税|补税|补差价(?=.{0,6}票)|(?:开(?:发|专|普)?票|专票|普票|发票).{0,8}?(?:加|另付|另收|多付|补|收)(?:收)?\s?(?:百分之|(?:\d[\d.]*|[一二三四五六七八九十]+)\s?(?:个?点|%|块|元|税|[,。!?]|$))"
    r"|开(?:发|专|普)?票(?:的话)?.{0,6}(?:另外?加|补税|补差|税[费钱点]?[您你]出|加钱|价格不一样)|需?要发票(?:的话)?.{0,3}(?:另外?|加钱|补)|要票的话.{0,4}(?:价格|加|补)"
    r"|补.{0,4}税[钱费点]|税(?:点|费|钱|金)?.{0,4}(?:自理|承担|自付|[您你]出|[您你]付)|没有?开票资质|(?:满|低于|不足|不满)\d+.{0,4}(?:才能?|不[能给]?)开.{0,3}票"
    r"|(?:没办法|没法|暂时不能|目前不能).{0,4}开.{0,2}票|包税.{0,3}贵|发票要收税|只(?:有|能[开给])收据|(?:特价|活动价?|这个价|价格|底价|批发价|出厂价).{0,4}(?:不开|没有|没).{0,2}票|(?<![票车])无票(?!面)|发?票(?:暂时|目前|我们)?.{0,3}开不[了出]"
)
_NOT_EXTRA = re.compile(r"不(?:用|需要|会)?(?:加|补|另)|免费")
# A way to get in touch as people write it: 「加薇 xsq0001」, 「+v abc123」, 「扣裙 12345」, 「搜小程序“…”」.
_WAY = re.compile(
    r"(?:加|\+|➕|扣|私|联系|找|看|滴)?\s?(?:[微薇威徽葳]|vx?|wx|qq?|扣|[裙群]|电话|手机|打)"
    r"(?:[信心x]|❤️?|我)?(?:[群裙])?号?[是为:\s]*(?<![a-z])[a-z0-9][a-z0-9_-]{4,}"
    r"|邀请码|(?:公\s?众\s?号|小程序|应用商店|店名)[:“\"「 ]|搜(?:一下|索)?[“\"「]"
    r"|私(?:我|聊|信|$|[,。!?])|滴滴?我|(?:看|点)?我?(?:主页|头像)|转我"
)
_LURES = {
    "affiliate": (
        r"隐藏[券卷]|大额[券卷]|[券卷]群|领(?:\d+元?)?[券卷]|优惠[券卷]|羊毛|白菜价|内部(?:价|[券卷]|福利|优惠)|福利群"
        r"|省钱群|要[券卷]|同款(?:优惠)?链接|有[券卷]|好[券卷]|[券卷]后|淘礼金|薅|优惠(?:群|信息|价)|线报|神价|免费领"
    ),
    "cashback": r"返[利钱现]|返了\d|邀请码|能返|返(?:给|佣|一半|\d)|自购省|分享赚",
    "part_time": (
        r"招(?![牌待])[^,。!?;]{0,10}?(?:手|员|人|客服|工|代理)|手工活|在家(?:上班|做|赚)|日结|日赚|收入\s?\d"
        r"|做任务|微商|月薪|本佣|试玩|外发|带我?你?赚|时薪|居家|打字|副业|零花钱|增收|月入|佣金|接单|刷单|拉新|一[天单]\d+|空闲时间"
        r"|点赞(?:任务|赚|员)|投票员"
    ),
    "resale": (
        r"货源|批发|代购|代发|厂家直销|我(?:家|这边?|们家)?(?:也|是|自己)?(?:有(?:同款|大量)|做[^,。!?;]{1,6}的)"
        r"|自家(?:种|产|茶|做)|来我店|新出(?=,|。|价)|便宜[卖出]|低价(?:处理|出|卖)|拿货|尾货|复刻|库存|转[让卖手]|谁要"
        r"|有人要吗|要的(?:私|联系|加|打|扣|来)|出闲置|[九9][成5]新|全新未?[拆用]|原价\d+|清仓|甩卖|加盟|招商|工厂|同款(?:更"
        r"|只|比|便宜)|比这(?:家|里|个)?便宜"
    ),
}
_LURE = re.compile("|".join(f"(?P<{kind}>{words})" for kind, words in _LURES.items()))


def ways(folded: str) -> Iterator[tuple[int, int]]:
    """Where a text says how to get in touch, in the spellings of those who should not."""
    return (found.span() for found in _WAY.finditer(folded))


def lures(folded: str) -> Iterator[Hit]:
    """What an advertisement of one of the four kinds lures with; none is one without a way (`ways`)."""
    for found in _LURE.finditer(folded):
        yield Hit(f"lure.{found.lastgroup}", *found.span())


def phrased(folded: str) -> Iterator[Hit]:
    """What a buyer asks or tells, beside the words of the lexicons, by the same codes."""
    for pattern in (_CHECKED, _QUESTIONED, _WHICH, _WHERE_TO):
        for found in pattern.finditer(folded):
            yield Hit("address.ask", *found.span("what"))
    if "评" in folded or "星" in folded or "晒" in folded:
        for found in _CASHBACK.finditer(folded):
            yield Hit("cashback", *found.span())
    if "票" in folded and not _TOGETHER.search(folded):
        for found in _SPLIT.finditer(folded):
            yield Hit("invoice.split", *found.span())
    for found in _HEART.finditer(folded):
        yield Hit("contact.wechat", *found.span())
    for found in _SCAM.finditer(folded):
        if not _ERRAND.search(folded, found.start(), found.end() + 8):
            yield Hit("scam", *found.span())


def refusals(folded: str) -> Iterator[Hit]:
    """How a seller refuses an invoice, or wants money for it."""
    if any(word in folded for word in ("票", "税", "裸价", "收据")):
        for found in _REFUSED.finditer(folded):
            if not _NOT_EXTRA.search(folded, max(0, found.start() - 4), found.end() + 2):
                yield Hit("refusal.invoice", *found.span())
