"""Context: who says a word about whom. A word that is denied, reported or past is not meant.

Works on folded text, looking back and ahead within one sentence. In doubt a word is not meant: to
miss a threat costs less than to accuse somebody who complains of one.
"""

from __future__ import annotations

import re

# How far apart two halves of one thing may stand, in characters of the folded text.
NEAR = 30
SENTENCE_END = re.compile(r"[。!?;]")
_LOOK_BACK = 24
# Text without punctuation is one sentence as far as this.
_FAR = 100
# 「那个人说」 tells of somebody, 「我这个人说到做到」 of oneself.
_ACTOR = (
    r"(?:店家|商家|卖家|掌柜|老板|店主|客服|小二|店员|店里|服务员|服务生|酒店|宾馆|饭店|经理|主管|前台|保安|那家?店|骗子|网友|邮件|短信"
    r"|快递|外卖员|送餐|骑手|物流|平台|他们|她们|你们|人家|对方|有个?(?:人|买家|客人|顾客)|别人|(?<![我俺你您们])[那这]个?人|同行|其他|他|她)"
)
_SAYS = (
    r"(?:说|让|叫|要求|求|劝|威胁|恐吓|敲诈|勒索|骗|逼|骂|答应|承诺|表示|问|来电|打电话|发短信|发信息|要我"
    r"|要挟|跟我要|问我要|张口|推荐我|引导|诱导|害怕|加我|联系我|非要|坚持)"
)
_FIRST_PERSON = re.compile(
    # 「别人都说你好,给我…」: what others said ended before it.
    r"^[你您][^,。!?;们]{0,6},[给转打发付]|我就|我要|我会|我去|我马上|我现在|那我|我直接|我们就|我们要|老子|别怪我|我[都全手里上]{0,2}(?:有|录)"
)
_REPORTED = re.compile(rf"{_ACTOR}.{{0,8}}?{_SAYS}(.{{0,18}})$")
# Somebody complains of being threatened; what stands in that sentence was said to them.
_ACCUSES = re.compile(
    # Each alternative begins with a character of its own, for those the engine finds at once.
    "|".join(
        rf"{deed}(?:了|到)?(?:我|人|客人|顾客|买家|消费者|客户|住客)"
        for deed in ("威胁", "敲诈", "勒索", "恐吓", "要挟", "讹诈", "讹", "骚扰")
    )
    + "".join(
        rf"|{suffered}.{{0,8}}(?:威胁|敲(?:诈|了)|勒索|恐吓|要挟|讹)"
        for suffered in ("被", "遭", "受到", "受")
    )
    + "".join(
        rf"|{when}(?:[^,。!?;]{{0,4}})(?:遇|碰)[到上见]?(?:过|了|个)?[^,。!?;]{{0,3}}(?:敲诈|勒索|讹|职业)"
        for when in ("昨天", "前天", "刚才", "刚", "经常", "最近", "你们")
    )
    # 「群里有人发的」, 「你们也遇到过这种吗」.
    + r"|(?:有人|别人|朋友|网上)[^,。!?;]{0,3}发(?:给我|出来)?的(?=[,。!?;:给转赔打不要\d])"
    + r"|你们(?:是不是|有没有)?也?(?:遇|碰)[到上]过?[^,。!?;]{0,2}"
    + r"[这那]种(?:人|买家|情况)?[的吗么?]?(?=$|[,。!?;])"
    # Made up for a lesson or a study, and asked about.
    + r"|课作业|课程作业|作业(?:用|需要|题|素材|里|做|:)|论文(?:用|需要|题|素材|里|做|:)"
    # 「网上看到有人…」, 「那种要钱的」, 「我弟也遇到过,…」: told of somebody who did.
    + r"|看到有人|听说有人|刷到有人|碰到有人|那种(?:要钱|敲|讹|骗)|后来报警"
    + "".join(rf"|{who}[^,。!?;]{{0,6}}到处" for who in ("他", "那人", "对方"))
    + "".join(rf"|{whose}[^,。!?;]{{0,3}}也?(?:遇|碰)[到上]过" for whose in "我那这")
    + "".join(rf"|{said}[^,。!?;]{{0,6}}[是像]职业打假" for said in "说是")
)
# 「买家:给我200,不然差评 客服:不可以」 is a conversation of others, told with their parts.
_BUYER, _SHOP = r"(?:买家|顾客|客户)", r"(?:客服|[卖商店]家)"
_TRANSCRIPT = re.compile(rf"{_BUYER}:.{{2,200}}?{_SHOP}:|{_SHOP}:.{{2,200}}?{_BUYER}:", re.S)
_SAID = re.compile(r"\w")
_QUOTED = re.compile(r"[“「『][^”」』]{6,}[”」』]|\"[^\"]{6,}\"")
_DENIED = re.compile(
    r"(?:不是|没有|不会|不想|不要|不用|不需要|不打算|不愿意?|没想|没打算|无需|从不|从没|(?<!要)不|没|别|勿|未|免|无)"
    r"(?:再|去|给|给你们?|打|写|留|主动|恶意|轻易|随便|真的|真|想|要|来|任何|什么|遇到|碰到|收到|参与|参加){0,2}$"
)
# 「给红包就不差评」 announces by denying, and so does 「给我500,不给差评」.
_ON_CONDITION = re.compile(
    r"(?:就|才|便|保证|可以|马上)不.{0,3}$"
    r"|(?<![退还赔])[给转打发v]我?(?:\d{1,6}|[一二两三四五六七八九十百千万]{1,5})(?:元|块钱?|红包)?,?不给?$"
)
_WITHHELD = re.compile(r"不(?:给|赔|转|打|出|拿|发|付|肯|愿意?)(?:给|我|钱|个|出|发|包|转){0,2}$")
# 「红包我不要」 denies behind, 「给我500我也要投诉」 and 「就算赔我」 want nothing,
# 「给200块让我删差评」 and 「200就想解决?」 were offered.
_NOT_WANTED = re.compile(
    r"我?(?:就|也|才)?(?:不要|不需要|不稀罕|不用|不收|不接受|不同意)(?![太多少低小给])"
    r"|(?:钱|红包|,)?(?:我|老子)?[也都](?:不|没|要|会|得|照)"
    r"|[^,。!?;]{0,4},?(?:让|叫|求|劝|要求|请)(?:我|咱)"
    r"|[^,。!?;]{0,3}(?:就?想(?:解决|打发|了事|摆平|私了)|打发|算什么|就完了)"
)
# 「就算你赔我」, 「不要给我发」, 「不是要你那」, 「才赔我」.
_CONCEDED = re.compile(
    r"(?:就算|哪怕|即使|即便)[^,。!?;]{0,6}$"
    r"|(?:才|只|仅)(?:肯|愿意?)?(?:给|赔|补偿?|退|返|发)(?:给|了|我){0,3}$"
    r"|(?:不是|不要|不用|不需要|无需|别)(?:再|去|给|你们?|我|那|这|要|发|转|打|任何|什么){1,5}$"
    r"|(?:不会|不可能)[^,。!?;]{0,3}因为[^,。!?;]{0,5}$|[搞做][^,。!?;]{0,2}$"
)
# 「拒收的话我赔你50」, 「给您发红包,帮我改个地址」: the buyer would pay.
_OFFERED = re.compile(
    r"(?:^|[,。!?;]|[我俺咱]们?)(?:可以|愿意|会|再|来|先|就|另外|微信|支付宝){0,3}"
    r"(?:(?:赔|补|转|打|发|付|包)[偿款账]?给?|给)[你您](?:们|家|店)?(?:赔|补|转|打|发|付|包)?[偿款账个点]?$"
)
# 「谢谢你们的50元」 was given, unless something is threatened with behind it or the thanks come first.
_THANKED = re.compile(
    r"(?<!先)(?<!提前)(?:谢谢?|感谢)(?:了|你们?|您|店家?|[商卖]家|老板|的|送|赠|补偿?|返|发|给){0,4}$"
)
# 「微信转账可以吗」 asks how to pay, 「给我微信转账可以吗」 does not.
_HOW_TO_PAY = re.compile(r"(给[你您])|(?:可以|行|能行?|方便)[吗么嘛不]")
_TO_ME = re.compile(r"[给到]我|你们?[^,。!?;]{0,4}$")
# 「500,微信转账行吗,不然差评」, 「差评还是500」: this is no thanks and no question. A refusal is no such
# threat, for who cannot pay cannot take the parcel.
_OR_ELSE = re.compile(
    r"(?:否则|不然|要不|不[转给付打赔发])[^。!?;]{0,8}(?:差评|中评|投诉|举报|曝光)"
    r"|(?:差评|中评|投诉|举报|曝光)[^。!?;]{0,6}(?:还是|要么|或者)"
)
# 「给我发了50」 was given, but 「转了500我就撤投诉」 is to be.
_GIVEN = re.compile(r"[给赔补发转打]了$")
_ON_RECEIPT = re.compile(
    r"(?:的?红包|钱|,)?我?就(?:撤|删|改|不(?:投诉|举报|差评|给差评))(?![^,。!?;]{0,5}了)"
)
_NO_MATTER = re.compile(r".{0,2}?(?:也|都|没关系|无所谓|算了|没事)")
# 「今晚八点以前,投诉还是500」 sets a time.
_PAST_BEFORE = re.compile(
    r"(?:已经?|曾经?|刚刚?|(?<![点天晚班午半夜号日])(?<!周.)[之以]前|上次|上回|那次|昨天|前天|去年|当时|多次|几次)(?:去|打|给)?.{0,2}$"
)
_PAST_AFTER = re.compile(
    r"过(?![来去户])|了(?!事|结)|无果|未果|没用|没人|无门|之后|以后|后(?!果)|得到|处理"
)
# Who tells of having been insulted quotes: whatever foul stands behind that in the sentence.
_INSULTED = re.compile(
    r"(?:骂|侮辱|羞辱|诅咒)(?:了|过)?(?:我|客|顾|买家|消费)|(?:客服|[商卖店]家|老板|店主|掌柜).{0,6}骂人|对(?:我|客|顾|买家).{0,3}爆粗"
    r"|原话|聊天记录|回复?我|说我"
)
# 「我真是脑子进水了」 is said of oneself.
_OF_ONESELF = re.compile(
    r"(?:我|本人|自己)(?:们|家)?(?:真|真的|才|就|就是|是|真是|也|都|当初|当时|简直|像|个|这个|这种|一定|肯定|估计|怕是|那时|的){0,3}$"
)
_ABUSE_REPORTED = re.compile(
    r"(?:骂|说|喊|叫|嘲笑|形容|当)(?:了|我们?|人家?|客人|顾客|别人|成|作|是){1,3}[^,。!?;]{0,4}$"
)


