"""What ties a gain to a harm: what follows if nothing is given, a choice, or what is let go of.

What a newcomer gets wrong: 不 and 就 stand in every other message. Beside a harm that is named any tie will
do, beside one that is only hinted at none but those that leave no doubt.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from streams.detect.text.lexicon import Hit

# What ties them may stand so far before the first or behind the last.
BESIDE = 16
_GIVE = (
    "给发转打汇付赔掏拿出送寄返退补交还续充塞免分畀封搞弄整谈表赏凑买缴回选来过见行停捐懂肯愿理"
    "升借咨赞润派让收安签到v"
)
# Said of giving in other words.
_UNLESS_SAID = (
    r"|没有[?,]|不是[?,]|不想[?,]|舍不得|小气|抠|嫌贵|谈不拢|拒绝|敢说不|装(?:死|傻|没)"
    r"|再拖|别开口|过时不候|过了今|等你.{0,2}分钟|硬气|逾期|为难|不便|时间到|过期|数到|若(?:无|不)|如(?:不|无|若|贵)|除非|不把|倒数|倒计时|最后.{1,4}[分点]|晚一[分秒]"
)
# 「不转」, 「没有红包的话」, 「意思不到」, 「过时不候」: what follows if nothing is given.
_UNLESS = (
    # Each alternative begins with a character of its own, for those the engine finds at once.
    "|".join(
        rf"{no}(?![给肯能让]{{0,2}}退)(?:[^,。!?;\s]{{0,3}}?)(?:[{_GIVE}]|答应|方便|同意|识做|意思|进|缴|入会|表态|吭声|信邪)(?![评了])"
        for no in ("不", "没有?", "冇", "唔", "勿", "未", "莫", "别")
    )
    + "".join(
        rf"|{no}(?:的话|红包|心意|诚意|表示|钱|利是|就|那|\d|动静)"
        for no in (
            "没有?",
            "冇",
            "少了",
            "不够",
            "低于",
            "不到",
            "收不到",
            "没收到",
            "没到账",
            "见不到",
        )
    )
    + "".join(rf"|{when}[^,。!?;]{{0,8}}(?:转|打|汇|付|到账|给我|充)|{when}未" for when in "前内")
    + _UNLESS_SAID
)
# 「不退我就投诉」 waits for a refund: no bargain, unless nothing is wrong.
_NO_REFUND = re.compile(r"(?:不|没)[给肯能让]{0,2}退")
# 「不然换别家」, 「不然赶不上生日」: what follows then befalls the buyer alone.
_HARMLESS = (
    r"(?:[我俺咱]们?|只好|只能|就|又|要|我妈|他){0,3}(?:[换找去].{0,2}(?:别|其他|另)|别家|其他家"
    r"|不买|不要了|退货|过期|来不及|赶不上|用不了|不放心|再想想|再考虑)"
)
# Or else, by way of a choice, and by what people say who leave the rest unsaid.
_OR_ELSE = (
    rf"否则(?!{_HARMLESS})|不然(?!{_HARMLESS})|要不(?!要)(?!{_HARMLESS})"
    r"|给少了|定少了|出少了|开低了|勿然|唔系我|要么|还是|再不(?!退)|或者|二选一|后果|等着|等住|别怪|莫怪|休怪|掂量|看着办|自己算|算算|会算|乖乖|斟酌"
    r"|想清楚|想想|谂清楚|你选|选吧|选一个|两个方案|后悔|考虑|信不信|受得了|识相|懂事|懂的|懂规矩|懂我|你懂|劝你|看你|看诚意|就看|总好过|免得|省得|省点事|不想就"
    r"|大家方便|大家都好|只能|只好|也好|你损失|=|多少钱|值多少|由你|随你|试试|想不想|打听|挑一个|你挑|哪边|走哪个|两条路|划算|你拣|自己评估|想被|逼我|你说了算|你(?:来)?定|少一分|不(?:算)?(?:过分|多|贵)[吧吗嘛]|难[吗嘛]|合适吧|换(?:成|来|我|一?[条个])|懂[?了吧]|聊聊|说好听|怎么样"
    r"|想(?!要)[^,。!?;]{1,14}(?:就|的话)|不想(?:[被让看上学再收吃丢]|店|楼)[^,。!?;]{1,14},|要我(?:删|撤|停|闭嘴|改|收手)|让我(?:删|撤|停|闭嘴|改|收手)|要[删撤停]|这个价|老规矩|良心价|友情价|大家开心|交个朋友|一过(?!来)|截止|不如|可大可小|公平|没[^,。!?;]{1,3}就|,我(?:就|马上|立马|立刻|把|帮你|保证|全)|你给[^,。!?;]{1,6}我|过去了|给了[^,。!?;]{0,4}(?:换|走|删|撤|停|不|忘)|到账了[^,。!?;]{0,4}(?:换|走|删|撤|停|不|忘)|帮帮忙|勿投|唔投|想下来|想(?:消|撤)|没得商量|不例外|谈妥|谈不妥|不聊|留下|散了|做朋友|海阔天空|机会|之后[^,。!?;]{0,4}(?:差|投|举)|给你到|惹毛|或(?!许|者)|一句话|一个电话|一个准|分分钟|只收|你赚|自然[^,。!?;]{0,3}没"
)
_TIE = re.compile(f"{_UNLESS}|{_OR_ELSE}")
# Those that leave no doubt: all that a mere hint of harm has on its side.
_FIRM_TIE = re.compile(
    r"(?:不|没|冇|唔|勿|未)[^,。!?;\s]{0,1}(?:给|发|转|汇|付|掏|拿|送|寄|返|充|交|升|免|借|续|买|打(?![分开折])|到位|到(?![货家])|过来|合作|赞助|肯|同意|答应|表示|到账|识做)(?![评了货])|意思不到|相安无事|烂肚|外传|不揭|没看[见到]|闭嘴|除非|唔系|嘴就|失忆|诚意|没有的话|过时不候"
    rf"|(?:否则|不然|要不(?!要))(?!{_HARMLESS})"
    r"|勿然|要么|再不(?!退)|二选一|懂的|懂规矩|你懂|掂量|你选|选吧|或者|还是|逼我|试试|好看|就(?:不(?![买换要拿拍])|删|撤|当没)|舍不得|谈不拢|收不到|没有我就|不理|看着办|自己算|后果自负"
    r"|我就(?:发|写|去|打|点|上|找|说|告|继续|天天|直接)"
)
# What the buyer lets go of once it is given. Beside a mere hint of harm that is too little.
_LET_GO = re.compile(
    r"就(?:不|改|算|当|取消|收|停|忘|没事|走)|我就?(?:不|改|取消|闭|忘|啥也不|也不)|俺就?(?:不|改|取消|闭|忘|啥也不|也不)"
    r"|删|撤|两清|各走|当没|好聚好散|翻篇|闭嘴|高抬贵手|消停|收手|停手|放过|清净|不动你|不搞|换.{0,3}[星消]|不投|不举报|不去|保你|了结|压下来|划掉|免打扰|反水|不存在"
    r"|相安无事|闭麦|烂肚|外传|不揭|没看[见到]|守口|嘴就?[严紧]|口就?[严紧]|失忆|不知道|不记得|保[你证]|绕[道开]|换.?一家|下.?一家|免谈|没差评|推了|不接|太平|作废|既往不咎|一笔勾销|井水不犯|皆大欢喜|和气生财|要停|消失"
)
# Money of which everybody knows what it is for needs no tie beside a harm that is named.
_HUSH = re.compile(
    r"封口|封嘴|闭嘴|茶水|茶钱|烟钱|烟酒|保密|咨询费|公关|买断|顾问|撤诉费|撤单费|删[稿除]费|保护费|消灾|孝敬|进贡|上供|愉悦|合作[费金]|好处|守护|买个?(?:平安|清净)|保平安|活动经费|诚意金|意思意思|取消费|油水|[三四五]位数"
)


def ties(folded: str, is_flawless: bool) -> list[tuple[int, int]]:
    """Where something ties a gain to a harm that is named; a refund does only if nothing is wrong."""
    patterns = (_TIE, _LET_GO, _NO_REFUND) if is_flawless else (_TIE, _LET_GO)
    return [tie.span() for pattern in patterns for tie in pattern.finditer(folded)]


def are_tied(folded: str, harm: Hit, gain: Hit, tied: Sequence[tuple[int, int]]) -> bool:
    """Whether something about the two says that one comes if the other does not."""
    start, end = min(harm.start, gain.start) - BESIDE, max(harm.end, gain.end) + BESIDE
    if harm.code.startswith("hint."):
        # What the lists found is often a claim; a hint is too little beside that.
        if gain.code.startswith("demand.") and gain.code != "demand.money":
            return False
        return _FIRM_TIE.search(folded, max(0, start), end) is not None
    if gain.code.startswith("gain.money") and _HUSH.search(folded, gain.start, gain.end + 2):
        return True
    return any(start <= first and last <= end for first, last in tied)
