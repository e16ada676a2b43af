"""Signals: what a chat message or a review says that a detector may need, as codes with their spans.

The trap: most words of the lexicons are ordinary ones. Only this module decides which hits stand, by
context, by what stands near them, and by what the text is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from streams.detect.text.bargains import bargain
from streams.detect.text.context import is_denied, is_reported, sentence
from streams.detect.text.extortion import extortion, names_reason
from streams.detect.text.folding import Folded, fold, join
from streams.detect.text.insults import abuse
from streams.detect.text.lexicon import Hit, lexicon
from streams.detect.text.numbers import mobiles, streets
from streams.detect.text.phrasings import lures, phrased, refusals, ways

# How far apart two halves of one thing may stand, in characters of the folded text.
NEAR = 30
SAME_BREATH = 40
# More of one text than this is not kept: a fact stays small whatever somebody types.
MAX_SIGNALS = 12
# As with hits: so many phones or addresses of one text are looked at.
MAX_NUMBERS = 50

_DIGIT = re.compile(r"\d")
_AD_KINDS = ("affiliate", "cashback", "part_time", "resale")
_WHOSE = re.compile(
    r"(?:老板|店主|卖家|掌柜|客服|店家|快递员|送货员|送餐员|派[件送]员|送[件货]的|骑手|师傅|服务员|寄件人|邻居|骗子|别人|另一个人"
    r"|他|她|人家|对方|买家|家人|老婆|老公)[^。!?;]{0,14}$"
)
# Whose number it is says the nearest word: 「客服把我的手机号…泄露了」 tells of one's own.
_OWN = re.compile(
    r"(?:我|本人|自己|俺)(?:们|家)?(?:里|人)?(?:老公|老婆|爱人|先生|太太|[爸妈]{1,2}|父母|儿子|女儿|孩子|对象)?"
    r"(?:的|这个|那个|个人|私人|收货|收件|(?:隐私|信息|资料)[,:]?)*"
    r"(?:手机号码?|手机|电话号码|电话|号码|联系方式|微信号?|家庭住址|地址|住址|家)?(?:号|是|为|住在?|在|[:])*$"
)
_OWN_HOME = re.compile(r"我(?:们)?(?:家|的|住)|本人")
_REFUSAL_DENIED = re.compile(
    r"(?:没有?[说讲]过?|不是[说讲]?|并非|不会|不可能|怎么会|怎么可能|谁说|绝不|从不|从来不|从没[说讲]?过?)"
    r"(?:我们|店里|店铺|咱们|您|你|的|会)?$"
)
_ASKED = re.compile(r"[寄开发]?(?:了|的|呢)?(?:吗|么|\?)")
# 「不能拒绝开票」; 「发票要跟货一起寄还是分开寄?」.
_MUST_NOT = re.compile(r"不[得能可敢]以?$")
_ASKED_WHICH = re.compile(r"[^,。!?;]{0,8}?(?:还是|[吗么?])")
_OFFERED = re.compile(r"可以|能开|会开|开好|已开|电子|(?<!不能)(?:补开|单独寄|另寄|补寄)(?!不)")
_ISSUED = re.compile(r"开好|已开|补开")
# 「不开发票的话」, 「不开发票也可以」, 「发票不能寄到付」; 「开票要加急」 asks for no money.
_NOT_REFUSED_AFTER = re.compile(r"的话|也(?:可以|能|行)|到付|以外")
_COSTS_EXTRA = re.compile(
    r"\s?(?![\d一二两三]+[张份])(?:收|付|价|钱|税|点|\d|百分|[一二三四五六七八九十])"
)
# 「运费不开发票」 is how it is done, and 「现货和预售不能分开寄」 is about goods.
_NOT_IN_IT = re.compile(r"(?:运费|邮费|赠品|红包|优惠券?|部分)(?:是|都|的|一律)?$")
# Duties are paid to the customs, with or without an invoice.
_OF_CUSTOMS = re.compile(r"关税|海关|清关|进口税|跨境")
_OF_GOODS = re.compile(r"商品|宝贝|两件|几件|预售|现货|赠品|订单")
# 「税点我们承担」.
_BY_THE_SHOP = re.compile(r"(?:我们?|本?店里?|我司|我方|咱们|[商卖店]家)[来可以都会]*承担$")
# Another kind of invoice, a later one, or one for which something is missing: no refusal. A receipt is one.
_INSTEAD = re.compile(
    r"普票|普通发票|电子(?:发)?票|抬头|税号|开票(?:信息|资料)"
    # 「收货后也不能补」 refuses that, too.
    r"|(?:签收|收货|确认|完成|下个?月|以?后)(?:(?!不[能会给可再开寄补]|没法|没办法|无法)[^。!?;]){0,6}(?:开|寄|补)(?!不)"
)
# 「今天开不了票,明天一早给您开」; 「要加六个点,周一开」 costs extra all the same.
_IN_DAYS = re.compile(
    r"(?:明[天早日]|后天|周[一二三四五六日天]|下周|初[一二三四五六七八九十]|月初)"
    r"(?:(?!不[能会给可再开寄补]|没法|没办法|无法)[^。!?;]){0,6}[开补](?!不)"
)
_OF_COSTS = re.compile(r"[加税补收付价]")
# Who says that data were leaked is their victim.
_LEAK_TOLD = re.compile(
    r"(?:泄露|泄漏|外泄|透露|暴露|出卖).{0,6}(?:我|本人|客人|顾客|买家|客户)"
    r"|(?:我|本人).{0,30}(?:泄露|泄漏|外泄)"
)


class Found(NamedTuple):
    """One signal and the half-open span of the original text that carries it."""

    code: str
    start: int
    end: int


class Signals(NamedTuple):
    """The signals of one text in order of place; `amount_minor` is the largest demanded, in fen.

    `names_reason`, of chats, whether it says what a claim may rest on.
    """

    found: tuple[Found, ...] = ()
    amount_minor: int = 0
    names_reason: bool = False

    def has(self, *prefixes: str) -> bool:
        """Whether any signal's code begins with one of the prefixes."""
        return any(one.code.startswith(prefixes) for one in self.found)


