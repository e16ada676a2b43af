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
# A parcel that comes, of which callers and messages tell as well.
ERRAND = r"送货|派送|派件|取件|包裹到|驿站"
# A courier who calls is none, whatever he asks for.
_BY_COURIER = re.compile(rf"{ERRAND}|快递员|外卖")
_SCAM = re.compile(
    rf"{_IMPOSTOR}[^。!?;]{{0,36}}?{_ASKED_OF_THEM}|{_ASKED_OF_THEM}[^。!?;]{{0,20}}?{_IMPOSTOR}"
)


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
        if not _BY_COURIER.search(folded, found.start(), found.end() + 8):
            yield Hit("scam", *found.span())
