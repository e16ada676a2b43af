"""The free text of an address: what in it cannot be delivered to, and where it leads to.

What a newcomer gets wrong: people write their phone, a courier's hint, a lucky room 8888 or the
测试中心 that they work in. Only what no honest address has counts, and each code says which.
"""

from __future__ import annotations

import re
import unicodedata

# Below this many letters, digits and characters nobody can be found (domain: "detail < 4 chars"). But a
# hundredth of real ones is a village or a road of two or three characters (横村, 新田路): those are names.
SHORTEST_DETAIL = 4
# So is 5组 or 八队, which with township and village chosen above is all that there is.
_NAME = re.compile(r"[一-鿿]{2}|\d{1,3}[组队社村屯连团]")

# As platforms encrypt what they do not show: ~AbC9==~1~ and $AbC9==$1$ (Taobao), ~AbC9==~0~~ and $AbC9==$0$$
# (Pinduoduo), ##AbC9==#1## and $$AbC9==$1$$ (Douyin).
CIPHER = r"([~$#])\1?.+\1\d{1,3}\1{1,2}"
_CIPHER = re.compile(CIPHER)
_NOT_WORD = re.compile(r"[\W_]+")
_MASKED = re.compile(r"[*•●]{2,}")
# One digit six times over is no house number, nor is counting up to seven.
_REPEATED = re.compile(r"(\d)\1{5}|(?<!\d)0?1234567")
# Nor of these, which have numbers of their own: landlines, letter boxes and units of the army, buses, and
# what people are known by where they live or fetch their parcels.
_OWN_NUMBER = re.compile(
    r"(?<!\d)0\d{2,3}-?\d{7,8}(?!\d)|\d+(?:信箱|部队|分队|路(?:公交|车))"
    r"|(?:[学工编警房柜箱]号|尾号|会员号?|邮编|固话|座机|电话|手机|柜|信箱)[是为: ]{0,2}\d[\d-]*"
)
# A lucky number is one: 13888888888.
_MOBILE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
# Words that a keyboard or a refusal gives; as a whole, or where the text begins with an order to ignore it.
_PLACEHOLDER_WHOLE = re.compile(
    r"(?:测试|test|地址|订单|收货|不知道|不详|未知|没有|随便|待定|暂无|无|乱写|瞎写|保密|asd+f*|qwe+r*t*y*"
    r"|zxc+v*|abc+d*|x{2,}|a{3,}|哈{2,}|啊{2,}|呵{2,})+\d{0,4}"
)
_PLACEHOLDER_PART = re.compile(
    r"测试(?:地址|订单|单|勿发|请勿)|地址不知道(?!怎么)|随便(?:写|填|发)|乱写|asdf|qwert|zxcv"
    # 「国庆期间不要发货」 and 「不要发货到驿站」 say when and how.
    r"|(?<!前)(?<!前请)(?<!间)(?<!间请)(?<!末)(?<!末请)(?<!天)(?<!天请)(?<!假)(?<!假请)(?<!假了)(?<!假了请)(?<!家)(?<!家请)"
    r"(?:不要发货|请勿发货|(?<!请)勿发货)(?![到至给去]|[发用]?(?:[韵申圆中][达通]|邮政|顺丰|极兔|百世|京东|快递))"
)
# A handle needs its channel: digits alone are the phone of a careful receiver, 「电话微信 138…」 as well, but
# 「加微信 138…」 invites.
_CHANNEL = r"(?:微信|薇信|威信|wechat|weixin|v信|vx|wx|qq|扣扣|企鹅)[号群:：是为+\s]*"
_CONTACT = re.compile(
    rf"(?:加我?{_CHANNEL}|{_CHANNEL}(?!1[3-9]\d{{9}}(?!\d)))[a-z0-9][a-z0-9_-]{{4,}}"
    r"|https?://|www\.[a-z0-9]|[a-z0-9]\.(?:com|cn|net|top|xyz|vip)(?![a-z])|t\.me/"
)
_AD = re.compile(
    r"返利|刷单|刷信誉|兼职(?:日结|加|招)|日赚|加群|淘宝客|优惠券群|贷款(?:加|找)|代开发票|办证(?:电话|加)|推广(?:加|引流)"
)
_FORWARDER = re.compile(
    r"集运(?:仓|中心|部|点)?|转运(?:仓|公司|中心仓|部)|国际转运|海外仓|集货仓|货运代理"
    r"|forwarder|freight forward",
    re.IGNORECASE,
)
# Whatever one of the patterns above finds has one of these in it: one look for nearly all addresses.
_ODD = re.compile(
    r"[*•●]{2}|[\W_]{3}|(\d)\1{5}|1234567|测试|test|发货|勿发|不知道|随便|乱写|瞎写|asd|qwe|zxc|abc|x{2}|a{3}|[哈啊呵]{2}"
    r"|信|微|vx|wx|qq|扣|企鹅|wechat|weixin|https?:|www\.|\.(?:com|cn|net|top|xyz|vip)|t\.me"
    r"|返利|刷|兼职|日赚|加群|淘宝客|优惠|贷款|代开|办证|推广|不详|未知|没有|待定|无|保密|地址|订单|收货"
)
# And whatever that finds has one of these characters, one that is no Chinese character, or six digits.
_ODD_CHARACTERS = "试发勿知随乱瞎哈啊呵信微扣鹅返刷兼赚群淘惠贷代证推详没待无密址订收"
_FIRST, _LAST = 0x4E00, 0x9FFF
_ORDINARY = re.compile(
    rf"(?:[{''.join(c for c in map(chr, range(_FIRST, _LAST + 1)) if c not in _ODD_CHARACTERS)}]++"
    r"|[0-9]{1,5}+(?![0-9]))++"
)
_LOCKER = re.compile(r"菜鸟|驿站|丰巢|快递柜|自提|代收|代收点|智能柜|妈妈驿站|快递(?:点|站|超市)")
_SCHOOL = re.compile(r"大学|学院|中学|小学|学校|校区|宿舍")
_OFFICE = re.compile(r"写字楼|大厦|产业园|工业园|科技园|物流园|有限公司|集团|医院|酒店|宾馆|部队")