NO_SIGNALS = Signals()
# 「返利网买的」 says where something was bought, and 「转让给朋友了」 where it went.
_TOLD_OF = re.compile(
    r"(?:上|里|中)?面?(?:买|购|下单|拍|领|看[到见])(?:的|了|过)|推荐|省心|骗子|老师|贴纸|返了|给(?:了|我|朋友|同事|同学|邻居|亲戚|别人|家人|[弟妹姐哥爸妈])"
)
# The shop's own, found in its parcel or asked for before it sends; or others are warned of it.
_NOT_ONES_OWN = re.compile(
    r"卡片|传单|小广告|单上写|(?:包装|瓶身|吊牌)[上的]{0,2}二维码|(?:快递|包裹|盒子|箱子)里|才(?:发货|返|退)|别信|(?<!不)是假的|没理|拉黑"
    # 「绝对不会骗人」 is what advertisers say.
    r"|(?<!不)(?<!不会)(?<!不是)(?<!没)(?<!没有)(?<!非)(?:骗人|上当|骗局|诈骗)"
)
# 「私信客服」, 「联系我退款」; and 「有意思」 asks nobody.
_LEADS_TO_THE_SHOP = re.compile(
    r"(?:扫码)?(?:支付|付款)|[^,。!?;]{0,2}(?:会员|审核)|[爸妈]|老[公婆]|[问找]?客服|[店商卖]家|老板|掌柜|要求|退|删|改|赔|处理|解决|道歉|思"
)
# 「客服微信发实拍」, 「卖家私聊我」: that way is the shop's, unless a name or a number to call follows.
_OF_SHOPS = re.compile(r"(?:客服|[店商卖]家|店主|店铺|老板|掌柜|售后|师傅)[^,。!?;]{0,4}$")
_HAS_NAME = re.compile(r"[a-z]{0,2}[^。!?;a-z0-9]{0,8}(?:[a-z0-9_-]{4,}|[“\"「:])")
# What asks nobody by itself: the name of a messenger, 「有需要的可以入」, 「扫码下载」.
_ONLY_NAMED = re.compile(
    r"有需要|有意(?!者|私|联|加)|[找联]系?我(?:[爸妈老儿女姐哥弟妹家同朋]|们|送)|咨询|扫|私信?[问回客]|关注|加微(?:[辣胖糖甜酸咸]|波炉)"
)
_CALLS = re.compile(r"[加扫进+➕私联搜找滴裙群邀转看打]|(?:看|点)我|我的?(?:主页|头像)")
# 「领了10元优惠券」 was had, and 「好评返2元」 is the shop's own.
_WAS_HAD = re.compile(r"(?:[领抽用减返](?:了|到|中)[^,。!?;]{0,6}|好评|五星|晒图|晒单)$")
# 「客服加了我微信」 and 「加过微信」 tell.
_WAS_ADDED = re.compile(r"加[了过]我?$")
# Where a shop is, sends from or takes back, or a parcel was left, is nobody's home.
_PUBLIC_PLACE = re.compile(
    r"(?:维修|服务|售后|自提|网|营业)[点厅]|点地址|店[里铺面家]?的?(?:地址|位置|就在|开在|位于|在)|放(?:在|到)|驿站|快递柜|自提"
)
# 「小说里他家住…」.
_IN_BOOKS = re.compile(r"(?:小说|故事书?|绘本|电视剧|书)[里中:]")
# 「退货地址是卖家…」, but not 「退货地址是老板家…」.
_OF_THE_TRADE = re.compile(
    r"(?:发货|寄件|退货|退回|退到|寄回|售后|仓库|厂家|工厂)(?:[^,。!?;住家]|[商店卖厂]家){0,14}$"
)
# A line that is there to be called is nobody's own, unlike 「老板电话」 and 「快递员电话」.
_SERVICE_LINE = re.compile(
    r"(?:客服|售后|服务|安装|维修|厂家|店[里铺家]?|快递|物流|驿站)的?(?:联系|咨询|服务|售后|客服)?"
    r"(?:电话|热线)(?:号码?|是|[:])*$"
)
# 「发票寄到南京西路1266号」, 「地址改成世纪大道100号」: where something is to go is told, and nobody is
# asked to confirm where it goes now.
_TOLD_WHERE = re.compile(
    r"(?:(?:寄|发|邮|送|改|换)(?:到|至|去|往|给|成|为)|没变|不变)[^,。!?;]{0,30}$"
)
_TO_CONFIRM = re.compile(
    r"是不是|是否|[对是]吗|对[吧么]|对不(?!起|住)|是吧|没错|错[吧没]|确认(?!收货)|核对|[帮您你]我?看一?下"
)
_ASKED_BACK = re.compile(r"(?:那里|那边|了|的|对|是)?(?:[吗么吧?]|没(?!有?(?:问题|关系|变|错)))")
_CLAUSE = re.compile(r"[^,。!?;]{2,30}\??")
# 「收货地址是学校」 and 「收货信息没变」 tell, 「收货地址是哪里」 and 「收货信息没问题吧」 ask.
_ASKS = re.compile(r"^(?:不是|否)|哪|什么|多少|谁|[吗么呢吧?]|是不是|对不|发我|给我")
_AS_BEFORE = re.compile(r"(?:还是|都)?(?:没变|没有变|不变|没问题|不用改|已经?|改[了好])")
# Those words of the lexicon that only name a receiver; 「核对地址」 and 「收货人是谁」 ask by themselves.
_RECEIVER = re.compile(r"(?:收[货件]人?|留的)(?:信息|电话|手机)")
# A parcel that comes, of which callers and messages tell as well. What is asked of the buyer then, or what
# no courier does (点链接, 屏幕共享), is none of it.
_ERRAND = re.compile(r"送货|派送|派件|取件|包裹到|驿站")
_ASKED_OF_ME = re.compile(r"[要让叫]我")
_ORDINARY_DEEDS = frozenset(("验证码", "转账", "汇款", "银行卡"))
# Of goods on their way back to the shop.
_OF_THE_SHOP = re.compile(
    r"(?:客服|售后|快递员?|[门实体]?店[里铺家]?|厂家|师傅|驿站|你们|您这)的?$"
)
_RETURN = re.compile(r"退货|退回|换货|寄回|退给你|退还给你|寄给你们|退件")
# 「晒图返现的红包没收到」, 「好评卡的红包怎么领」: it was promised, and nobody is asked to promise it.
_OWED_CASHBACK = re.compile(r"[^,。!?;]{0,8}?(?:没[收返]到|还没返|失效|要扣|要(?:不要)?退)")
# 「下次还寄老地址」 tells, 「寄老地址吗」 asks.
_AS_LAST_TIME = re.compile(r"(?:老|以前的?)地址$")
_ASKED_THERE = re.compile(r"[^,。!?;]{0,3}(?:[吗么吧?]|对|是不是|没错|还是)")
# 「发到哪里了,物流不动」 asks for the parcel, 「收货信息错了能改吗」 wants another receiver.
_WHERE_IS_IT = re.compile(r"物流|快递|单号|还没到")
_TO_CHANGE = re.compile(r"[^,。!?;]{0,6}(?:能|可以|帮我|怎么)[^,。!?;]{0,2}改(?![好了])")
_CHAT = ("cashback", "address.", "invoice.", "contact.", "scam")