def sentence(folded: str, start: int, end: int) -> tuple[int, int]:
    """The bounds of the sentence around a span, without its punctuation, and not far beyond the span."""
    begin, stop = max(0, start - _FAR), min(len(folded), end + _FAR)
    for mark in SENTENCE_END.finditer(folded, begin, start):
        begin = mark.end()
    after = SENTENCE_END.search(folded, end, stop)
    return begin, after.start() if after else stop


def is_reported(folded: str, start: int, end: int) -> bool:
    """Whether somebody else said it, or the sentence accuses somebody of threats."""
    begin, stop = sentence(folded, start, end)
    if _ACCUSES.search(folded, begin, stop) or _is_quoted(folded, start, end):
        return True
    if ":" in folded and _TRANSCRIPT.search(folded):
        return True
    reported = _REPORTED.search(folded[max(begin, start - _LOOK_BACK) : start])
    return reported is not None and _FIRST_PERSON.search(reported[1]) is None


def _is_quoted(folded: str, start: int, end: int) -> bool:
    """Whether it is part of words in quotation marks; a word or two between them are only stressed."""
    quotes = _QUOTED.finditer(folded, max(0, start - _FAR), min(len(folded), end + _FAR))
    # A message that is quoted whole quotes nobody.
    return any(
        quote.start() < start
        and end < quote.end()
        and (_SAID.search(folded, 0, quote.start()) or _SAID.search(folded, quote.end()))
        is not None
        for quote in quotes
    )


