"""Advertising of the four kinds that may be reported: what lures, and a way to get in touch beside it.

What a newcomer gets wrong: ordinary reviews are full of both. Ways that are the shop's, lures that were had
and names of messengers that ask nobody make no advertisement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from streams.detect.text.context import NEAR, is_denied, is_reported, sentence
from streams.detect.text.lexicon import Hit
from streams.detect.text.numbers import MAX_NUMBERS, mobiles

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


def ads(folded: str, hits: Sequence[Hit]) -> list[Hit]:
    """Advertising of the four kinds that may be reported; a word of one needs a way to get in touch."""
    # Words of the lexicon are lures by themselves; of what only frames find, bare ways make no ad.
    words = [h for h in hits if h.code.startswith("lure.")]
    frames = list(islice(_lures(folded), MAX_NUMBERS))
    framed = frozenset(frames).difference(words)
    lured = [h for h in (*words, *frames) if not _is_no_lure(folded, h)]
    open_ways = _open_ways(folded, hits) if lured else []
    bare = {way for way in open_ways if _is_bare(folded, *way)}
    if lured:
        open_ways += [(a, b) for _, a, b in islice(mobiles(folded), MAX_NUMBERS)]
    found: list[Hit] = []
    for kind in _LURES:
        of_kind = [h for h in hits if h.code == f"ad.{kind}" and not _TOLD_OF.match(folded, h.end)]
        of_kind += [
            Hit(f"ad.{kind}", min(h.start, a), max(h.end, b))
            for h in lured
            if h.code == f"lure.{kind}"
            for a, b in open_ways
            if (a, b) not in bare or not (h in framed or _was_had(folded, h))
            if max(h.start, a) - min(h.end, b) <= NEAR and (a, b) != (h.start, h.end)
        ]
        found += islice((hit for hit in of_kind if _is_ones_own(folded, hit)), 1)
    return found


def _open_ways(folded: str, hits: Sequence[Hit]) -> list[tuple[int, int]]:
    """Where the writer says how to get in touch, unless that leads to the shop or is over."""
    told = [(h.start, h.end) for h in hits if h.code.startswith(("contact.", "invite"))]
    told += islice(_ways(folded), MAX_NUMBERS)
    # 「客服让加微信」: that way is the shop's, and who tells 「加了微信」 invites nobody.
    return [
        (a, b)
        for a, b in told
        if not is_reported(folded, a, b)
        and not _LEADS_TO_THE_SHOP.match(folded, b)
        and not _WAS_ADDED.search(folded[max(0, a - 3) : a])
        and not _is_way_of_shop(folded, a)
    ]


def _is_ones_own(folded: str, hit: Hit) -> bool:
    """Whether the writer advertises, and neither denies it nor tells of what others wrote."""
    return not (
        is_denied(folded, hit.start)
        or is_reported(folded, hit.start, hit.end)
        or _NOT_ONES_OWN.search(folded, *sentence(folded, hit.start, hit.end))
    )


def _is_no_lure(folded: str, hit: Hit) -> bool:
    """Whether what might lure is denied, or told of."""
    return is_denied(folded, hit.start) or _TOLD_OF.match(folded, hit.end) is not None


def _was_had(folded: str, hit: Hit) -> bool:
    return _WAS_HAD.search(folded[max(0, hit.start - 9) : hit.start]) is not None


def _is_way_of_shop(folded: str, start: int) -> bool:
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


def _ways(folded: str) -> Iterator[tuple[int, int]]:
    """Where a text says how to get in touch, in the spellings of those who should not."""
    return (found.span() for found in _WAY.finditer(folded))


def _lures(folded: str) -> Iterator[Hit]:
    """What an advertisement of one of the four kinds lures with; none is one without a way (`_ways`)."""
    for found in _LURE.finditer(folded):
        yield Hit(f"lure.{found.lastgroup}", *found.span())