def read_chat(text: str) -> Signals:
    """The signals of a chat message, as if its sender were the buyer.

    Codes: `threat.*`, `demand.money`, `demand.money.claim`, `demand.soft`, `contact.*`, `cashback`,
    `address.ask`, `address.echo`, `invoice.split`, `scam`. Cost: twenty
    microseconds for a short message, and twice that for one about money.
    """
    folded = join(fold(text))
    has_reason = names_reason(folded.text)
    hits = lexicon().find(folded.text)
    found = [hit for hit in hits if hit.code.startswith(_CHAT) and hit.code != "contact.link"]
    has_digits = _DIGIT.search(folded.text) is not None
    found += islice(phrased(folded.text), MAX_NUMBERS)
    if not hits and not found and not has_digits:
        return Signals(names_reason=has_reason)
    found = _told_scams(folded.text, found)
    found = [hit for hit in found if not _asks_of_the_shop(folded.text, hit)]
    meant, amount = extortion(folded.text, hits)
    found += meant
    if not _says_enough(meant):
        bargained, price = bargain(folded.text, hits, has_reason)
        found += bargained
        amount = max(amount, price)
    if has_digits:
        numbers = islice(mobiles(folded.text), MAX_NUMBERS)
        found += [Hit("contact.phone", a, b) for _, a, b in numbers]
        houses = islice(streets(folded.text), MAX_NUMBERS)
        found += [
            Hit("address.echo", a, b) for _, a, b in houses if not _is_told(folded.text, a, b)
        ]
    return _signals(folded, found, amount)._replace(names_reason=has_reason)


