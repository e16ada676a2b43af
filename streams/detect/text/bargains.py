"""Bargains under a threat: what a shop is to give so that something does not befall it, in any words.

The lists of extortion.py hold words that say enough by themselves. Most extortion is put in ordinary
words, of which none says anything alone; only a harm, a gain and what ties them do.
What a newcomer gets wrong: honest messages are full of all three. What is wrong with the goods, what
others did, quotations and prices speak against it, and each of them ends the search.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from streams.detect.text import mischief
from streams.detect.text.amounts import MAX_AMOUNTS, Amount, amounts
from streams.detect.text.context import is_demanded, is_reported
from streams.detect.text.extortion import CLAIM, OWN_MONEY, haggles, is_small_change
from streams.detect.text.lexicon import Hit, unmasked
from streams.detect.text.sums import is_asked_for, is_compensation, is_outright
from streams.detect.text.ties import BESIDE, are_tied, ties

# In a long message the parts must stand together.
_NEAR = 60
# So many of each are put together: 8,000 characters hold hundreds.
_MOST_OF_A_KIND = 12
# What is wrong with goods or parcel, beyond the reasons of extortion.py: a claim, whatever else is said.
_FAULT = re.compile(
    r"[不没]给换|没用|扁|关不|歪|晃|臭|疹|红了一?片|用不|激活码|不震|尺寸(?!.{0,2}合适)|湿(?!哒哒的)|松了|毛边|脱|粘|(?<!货)潮|二手的?[^,。]{0,4}(?:给我|发)"
    r"|少[^,。!?;]{0,2}[斤两克]|充[^,。!?;]{0,6}[没未]到"
    r"|药膏|看病|[返维]?修(?!改)|裁缝|电工|返工|搬(?!砖)|不准|轮子|掉了?[一两几\d][只个颗]|工期|客人都走|颜色(?!.{0,2}[好对])|味道不对|不对版|拖到|晚到|自己去|疤|称了|实测|检测"
)
# Who says that nothing is wrong has no claim, and no refund either.
_NO_FAULT = re.compile(
    r"没(?:有)?(?:任何|什么|啥)?(?:毛病|问题)|货[也都]?没[坏错]|(?:东西|货|质量)[^,。!?;]{0,3}(?:不错|很?好|挺好|满意)|很满意|没啥理由|不是质量"
)
# Praise says as much, unless a fault follows: 「裙子很好看,就是破了个洞」.
_PRAISE = re.compile(
    r"(?:挺|很|蛮|非常|特别)(?:好(?![多久像几])|不错|舒服|喜欢|满意|香|开心)|没问题哈|好好的|是真的我知道"
)
# What is one's own and was not handed out: sums that were paid, earned, won or lent, and pictures.
_OWED = re.compile(
    r"回收|换新|国补|转回|还没[付结]|没结|砍单|抢到|积分[^,。!?;]{0,4}[兑换没不]|提现|兑换|充的(?!话)|(?<!删)稿费|货款|工资|尾款|付了?定金|定金[^,。!?;]{0,6}退|[用盗]了?我[^,。!?;]{0,4}(?:照片|图|作品)"
)
# Told of others, or made up.
_STORY = re.compile(
    r"(?<![会就有天])有人(?!找|托|请|出|会)|有个(?:人|买家|客人)|[这那]种(?:人|买家)|(?:朋友|同事|邻居|老婆|老公|我[妈爸弟姐哥]|闺蜜|儿子|女儿|财务|学校|公司|单位)(?!规定,规定).{0,6}(?:问|非|要求|规定)|(?:前男友|前女友|前任|同学|教练|房东|师傅)[^,。!?;]{0,4}(?:说|让|叫|要)|不[给转发]他|你(?:可以|直接)(?:打|投诉|举报)"
    r"|人家(?!当|托|罚)|快递员?说|骑手|师傅|驿站|短信|冒充|骗子(?!店|曝光|群|.?(?:两个字|[挂贴]))|诈骗|作业|论文|段子|剧本|小说|电影|新闻(?!再)|听说|公告|你们客服(?!态度|骂|回|慢|把)|客服(?:说|让|答应)|主播说|弹窗|打[个波]?广告|闹着玩"
    r"|之前那家|上次(?:那家|给我)|谢谢?(?:了|你们|您)的|问我要|找我说|不至于|良心(?!价)|万一|遇到过|(?<!想)被(?:人(?!拍)|职业|敲|讹|骗)"
)
# Who offers work or asks for a price names what else only hints at harm: 抖音, 视频, 测评.
_BUSINESS = re.compile(
    r"不(?:合作|方便|可以|行|能|接受)?也(?:没关系|没事|行|可以|理解)|够[吗不么]|怎么(?:收费|合作)|[要是]多少钱|收费标准|寄样|样品|我就不买|去[他别]家"
)
# 「转五百,不转我就…」 is said to somebody's face. A word of thanks or of couriers does not excuse it; that
# somebody tells of others does.
_TO_THE_FACE = re.compile(
    r"[^,。!?;]{0,4}[,。!?;]?\s?不[给转打发付汇掏拿v](?:的话|钱|我)?,?(?:就|马上|今晚|明[天早]|后天|立刻|直接){0,2}(?:[我俺](?!就?(?:不买|去[他别]家))|老子|让你|把你|\w{1,4}见)"
)
_TOLD_OF = re.compile(
    r"有人|有个|[这那]种|人家|冒充|骗子|诈骗|听说|新闻(?:里|上|说)|遇到|那家|上次|被(?:人|敲|讹|骗)|说好|答应(?:了|过)|(?:客服|主播)[说让答]"
)
# What the shop said that it would give may be claimed.
_PROMISED = re.compile(
    r"说好|(?<!不)答应(?:了|过|我|的)|(?<!本人)(?<!违背)(?<![我们])承诺|卡片|兑现|(?:明明|页面|(?<!评价)[上里礼])写[着的]|中奖了?(?:说|送|[^,。!?;]{0,3}没)|抽[中到]"
)
# 「不给也行」, and nothing more.
_TAKES_NO = re.compile(r"不[^,。!?;]{0,3}也(?:行|可以|没关系|没事)[^\w]*\w?[^\w]*$")
# 「不给明天小红书见」; 「不给发票」 and 「不给换」 refuse something else.
_REFUSED = re.compile(
    r"(?:不|没|冇|唔|勿)(?:给|转|v|掏|充|汇|畀|拨|交|拿|表示|意思意思)(?:钱|(?:的话|我|,|\s)*(?:我?就|咱|明[天早]|今晚|后天|等着|看|后果|那就?))"
)
# 「赔我十块红包」.
_AS_COMPENSATION = re.compile(r"[赔补退]")
_SETTLING = ("私", "和解", "要钱")
_I_DID = re.compile(r"我(?:已经|都|刚|也)?$")
# 「我不会给差评的」, but not 「不V差评」: whoever sells not doing it says so.
_DENIED = re.compile(
    r"(?:不会|从来不|从不|没有?|不想(?![被让看])|不打算|不是|不值得|不至于|不敢|不忍|懒得|无需|谁说)[^,。!?;就]{0,4}$"
)
# 「不想上电视,拿五千」, but not 「我不想投诉」.
_TO_AVOID = re.compile(r"(?<![我俺])(?<!我[也真])不想[^,。!?;]{0,4}$")
_OR_PAY = re.compile(r"[^,。!?;]{0,8}(?:[,就]|的话)")


def bargain(
    folded: str, hits: Sequence[Hit], has_reason: bool, meant: Sequence[Hit] = ()
) -> tuple[list[Hit], int]:
    """The threats and demands that make a bargain together, and the largest sum asked for, in fen.

    `has_reason` is whether the buyer says what is wrong or what a rule says; `meant` what the lists found.
    Half a bargain, 「转三百」 or 「不给明天小红书见」, is that half: its other one may be another message.
    Cost: a few microseconds for a message in which nothing is wanted.
    """
    if OWN_MONEY.search(folded):
        return [], 0
    is_flawless = _NO_FAULT.search(folded) is not None
    if not is_flawless:
        if has_reason or _has_fault(folded) or _OWED.search(folded):
            return [], 0
        is_flawless = _PRAISE.search(folded) is not None
    found = list(islice(amounts(folded), MAX_AMOUNTS))
    sums = [
        amount
        for amount in found
        if is_asked_for(folded, amount, is_flawless)
        and is_demanded(folded, amount.start, amount.end)
    ][:_MOST_OF_A_KIND]
    gains = _gains(folded, hits)
    said = [hit for hit in meant if hit.code.startswith("demand.")]
    if not (gains or sums or said or _REFUSED.search(folded)):
        return [], 0
    is_to_the_face = any(_TO_THE_FACE.match(folded, amount.end) for amount in found)
    if _is_told(folded, is_to_the_face) or _TAKES_NO.search(folded):
        return [], 0
    harms = _harms(folded, hits, meant, is_to_the_face)
    if not harms:
        return _outright(folded, sums)
    if not (gains or sums or said):
        return _threats(_if_refused(folded, harms)), 0
    gains = [hit for hit in gains if _is_near(harms, hit.start, hit.end)]
    sums = [amount for amount in sums if _is_near(harms, amount.start, amount.end)]
    asked = _asked(folded, sums, is_flawless)
    tied = ties(folded, is_flawless)
    wanted = [*gains, *asked, *said]
    harms = [harm for harm in harms if any(are_tied(folded, harm, gain, tied) for gain in wanted)]
    if not harms:
        return [], 0
    demands = [
        hit._replace(code="demand.money" if hit.code == "gain.money" else "demand.soft")
        for hit in gains
    ]
    return [*_threats(harms), *demands, *asked], max((amount.fen for amount in sums), default=0)


def _gains(folded: str, hits: Sequence[Hit]) -> list[Hit]:
    """What is wanted beside sums, by the lists and by frames."""
    named = unmasked(hits, "gain.", "mask.demand")
    named += islice(mischief.gains(folded), _MOST_OF_A_KIND)
    return [hit for hit in named if _is_wanted(folded, hit)][:_MOST_OF_A_KIND]


def _harms(
    folded: str, hits: Sequence[Hit], meant: Sequence[Hit], is_to_the_face: bool
) -> list[Hit]:
    """What is announced to befall the shop, by the lists and by frames."""
    named = [hit for family in ("harm.", "hint.") for hit in unmasked(hits, family, "mask.threat")]
    spans = {(hit.start, hit.end) for hit in named if hit.code.startswith("harm.")}
    named += [
        hit for hit in meant if hit.code.startswith("threat.") and (hit.start, hit.end) not in spans
    ]
    named += islice(mischief.harms(folded), _MOST_OF_A_KIND)
    return _announced(folded, named, is_to_the_face)


def _threats(harms: Sequence[Hit]) -> list[Hit]:
    return [hit._replace(code=f"threat.{hit.code.partition('.')[2]}") for hit in harms]


def _asked(folded: str, sums: Sequence[Amount], is_flawless: bool) -> list[Hit]:
    """The sums as demands: a claim at most where they are small change or on top of a refund."""
    is_small = is_small_change(sums)
    return [
        Hit(
            CLAIM
            if is_small or (not is_flawless and is_compensation(folded, amount.start))
            else "demand.money",
            amount.start,
            amount.end,
        )
        for amount in sums
    ]


def _outright(folded: str, sums: Sequence[Amount]) -> tuple[list[Hit], int]:
    """The sums that are wanted outright where no harm is named: half of a bargain."""
    wanted = [amount for amount in sums if is_outright(folded, amount)]
    found = [Hit("demand.money", amount.start, amount.end) for amount in wanted]
    return found, max((amount.fen for amount in wanted), default=0)


def _if_refused(folded: str, harms: Sequence[Hit]) -> list[Hit]:
    """The harms that follow if no money is given: the other half."""
    refused = _REFUSED.search(folded)
    return [
        hit
        for hit in harms
        if refused is not None
        and not hit.code.startswith("hint.")
        and hit.end > refused.start()
        and hit.start - refused.end() <= BESIDE
    ]


def _has_fault(folded: str) -> bool:
    return any(not mischief.is_lie(folded, fault.start()) for fault in _FAULT.finditer(folded))


def _announced(folded: str, harms: Sequence[Hit], is_to_the_face: bool) -> list[Hit]:
    """The harms that are meant; hints only where nothing says more, and not of who offers work."""
    firm = (hit for hit in harms if not hit.code.startswith("hint.") and _is_meant(folded, hit))
    if named := list(islice(firm, _MOST_OF_A_KIND)):
        return named
    if not is_to_the_face and _BUSINESS.search(folded):
        return []
    hints = (hit for hit in harms if hit.code.startswith("hint.") and _is_meant(folded, hit))
    return list(islice(hints, _MOST_OF_A_KIND))


def _is_meant(folded: str, harm: Hit) -> bool:
    """Whether the writer announces a harm; 「我评价了」 hints at nothing any more."""
    start, end = harm.start, harm.end
    if (
        harm.code.startswith("hint.")
        and folded.startswith("了", end)
        and _I_DID.search(folded[max(0, start - 4) : start])
    ):
        return False
    before = folded[max(0, start - 9) : start]
    if _DENIED.search(before) and not (_TO_AVOID.search(before) and _OR_PAY.match(folded, end)):
        return False
    return not is_reported(folded, start, end)


def _is_told(folded: str, is_to_the_face: bool) -> bool:
    """Whether the message tells of others or of what was promised, and says it to nobody's face."""
    if not (_STORY.search(folded) or _PROMISED.search(folded)):
        return False
    return _TOLD_OF.search(folded) is not None or not is_to_the_face


def _is_wanted(folded: str, gain: Hit) -> bool:
    """As `is_demanded`; 「不出点血」 says what is wanted as well, but 「不私了」 wants nothing."""
    start, end = gain.start, gain.end
    if haggles(folded, start, end, back=16) or _AS_COMPENSATION.search(
        folded, max(0, start - 6), start
    ):
        return False
    if folded.endswith("不", 0, start) and not folded.startswith(_SETTLING, start):
        return not is_reported(folded, start, end)
    return is_demanded(folded, start, end)


def _is_near(harms: Sequence[Hit], start: int, end: int) -> bool:
    return any(max(hit.start, start) - min(hit.end, end) <= _NEAR for hit in harms)
