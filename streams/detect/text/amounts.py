"""Amounts of money in folded text: 2000解决, 600元, 五百块, 1.5万. Values are integers in fen, or in
hundredths of whatever else was meant: $50 is 5000 as well, and nobody is told that it is yuan.

A number without a unit is money only when the words around it say so; the caller decides that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_DIGITS |= {c: i for i, c in enumerate("零壹贰叁肆伍陆柒捌玖")} | {"贰": 2, "叁": 3}
_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_NUMERALS = "".join(_DIGITS) + "".join(_UNITS) + "万"
_SCALES = {"百": 100, "千": 1000, "k": 1000, "万": 10_000, "w": 10_000}
_AMOUNT = re.compile(
    r"(?P<sign>[¥￥$]|rmb|人民币)?\s?"
    # Digits are also parted by blanks to hide them; one that begins with a zero is a dialling code.
    r"(?:(?P<number>(?<![\d.])"
    r"(?:\d(?: \d){2,6}|[1-9]\d{0,2} 0{2,3}|(?!0\d)\d{1,7}(?:\.\d{1,2})?)(?![\d.]))"
    rf"|(?P<numerals>[{_NUMERALS}]{{1,10}}))"
    r"\s?(?P<scale>[百千k万w](?![a-z]))?"
    r"\s?(?P<unit>元|块钱|块|圆|大洋|软妹币|人民币|rmb|毛爷爷)?"
)
# 30%, 百分之三十, 三成, 十倍: a share or a multiple of something, not money.
_SHARE_AFTER = re.compile(r"\s?(?:%|‰|个?百分点|成(?![功交])|折|倍)")
_SHARE_BEFORE = re.compile(r"[百千万]分之$")
# 500克, 42码, 20天: so much of something, unless a sign or a unit says money. 「500包删」 promises.
_OF_THINGS = re.compile(
    r"\s?[多来几]?(?:毫安|安时|瓦|匹|寸|克|公?斤|千克|kg|g(?![a-z])|毫?升|ml|[厘毫]?米|cm|mm|英?寸|码|号|双|件|盒|瓶|袋|片|张|本|只|条|支|枝|粒|颗|套|台"
    r"|箱|份|个(?!红包(?![袋封壳]))|包(?![你您删撤改])|小时|分钟|分(?!文)|点(?!钱)|天|日|周|星期|月|年|次|遍|度)"
)
# 工号1024, 型号a1000, 第100, 91330106MA2ABCDE12: the number names something. A short one behind a channel may
# be money, 「加QQ 2000解决」.
_NUMBERED = re.compile(r"(?:第|号码?[是为:]?\s?[a-z]{0,4}|\d[a-z]{2,8})$")
_MAY_BE_NUMBERED = re.compile(r"(?:订单|单子|微信|扣扣|[a-z])[是为:]?\s?$")
_LEAST_NAME = 10_000
# 「打12315解决」, 「再不赔12315见」: whoever calls an authority or a service line wants no such sum. Who
# spells it, 「赔我一百一」, does.
_HOTLINES = (
    (110, 110),
    (315, 315),
    (10_086, 10_086),
    (12_300, 12_399),
    (95_001, 95_999),
    (96_001, 96_999),
)
# So many of one text are looked at.
MAX_AMOUNTS = 50
# Beyond this it is no demand but a joke or another kind of number.
_LARGEST_FEN = 10**9


class Amount(NamedTuple):
    """An amount at a half-open span of the folded text; `is_money` if sign or unit say so."""

    fen: int
    start: int
    end: int
    is_money: bool


def amounts(folded: str) -> Iterator[Amount]:
    """Every number that may be an amount, in order."""
    for match in _AMOUNT.finditer(folded):
        digits = match["number"]
        if match[0] in _DIGITS:
            # 「一下」, 「两个」: hardly ever money, and every other message has some.
            continue
        yuan = Decimal(digits.replace(" ", "")) if digits else _value(match["numerals"])
        is_money = bool(match["sign"] or match["unit"])
        if yuan is None or _is_share(folded, match.start(), match.end()):
            continue
        if not is_money and (
            _OF_THINGS.match(folded, match.end())
            or _is_name(folded, match.start(), yuan)
            or (digits and any(first <= yuan <= last for first, last in _HOTLINES))
        ):
            continue
        fen = int(yuan * _SCALES.get(match["scale"] or "", 1) * 100)
        if 0 < fen <= _LARGEST_FEN:
            # A blank before or behind belongs to the sentence.
            whole = match[0]
            start = match.end() - len(whole.lstrip())
            yield Amount(fen, start, match.start() + len(whole.rstrip()), is_money)


def _is_share(folded: str, start: int, end: int) -> bool:
    return (
        _SHARE_AFTER.match(folded, end) is not None
        or _SHARE_BEFORE.search(folded[max(0, start - 3) : start]) is not None
    )


def _is_name(folded: str, start: int, yuan: Decimal) -> bool:
    before = folded[max(0, start - 8) : start]
    return _NUMBERED.search(before) is not None or (
        yuan >= _LEAST_NAME and _MAY_BE_NUMBERED.search(before) is not None
    )


def _value(numerals: str) -> Decimal | None:
    """The value of a Chinese numeral; 一千五 is 1500. None for what is no number."""
    thousands, _, rest = numerals.rpartition("万")
    total = 0
    if thousands:
        high = _below_ten_thousand(thousands)
        if high is None:
            return None
        total = high * 10_000
        if len(rest) == 1 and rest in _DIGITS:
            return Decimal(total + _DIGITS[rest] * 1000)
    elif "万" in numerals:
        return None
    low = _below_ten_thousand(rest) if rest else 0
    return None if low is None else Decimal(total + low)


def _below_ten_thousand(numerals: str) -> int | None:
    if len(numerals) > 1 and all(c in _DIGITS for c in numerals):
        return int("".join(str(_DIGITS[c]) for c in numerals))
    total, digit, last_unit = 0, 0, 0
    for character in numerals:
        if character in _UNITS:
            unit = _UNITS[character]
            if last_unit and unit >= last_unit:
                return None
            total += (digit or (1 if unit == 10 else 0)) * unit
            if not digit and unit != 10:
                return None
            digit, last_unit = 0, unit
        elif character in _DIGITS:
            digit = _DIGITS[character]
            if digit == 0:
                # 一千零五 is 1005: after a zero the next digit is a plain one.
                last_unit = 10
        else:
            return None
    if digit and last_unit > 10:
        return total + digit * last_unit // 10
    return total + digit