def _says_enough(meant: Sequence[Hit]) -> bool:
    """Whether money under a threat is found already."""
    codes = {hit.code for hit in meant}
    return "demand.money" in codes and any(code.startswith("threat.") for code in codes)


def read_review(text: str) -> Signals:
    """The signals of a review.

    Codes: `ad.*` (the four kinds), `abuse.*`, `leak.phone`, `leak.address`, `scam`, and `threat.*` with
    `demand.*` where both stand in one breath.
    """
    folded = join(fold(text))
    hits = lexicon().find(folded.text)
    has_digits = _DIGIT.search(folded.text) is not None
    if not hits and not has_digits:
        return NO_SIGNALS
    found = _told_scams(folded.text, [hit for hit in hits if hit.code.startswith("scam")])
    found += ads(folded.text, hits)
    found += abuse(folded.text, hits)
    meant, amount = extortion(folded.text, hits)
    breath = _in_one_breath(meant)
    found += breath
    if has_digits:
        found += _leaks(folded.text)
    return _signals(folded, found, amount if breath else 0)


def refuses_invoice(text: str) -> bool:
    """Whether a message of the seller refuses an invoice, or wants money for it."""
    folded = join(fold(text)).text
    hits = [hit for hit in lexicon().find(folded) if hit.code == "refusal.invoice"]
    hits += islice(refusals(folded), MAX_NUMBERS)
    return any(not _is_no_refusal(folded, hit) for hit in hits)