def is_denied(folded: str, start: int) -> bool:
    """Whether the words just before deny it, and not on condition."""
    before = folded[max(0, start - 10) : start]
    return _DENIED.search(before) is not None and _ON_CONDITION.search(before) is None


def is_past(folded: str, start: int, end: int) -> bool:
    """Whether it happened already: told as a story, not announced."""
    if _PAST_BEFORE.search(folded[max(0, start - 8) : start]):
        return True
    # 「就不投诉了」 announces what stops, and tells no story.
    is_announced = _ON_CONDITION.search(folded[max(0, start - 10) : start]) is not None
    return not is_announced and _PAST_AFTER.match(folded, end) is not None


def is_meant(folded: str, start: int, end: int) -> bool:
    """Whether the writer announces it, here and now."""
    return not (
        is_denied(folded, start) or is_past(folded, start, end) or is_reported(folded, start, end)
    )


def is_demanded(folded: str, start: int, end: int) -> bool:
    """Whether the writer wants it: as `is_meant`, but 「不给红包」 is how a demand is repeated."""
    # 「不返现」 says as much as 「不给返现」; 「不要返现」 does not.
    is_withheld = _WITHHELD.search(folded[max(0, start - 6) : start]) or (
        folded.startswith("不返", start - 1) and not _NO_MATTER.match(folded, end)
    )
    if not is_withheld and (is_denied(folded, start) or _is_unwanted(folded, start, end)):
        return False
    return not (is_past(folded, start, end) or is_reported(folded, start, end))


