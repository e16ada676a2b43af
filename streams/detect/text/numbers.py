"""Numbers that name something: mobile phones, order ids, and the parts of an address.

Read from folded text, where digits are plain whatever the sender typed. What is found here is
personal data: it becomes a span or a keyed hash and goes no further.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# So many phones, addresses or frames of one text are looked at, as with hits (`lexicon.MAX_HITS`).
MAX_NUMBERS = 50
_MOBILE = re.compile(r"(?<![\d.])(?:\+?86[- ]?)?(1[3-9]\d)[- ]?(\d{4})[- ]?(\d{4})(?!\d)")
# Pinduoduo's orders are a day and a number: 261122-339507978993455.
_LONG_NUMBER = re.compile(r"(?<![\d.])(?:\d{6}-\d{12,18}|\d{8,30})(?!\d)")
_STREET = re.compile(
    r"[\u4e00-\u9fff]{2,6}?(?:大道|路|街|道|巷|弄|胡同|村|小区|花园|公寓|大厦|苑)"
    r"[\u4e00-\u9fff]{0,6}?\d{1,5}(?:号|弄|栋|幢|座|楼|单元|室)"
)


# Numbers of parcels and cards are as long, and honest buyers type them while they talk of addresses.
_OF_SOMETHING_ELSE = re.compile(
    r"(?:交易号|交易单号|流水号?|支付单号|商户单号|运单|快递|物流|包裹|顺丰|中通|圆通|申通|韵达|极兔|邮政|ems|sf|yt|身份证|卡号|银行卡|账号)"
    r"[^\d。!?;]{0,8}$"
)
_OF_AN_ORDER = re.compile(r"(?:订单|定单|单子|order|拍下|拍的)[^\d。!?;]{0,8}$")
# An order id of the largest platform; a shorter number is one only when it is called so.
LONG_ENOUGH = 16


def mobiles(folded: str) -> Iterator[tuple[str, int, int]]:
    """Mobile numbers as eleven digits, with their half-open spans."""
    for match in _MOBILE.finditer(folded):
        yield "".join(match.groups()), match.start(), match.end()


def order_ids(folded: str) -> Iterator[tuple[str, int, int]]:
    """Numbers that are an order's: very long ones, and shorter ones that are called so."""
    for match in _LONG_NUMBER.finditer(folded):
        before = folded[max(0, match.start() - 14) : match.start()]
        if _OF_SOMETHING_ELSE.search(before):
            continue
        if len(match[0]) >= LONG_ENOUGH or _OF_AN_ORDER.search(before):
            yield match[0], match.start(), match.end()


def streets(folded: str) -> Iterator[tuple[str, int, int]]:
    """Street and number, as a delivery address has them."""
    for match in _STREET.finditer(folded):
        yield match[0], match.start(), match.end()