def _is_no_refusal(folded: str, hit: Hit) -> bool:
    """Whether the seller denies having refused, asks, or only says that none is in the parcel, or not yet."""
    before, word = folded[max(0, hit.start - 10) : hit.start], folded[hit.start : hit.end]
    begin, stop = sentence(folded, hit.start, hit.end)
    whole = folded[begin:stop]
    return bool(
        _REFUSAL_DENIED.search(before)
        or _NOT_IN_IT.search(before)
        or _NOT_REFUSED_AFTER.match(folded, hit.end)
        or _ASKED.match(folded, hit.end)
        or _INSTEAD.search(whole)
        or (_IN_DAYS.search(whole) and not _OF_COSTS.search(word))
        or ("票" not in whole and (_OF_GOODS.search(whole) or _OF_CUSTOMS.search(whole)))
        or (word.endswith("承担") and _BY_THE_SHOP.search(folded, hit.start, hit.end))
        or (word == "裸价" and _OFFERED.search(folded, hit.end, stop) is not None)
        or (
            word.startswith("拒绝")
            and (is_denied(folded, hit.start) or _MUST_NOT.search(before) is not None)
        )
        or (word.startswith("发票要") and _ASKED_WHICH.match(folded, hit.end))
        or (word.endswith(("要加", "票加")) and not _COSTS_EXTRA.match(folded, hit.end))
        or (
            word.startswith(("没", "暂无"))
            and (_OFFERED.search(folded, hit.end, stop) or _ISSUED.search(folded, begin, hit.start))
        )
    )


def ads(folded: str, hits: Sequence[Hit]) -> list[Hit]:
    """Advertising of the four kinds that may be reported; a word of one needs a way to get in touch."""
    found = []
    # Words of the lexicon are lures by themselves; of what only frames find, bare ways make no ad.
    words = [h for h in hits if h.code.startswith("lure.")]
    frames = list(islice(lures(folded), MAX_NUMBERS))
    framed = frozenset(frames).difference(words)
    lured = [h for h in (*words, *frames) if not _is_no_lure(folded, h)]
    # 「客服让加微信」: that way is the shop's, and who tells 「加了微信」 invites nobody.
    told = [(h.start, h.end) for h in hits if h.code.startswith(("contact.", "invite"))]
    if lured:
        told += islice(ways(folded), MAX_NUMBERS)
    open_ways = [
        (a, b)
        for a, b in told
        if not is_reported(folded, a, b)
        and not _LEADS_TO_THE_SHOP.match(folded, b)
        and not _WAS_ADDED.search(folded[max(0, a - 3) : a])
        and not _is_way_of_shop(folded, a, b)
    ]
    bare = {(a, b) for a, b in open_ways if _is_bare(folded, a, b)}
    if lured:
        open_ways += [(a, b) for _, a, b in islice(mobiles(folded), MAX_NUMBERS)]
    for kind in _AD_KINDS:
        of_kind = [h for h in hits if h.code == f"ad.{kind}" and not _TOLD_OF.match(folded, h.end)]
        of_kind += [
            Hit(f"ad.{kind}", min(h.start, a), max(h.end, b))
            for h in lured
            if h.code == f"lure.{kind}"
            for a, b in open_ways
            if (a, b) not in bare or not (h in framed or _was_had(folded, h))
            if max(h.start, a) - min(h.end, b) <= NEAR and (a, b) != (h.start, h.end)
        ]
        for hit in of_kind:
            if not (
                is_denied(folded, hit.start)
                or is_reported(folded, hit.start, hit.end)
                or _NOT_ONES_OWN.search(folded, *sentence(folded, hit.start, hit.end))
            ):
                found.append(hit)
                break
    return found


