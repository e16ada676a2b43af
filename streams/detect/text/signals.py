"""Signals: what a chat message or a review says that a detector may need, as codes with their spans.

The trap: most words of the lexicons are ordinary ones. Which hits stand is decided here and in the modules
that this one asks, by context, by what stands near them, and by what the text is.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from streams.detect.text import english, english_reviews, told
from streams.detect.text.ads import ads
from streams.detect.text.bargains import bargain
from streams.detect.text.context import NEAR, SENTENCE_END, is_denied, sentence
from streams.detect.text.extortion import extortion, names_reason, tells_of_own_money
from streams.detect.text.folding import Folded, fold, join
from streams.detect.text.insults import abuse
from streams.detect.text.leaks import leaks
from streams.detect.text.lexicon import Hit, lexicon
from streams.detect.text.numbers import MAX_NUMBERS, mobiles, streets
from streams.detect.text.phrasings import ERRAND, phrased

SAME_BREATH = 40
# More of one text than this is not kept: a fact stays small whatever somebody types.
MAX_SIGNALS = 12

_DIGIT = re.compile(r"\d")
# In English a full stop ends one as well; not that of 3.50 or of a shop.com.
_ENGLISH_SENTENCE_END = re.compile(r"[。!?;]|\.(?!\S)")
# Without any of these no sum is named, 「五千不外传」, nor money spoken of.
_OF_MONEY = re.compile(r"[百千万钱张]")


class Found(NamedTuple):
    """One signal, the half-open span of the original text that carries it, and the sentence it begins in.

    Sentences of the original text are counted from 1, those that hold nothing but blanks left out.
    """

    code: str
    start: int
    end: int
    sentence: int = 1


class Signals(NamedTuple):
    """The signals of one text in order of place; `amount_minor` is the largest demanded, in fen.

    `names_reason`, of chats, whether it says what a claim may rest on: a fault, a rule, one's own money.
    `told` are the kinds of `told.KINDS` that a chat message is of, and `own_minor` is the largest sum that it
    tells to be the buyer's own, in fen.
    """

    found: tuple[Found, ...] = ()
    amount_minor: int = 0
    names_reason: bool = False
    told: tuple[str, ...] = ()
    own_minor: int = 0

    def has(self, *prefixes: str) -> bool:
        """Whether any signal's code begins with one of the prefixes."""
        return any(one.code.startswith(prefixes) for one in self.found)