def _is_unwanted(folded: str, start: int, end: int) -> bool:
    """Whether the writer says of it that nothing is to come of it, or that the shop offered it."""
    before = folded[max(0, start - 10) : start]
    return (
        _NOT_WANTED.match(folded, end) is not None
        or _CONCEDED.search(before) is not None
        or _OFFERED.search(folded[max(0, start - 16) : start]) is not None
        or _gives_thanks(folded, start, end)
        or _asks_how_to_pay(folded, start, end)
        or (_GIVEN.search(before) is not None and _ON_RECEIPT.match(folded, end) is None)
    )


def _gives_thanks(folded: str, start: int, end: int) -> bool:
    return (
        _THANKED.search(folded[max(0, start - 16) : start]) is not None
        and _OR_ELSE.search(folded, end, end + _LOOK_BACK) is None
    )


def _asks_how_to_pay(folded: str, start: int, end: int) -> bool:
    asked = _HOW_TO_PAY.match(folded, end)
    if asked is None or not folded.endswith(("转账", "宝转"), start, end):
        return False
    if _TO_ME.search(folded[max(0, start - 6) : start]) is not None:
        return False
    is_to_the_shop = asked[1] is not None
    return is_to_the_shop or (
        _OR_ELSE.search(folded, max(0, start - _LOOK_BACK), end + _LOOK_BACK) is None
    )


def is_quoted_abuse(folded: str, start: int) -> bool:
    """Whether an insult is told as somebody else's, 「服务员骂我傻逼」, or said of oneself."""
    before = folded[max(0, start - 10) : start]
    if _ABUSE_REPORTED.search(before) or _OF_ONESELF.search(before):
        return True
    begin, _ = sentence(folded, start, start)
    return _INSULTED.search(folded, begin, start) is not None