_SHARED = re.compile(
    r"[集转货]运|海外仓|集货仓|forward|菜鸟|驿站|丰巢|快递|自提|代收|智能柜|大学|学院|[中小]学|学校|校区|宿舍"
    r"|写字楼|大厦|园|公司|集团|医院|酒店|宾馆|部队"
)
_SHARED_CHARACTER = re.compile("[运仓f鸟驿巢递提代柜学校宿写厦园司团医酒宾队]")
# With so many characters and fewer than four words' worth of them, three that are none stand together.
_LONG_ENOUGH = 3 * SHORTEST_DETAIL


def is_ordinary(detail: str) -> bool:
    """Whether a detail is plain already and leaves nothing to doubt, as most do.

    It is long enough, and all of it Chinese characters that no doubt begins with, and short numbers.
    """
    return len(detail) >= SHORTEST_DETAIL and _ORDINARY.fullmatch(detail) is not None


def plain(detail: str) -> str:
    """The text in one width and case, as the patterns and identities expect it; a cipher says nothing."""
    if _CIPHER.fullmatch(detail):
        return ""
    if not unicodedata.is_normalized("NFKC", detail):
        detail = unicodedata.normalize("NFKC", detail)
    return detail.casefold().strip()


def doubts(text: str) -> tuple[str, ...]:
    """Codes of what is wrong with a plain detail; none for a masked or missing one.

    `detail_short`, `detail_repeated` (digits), `detail_placeholder`, `detail_contact` (a handle or a
    link), `detail_ad`.
    """
    if not text or is_ordinary(text) or (len(text) >= _LONG_ENOUGH and not _ODD.search(text)):
        return ()
    if _MASKED.search(text):
        return ()
    found = []
    words = _NOT_WORD.sub("", text)
    if len(words) < SHORTEST_DETAIL and not _NAME.search(words):
        found.append("detail_short")
    # At a forwarder's the number of a member stands in the address: UID0000001.
    bare = _OWN_NUMBER.sub("", _MOBILE.sub("", text))
    if _REPEATED.search(bare) and not _FORWARDER.search(text):
        found.append("detail_repeated")
    if _PLACEHOLDER_WHOLE.fullmatch(words) or _PLACEHOLDER_PART.search(words):
        found.append("detail_placeholder")
    if _CONTACT.search(text):
        found.append("detail_contact")
    if _AD.search(text):
        found.append("detail_ad")
    return tuple(found)


def place(text: str) -> str:
    """What kind of place many strangers share, by a plain detail: a code, or empty.

    `forwarder` (集运, 转运), `locker` (a parcel locker or shop), `school`, `office`: a shared address of
    such a place links nobody.
    """
    if not _SHARED_CHARACTER.search(text) or not _SHARED.search(text):
        return ""
    if _FORWARDER.search(text):
        return "forwarder"
    if _LOCKER.search(text):
        return "locker"
    if _SCHOOL.search(text):
        return "school"
    return "office" if _OFFICE.search(text) else ""