def _is_no_lure(folded: str, hit: Hit) -> bool:
    """Whether what might lure is denied, or told of."""
    return is_denied(folded, hit.start) or _TOLD_OF.match(folded, hit.end) is not None


def _was_had(folded: str, hit: Hit) -> bool:
    return _WAS_HAD.search(folded[max(0, hit.start - 9) : hit.start]) is not None


def _is_way_of_shop(folded: str, start: int, end: int) -> bool:
    return (
        _OF_SHOPS.search(folded[max(0, start - 8) : start]) is not None
        and _HAS_NAME.match(folded, start) is None
    )


def _is_bare(folded: str, start: int, end: int) -> bool:
    """Whether a way only names a messenger, or asks for nothing: no name, no number, no 「加我」."""
    if _HAS_NAME.match(folded, start):
        return False
    if _ONLY_NAMED.match(folded, start):
        return True
    return _CALLS.search(folded, max(0, start - 1), end) is None


def _asks_of_the_shop(folded: str, hit: Hit) -> bool:
    """Whether what is asked for is the shop's own, for goods that go back too, or the carrier's; or told."""
    if hit.code == "invoice.split":
        return _RETURN.search(folded, max(0, hit.start - 4), hit.end + 2) is not None
    if hit.code == "cashback":
        return (
            _OWED_CASHBACK.match(folded, hit.end) is not None
            or folded.find("卡", hit.start, hit.end) >= 0
        )
    if hit.code != "address.ask":
        return False
    if _is_stated(folded, hit):
        return True
    is_bare = folded.startswith(("地址", "电话", "手机", "号码"), hit.start)
    if is_bare and _OF_THE_SHOP.search(folded[max(0, hit.start - 6) : hit.start]):
        return True
    begin, stop = sentence(folded, hit.start, hit.end)
    return (
        _RETURN.search(folded, max(begin, hit.start - NEAR), min(stop, hit.end + NEAR)) is not None
    )


def _is_stated(folded: str, hit: Hit) -> bool:
    """Whether a receiver is spoken of, and not asked for."""
    word = folded[hit.start : hit.end]
    if _AS_LAST_TIME.search(word):
        return _ASKED_THERE.match(folded, hit.end) is None
    if word.endswith("里了") and _WHERE_IS_IT.search(folded, *sentence(folded, hit.start, hit.end)):
        return True
    if _TO_CHANGE.match(folded, hit.end):
        return True
    told = _CLAUSE.match(folded, hit.end)
    if told is None or _ASKS.search(told[0]) is not None:
        return False
    if _RECEIVER.match(folded, hit.start) and _AS_BEFORE.match(folded, hit.end):
        return True
    _, stop = sentence(folded, hit.start, hit.end)
    return (
        folded.endswith("地址是", hit.start, hit.end)
        and _TO_CONFIRM.search(folded, hit.end, stop) is None
    )


def _is_told(folded: str, start: int, end: int) -> bool:
    """Whether an address is where the buyer wants something sent, and not one put to be confirmed."""
    begin, stop = sentence(folded, start, end)
    # The name of a street is found together with what stands before it.
    return (
        _TOLD_WHERE.search(folded[max(begin, start - NEAR) : end]) is not None
        and _ASKED_BACK.match(folded, end) is None
        and _TO_CONFIRM.search(folded, begin, stop) is None
    )