NO_SIGNALS = Signals()
# 「发票寄到南京西路1266号」, 「地址改成世纪大道100号」: where something is to go is told, and nobody is
# asked to confirm where it goes now.
_TOLD_WHERE = re.compile(
    r"(?:(?:寄|发|邮|送|改|换)(?:到|至|去|往|给|成|为)|地址(?:要|请|帮我|麻烦)?改|没变|不变)[^,。!?;]{0,30}$"
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
# What is asked of the buyer beside a parcel that comes, or what no courier does (点链接, 屏幕共享), is no
# errand.
_ERRAND = re.compile(ERRAND)
_ASKED_OF_ME = re.compile(r"[要让叫]我")
_ORDINARY_DEEDS = frozenset(("验证码", "转账", "汇款", "银行卡"))
# Of goods on their way back to the shop.
_OF_THE_SHOP = re.compile(
    r"(?:客服|售后|快递员?|[门实体]?店[里铺家]?|厂家|师傅|驿站|你们|您这)的?$"
)
_RETURN = re.compile(r"退货|退回|换货|寄回|退给你|退还给你|寄给你们|退件")
# 「发票单独寄公司的,怎么还没到」 asks for one that is owed, 「没收到就投诉」 does not.
_OWED_INVOICE = re.compile(
    r"[^。!?;]{0,12}?(?:没有?收到|还没有?|没到|没寄|未收到)(?![^。!?;]{0,2}(?:就|的话))"
)
# 「晒图返现的红包没收到」, 「好评卡的红包怎么领」: it was promised, and nobody is asked to promise it.
_OWED_CASHBACK = re.compile(r"[^,。!?;]{0,8}?(?:没[收返]到|还没返|失效|要扣|要(?:不要)?退)")
# 「下次还寄老地址」 tells, 「寄老地址吗」 asks.
_AS_LAST_TIME = re.compile(r"(?:老|以前的?)地址$")
_ASKED_THERE = re.compile(r"[^,。!?;]{0,3}(?:[吗么吧?]|对|是不是|没错|还是)")
# 「发到哪里了,物流不动」 asks for the parcel, 「收货信息错了能改吗」 wants another receiver.
_WHERE_IS_IT = re.compile(r"物流|快递|单号|还没到")
_TO_CHANGE = re.compile(r"[^,。!?;]{0,6}(?:能|可以|帮我|怎么)[^,。!?;]{0,2}改(?![好了])")
_CHANNELS = ("contact.wechat", "contact.qq")
_CHAT = ("cashback", "address.", "invoice.", "contact.", "scam")


def read_chat(text: str) -> Signals:
    """The signals of a chat message, as if its sender were the buyer.

    Codes: `threat.*`, `demand.money`, `demand.money.claim`, `demand.soft`, `contact.*`, `cashback`,
    `address.ask`, `address.echo`, `invoice.split`, `scam`. Cost: twenty microseconds for a short message, and
    twice that for one about money; a hundred for one in English.
    """
    folded = join(fold(text))
    if english.is_english(folded.text):
        return _read_english_chat(folded)
    has_reason = names_reason(folded.text)
    hits = lexicon().find(folded.text)
    found = [hit for hit in hits if hit.code.startswith(_CHAT) and hit.code != "contact.link"]
    has_digits = _DIGIT.search(folded.text) is not None
    found += islice(phrased(folded.text), MAX_NUMBERS)
    has_money = has_digits or _OF_MONEY.search(folded.text) is not None
    is_explained = has_reason or (has_money and tells_of_own_money(folded.text))
    kinds = told.kinds(folded.text)
    if not hits and not found and not has_money:
        return Signals(names_reason=is_explained, told=kinds)
    found = _told_scams(folded.text, found)
    found = [hit for hit in found if not _asks_of_the_shop(folded.text, hit)]
    meant, amount = extortion(folded.text, hits)
    found += meant
    if not _says_enough(meant):
        bargained, price = bargain(folded.text, hits, has_reason, meant)
        found += bargained
        amount = max(amount, price)
    if has_digits:
        numbers = islice(mobiles(folded.text), MAX_NUMBERS)
        found += [Hit("contact.phone", a, b) for _, a, b in numbers]
        houses = islice(streets(folded.text), MAX_NUMBERS)
        found += [
            Hit("address.echo", a, b) for _, a, b in houses if not _is_told(folded.text, a, b)
        ]
    return _signals(folded, found, amount)._replace(
        names_reason=is_explained,
        told=kinds,
        own_minor=told.own_money(folded.text) if has_money else 0,
    )


def _read_english_chat(folded: Folded) -> Signals:
    # Chinese messengers and mobiles are named in English as well.
    found = [hit for hit in lexicon().find(folded.text) if hit.code.startswith(_CHANNELS)]
    found += [Hit("contact.phone", a, b) for _, a, b in islice(mobiles(folded.text), MAX_NUMBERS)]
    bargained, price = english.bargain(folded.text)
    found += [*english.chat(folded.text), *bargained]
    has_reason = english.names_reason(folded.text)
    kinds = told.kinds(english.plain(folded.text), is_english=True)
    signals = _signals(folded, found, price, _ENGLISH_SENTENCE_END)
    return signals._replace(names_reason=has_reason, told=kinds)


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
    if english.is_english(folded.text):
        return _signals(folded, english_reviews.review(folded.text), 0, _ENGLISH_SENTENCE_END)
    hits = lexicon().find(folded.text)
    has_digits = _DIGIT.search(folded.text) is not None
    found = ads(folded.text, hits)
    if not hits and not found and not has_digits:
        return NO_SIGNALS
    found += _told_scams(folded.text, [hit for hit in hits if hit.code.startswith("scam")])
    found += abuse(folded.text, hits)
    meant, amount = extortion(folded.text, hits)
    breath = _in_one_breath(meant)
    found += breath
    if has_digits:
        found += leaks(folded.text)
    return _signals(folded, found, amount if breath else 0)


def _asks_of_the_shop(folded: str, hit: Hit) -> bool:
    """Whether what is asked for is the shop's own, for goods that go back too, or the carrier's; or told."""
    if hit.code == "invoice.split":
        return (
            _RETURN.search(folded, max(0, hit.start - 4), hit.end + 2) is not None
            or _OWED_INVOICE.match(folded, hit.end) is not None
        )
    if hit.code == "cashback":
        return (
            _OWED_CASHBACK.match(folded, hit.end) is not None or "卡" in folded[hit.start : hit.end]
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
    stated = _CLAUSE.match(folded, hit.end)
    if stated is None or _ASKS.search(stated[0]) is not None:
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


def _signals(
    folded: Folded,
    hits: Iterable[Hit],
    amount_minor: int,
    sentence_end: re.Pattern[str] = SENTENCE_END,
) -> Signals:
    spans = {Found(h.code, *folded.span(h.start, h.end)) for h in hits}
    # Of one code inside another hit of the same code, the longer says it all.
    kept = sorted(
        (s for s in spans if not any(_is_inside(s, other) for other in spans)),
        key=lambda s: (s.start, s.end, s.code),
    )
    if not kept:
        return NO_SIGNALS
    begins = _sentence_begins(folded, sentence_end)
    # A hit may begin with the mark at which the first sentence ends.
    placed = (s._replace(sentence=bisect_right(begins, s.start) or 1) for s in kept[:MAX_SIGNALS])
    return Signals(tuple(placed), amount_minor)


def _sentence_begins(folded: Folded, sentence_end: re.Pattern[str]) -> list[int]:
    """Where in the original the sentences begin that hold anything to read.

    Marks are looked for in the folded text, where ！, ‼ and a line break are what context takes them for;
    folding keeps them in their order, so that the sentences are those of the original.
    """
    begins: list[int] = []
    at = 0
    for piece in sentence_end.split(folded.text):
        if piece and not piece.isspace():
            begins.append(folded.span(at, at + 1)[0])
        at += len(piece) + 1
    return begins


def _is_inside(one: Found, other: Found) -> bool:
    return (
        one is not other
        and one.code == other.code
        and other.start <= one.start
        and one.end <= other.end
        and (one.start, one.end) != (other.start, other.end)
    )