def _told_scams(folded: str, found: list[Hit]) -> list[Hit]:
    """Scams named as such, and those told by halves: who it was and what was done."""
    actors = [h for h in found if h.code == "scam.actor"]
    deeds = [h for h in found if h.code == "scam.deed"]
    kept = [h for h in found if not h.code.startswith("scam.")]
    for actor in actors:
        near = [
            d
            for d in deeds
            if 0 <= d.start - actor.end <= 2 * NEAR and not _is_errand(folded, actor, d)
        ]
        if near:
            kept.append(Hit("scam", actor.start, near[0].end))
            break
    return [h for h in kept if h.code != "scam" or not is_denied(folded, h.start)]


def _is_errand(folded: str, actor: Hit, deed: Hit) -> bool:
    """Whether a courier is told of, or, in 「收到短信验证码」, a code of one's own."""
    word = folded[deed.start : deed.end]
    if word == "验证码" and deed.start == actor.end:
        return True
    return (
        word in _ORDINARY_DEEDS
        and _ERRAND.search(folded, actor.end, deed.start) is not None
        and _ASKED_OF_ME.search(folded, actor.end, deed.start) is None
    )


def _in_one_breath(meant: Sequence[Hit]) -> list[Hit]:
    """Threats and demands that stand close to one of the other."""
    threats = [h for h in meant if h.code.startswith("threat.")]
    demands = [h for h in meant if h.code.startswith("demand.")]
    pairs = [
        (t, d)
        for t in threats
        for d in demands
        if max(t.start, d.start) - min(t.end, d.end) <= SAME_BREATH
    ]
    return list(dict.fromkeys(hit for pair in pairs for hit in pair))


def _leaks(folded: str) -> list[Hit]:
    """Numbers and addresses that a review gives away as somebody else's."""
    found = [Hit("leak.phone", a, b) for _, a, b in islice(mobiles(folded), MAX_NUMBERS)]
    found += [Hit("leak.address", a, b) for _, a, b in islice(streets(folded), MAX_NUMBERS)]
    # The name of a street is found together with what stands before it.
    return [
        hit
        for hit in found
        if _WHOSE.search(folded[max(0, hit.start - 20) : hit.start + 4])
        and not _is_own(folded, hit)
    ]


def _is_own(folded: str, hit: Hit) -> bool:
    """Whether it is the writer's own or the family's, or a place or a line that is open to everybody."""
    begin, stop = sentence(folded, hit.start, hit.end)
    if _IN_BOOKS.search(folded, begin, hit.start + 4):
        return True
    near = folded[max(begin, hit.start - 6) : hit.start + 4]
    if hit.code == "leak.address" and (
        _OWN_HOME.search(near)
        or _PUBLIC_PLACE.search(folded, max(begin, hit.start - 6), hit.end + 4)
        or _OF_THE_TRADE.search(folded[max(begin, hit.start - 16) : hit.start + 4])
    ):
        return True
    if hit.code == "leak.phone" and _SERVICE_LINE.search(
        folded[max(begin, hit.start - 20) : hit.start]
    ):
        return True
    return (
        _OWN.search(folded[max(begin, hit.start - 20) : hit.start]) is not None
        or _LEAK_TOLD.search(folded, begin, stop) is not None
    )


def _signals(folded: Folded, hits: Iterable[Hit], amount_minor: int) -> Signals:
    spans = {Found(h.code, *folded.span(h.start, h.end)) for h in hits}
    # Of one code inside another hit of the same code, the longer says it all.
    kept = sorted(
        (s for s in spans if not any(_is_inside(s, other) for other in spans)),
        key=lambda s: (s.start, s.end, s.code),
    )
    if not kept:
        return NO_SIGNALS
    return Signals(tuple(kept[:MAX_SIGNALS]), amount_minor)


def _is_inside(one: Found, other: Found) -> bool:
    return (
        one is not other
        and one.code == other.code
        and other.start <= one.start
        and one.end <= other.end
        and (one.start, one.end) != (other.start, other.end)
    )
