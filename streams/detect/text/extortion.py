"""Threats and demands: which of their words are meant, and for how much.

What a newcomer gets wrong: most numbers beside 赔 and 投诉 are refunds, freight, or the price of what
broke. Only what a buyer has no claim to is a demand for money; what a law, a rule or a promise of the
shop may grant is asked for by honest people too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import Final

from streams.detect.text.amounts import MAX_AMOUNTS, Amount, amounts
from streams.detect.text.context import is_demanded, is_denied, is_meant
from streams.detect.text.lexicon import Hit, unmasked
from streams.detect.text.mischief import is_lie

# 「两样也就算了」: a small number without a unit counts things, not money.
_SMALLEST_BARE_FEN = 1000
_DEMANDS_BEFORE = re.compile(
    r"(?:给我|赔我|转我|打我|发我|付我|不[给赔转拿出]|要你们?|拿出?|索赔|赔偿|补偿|赔|打款|转账|红包)"
    r"(?:给?我|个|你|至少|最少|:|转|打|发|付|包){0,2}$"
)
_DEMANDS_AFTER = re.compile(
    r".{0,3}?(?:(?<![不没未])解决(?!不)|私了|了事|摆平|搞定|了结|算了|封口|不然|否则|就撤|就删|就改|我撤|我删|我改|就不投诉|就不举报|就不差评|就不给差评)"
    r"|(?:的|个)?红包|[转打汇][到给]我|来(?:解决|私了|,|。|!|$)"
    # 「300块,不给就差评」, 「给200删差评」; what the shop pays for is 「让我删」.
    r"|[钱,]?(?:我|就){0,2}(?:不[给赔转拿](?:钱|我)?(?:就|的话|[,。!]|$)|删(?:差评|中评|评|掉)|改(?:好评|评价)|撤(?:诉|销|投诉))"
)
# S3 「泄露我信息,2000解决,拒绝开发票600元」: who prices a breach of the rules threatens to complain about it.
_BREACH = re.compile(r"泄[露漏]了?我的?(?:个人)?(?:信息|隐私|资料)|拒绝开(?:具)?发?票")
_SETTLED = re.compile(r"\s?(?:来|就)?(?:解决(?!不)|私了|了事|摆平)")
_SAME_BREATH = 20
# 「转500给我」, 「打2000到我卡上」; 「转了500给我」 is past.
_SENT_BEFORE, _SENT_AFTER = re.compile(r"[转打汇](?:账|款|个)?$"), re.compile(r"[到给进]我")
# 「给我500元的那款」: what goods are asked for.
IS_PRICE = re.compile(r"的(?:那|这|款|发?票|型号|套餐|尺|颜色|货|东西|商品|产品|订?单)")
# Money that goes back, that goods and parcels cost, or that the shop owes: haggling, no extortion (N05, N06).
_HAGGLES = re.compile(
    r"退|差价|差额|降价|运费|邮费|快递费|补差|邮资|优惠|满减|打折|折扣|原价|价格|定价|便宜|买的|付了|花了|欠|换货|补发|押金|定金|尾款"
    r"|[给能]换|多收|扣了?我|差我|还给?我|返还|满\d|抽奖|中奖"
)
# One's own money that the shop has: for goods that went back, orders that came to nothing, what was paid
# twice, laid out or kept as a pledge, and reductions that were not made.
OWN_MONEY = re.compile(
    r"(?:退的?货|退回|寄回|退了)[^。!?;]{0,8}(?:签收|收到了|[\d一两三四五六七八九十]+天|到了|不退)"
    r"|[钱款][都也]?(?:还没|没)退|拼[团单][^,。!?;]{0,4}(?:失败|没成|未成|没拼成)"
    r"|多[付转交]了?的?\s?\d|[付转]多了|[拍付][错重](?!误)|多拍了|垫付|垫的|垫了\s?[\d一二两三四五六七八九十运邮快]|自费[^,。!?;]{0,2}寄|[报寄][^,。!?;]{0,5}快递费"
    r"|[定订]金(?!都?收了)|押金|保证金[^,。!?;]{0,4}(?:\d|退|还|给我)|没[给帮]?我?[减抵](?!肥)|没有?抵扣|(?:加|乱)收了?我|凭什么收"
    r"|(?:话费|点卡|充值|充的)[^。!?;]{0,8}(?:没到|未到|没给)|理赔|退税|估价|说下单返|(?<![太很真最相])差的\s?\d"
)
# 「退款之外」: whatever comes on top of a refund is not the refund.
_ON_TOP = re.compile(r".*(?:另外|额外|此外|外加)")
# What is wrong with goods or parcel, and what a law or a rule says of it.
_REASONS = re.compile(
    r"坏(?!话|人|心|消息|评)|碎(?<!心碎)(?<!心都碎)|破(?!财|费)|裂|漏|少(?<![至最多给定出]少)(?:发|了(?![就我])|给|寄|装|件)|缺了|缺件|缺货|发错|错发|寄错|假货|假的(?<!真假的)(?<!真的假的)|仿品|仿的|高仿|质量|瑕疵|过期(?!不|恢复|作废)|变质|不能用|用不了|开不了机|掉色|过敏|受伤|烫伤|划伤|弄丢|丢件"
    r"|划痕|开胶|脱胶|掉漆|掉毛|起球|褪色|色差|线头|开线|脱线|变形|烂的|少(?:个|颗|螺丝|配件|零件)|没送|没收到(?!\s?(?:[\d一二三四五六七八九十两百千]|钱|红包|转账|心意|就))|没有?[发寄](?<!红包还没[发寄])(?<!红包没[发寄])(?<!红包还没有[发寄])|未[发寄]|医[药疗]费"
    r"|染色|缩水|毁了|弄脏|弄湿|刮花|爆炸|自燃|起火|花死了|鱼死了|虾死了|龟死了|苗死了|树死了|猫死了|狗死了|植物死了|全死了|都死了|死了.[条只棵]|耽误|没赶上"
    r"|有个?洞|断了|断的|断成|蔫了|压扁|关不严|关不上|化了|臭了|起疹|红疹|拉稀|没芯|空的|充不进|没声音|亮点|没上楼|磕了|短了|鼓包|胀|瘪|你们取消|不准温|轮子卡|掉了[一两俩几][只个颗]|花屏|砍单|骚扰(?:电话|短信)|受潮|油渍|有[几俩两个]不亮|死蟹|别人穿|拖了.{1,4}天|短路|烧(?:了|坏)我?(?!纸|香)|没保冷"
    r"|请了?(?:[\d一两半]天)?假|爽约|白等|等了(?:一|[\d两三四五六七八九十]+)?(?:整|个)?天|没来(?:装|安装)|今天(?:都|已经?)?\d+[号日]了"
    r"|死机|一[闪卡]一[闪卡]|冒烟|全洒|都洒|没熟|还是生的|翻肚|少(?<=[^,。!?;减]少)[一二两三半几\d]+[斤两克]|做错|刻错|配错|烂掉|烂(?:一半|[了完])|前年的"
    # A contract that was not kept, insults of the shop's, and costs that a fault had.
    r"|(?:依据?|根据|按照?|违反|违背)合同|合同(?:约定|规定|第)|违约(?!金)|[延逾]期交[付货]|延迟交[付货]|孬的|无房|(?:客服|[店商卖]家|老板|你们)[^,。!?;]{0,4}骂了?[我人]"
    r"|维修费|修理费|修花了|来修|看病|病历|[都还]没(?:送来|送到|来(?=[,。!?;])|来$)"
    r"|虫(?<!虫虫)(?!虫)|塑料|钢丝|铁丝|苍蝇|蟑螂|吃出|异物|发霉|霉变|馊|头发|玻璃渣|中毒|拉肚子|吃坏|异味|甲醛|三无|货不对板|不符|不一样"
    r"|延迟发货|延误发货|超时发货|逾期发货|晚发货|迟发货|虚假发货|没按时发|不按时发|晚发必赔|未按.{0,6}发货|没有?发货|未发货|不发货"
    r"|依法|消法|保护法|安全法|电商法|法律|法规|保价|价保|买贵|按照?.{0,4}规则|规则赔|按照?.{0,4}规定|三倍|十倍|双倍|一倍|两倍|假一[赔罚]|退一[赔罚]|包赔"
)
# 「给我补50块」 for what is missing is compensation as well, and so is 「返我20元」 for what is flawed.
_COMPENSATION = re.compile(
    r"赔|补|报销|返(?!现|利|红包)|折现|医[药疗]费|误工费|自己[^,。!?;]?[买修配改换装补缝粘焊洗钻]|找人?[修补装]|修一下"
)
# 「碎了一半,转我12块」: so little for what is wrong is asked for by honest people, in whatever words.
SMALL_CHANGE_FEN = 5000
# What the shop promised itself may be claimed: 「说好返现」, 「说好的红包」.
_PROMISED = re.compile(r"说好|说过|说返|承诺|答应|写着|卡片|卡上|宣传|活动|兑现")
_PROMISED_MONEY = re.compile(
    rf"(?:{_PROMISED.pattern}|直播间?说)[^。!?;]{{0,12}}(?:返|红包|送|赔|补|免费|\d\s?(?:元|块))|免费安装[^。!?;]{{0,10}}收了"
)
_OF_PROMISE = re.compile(r"返|红包")
# 「是不是发错了」 denies nothing; 「质量怎么样」 and 「质量没问题」 find no fault.
_WHETHER = "是不是"
_NO_FAULT = re.compile(r"[都还也很挺真]?(?:不错|好|可以|没(?:什么|有)?(?:大)?问题|怎么样|如何)")
# 「重做或者给我一百五」: who would take it made good as well has a claim.
_OR_MADE_GOOD = re.compile(r"(?:重做|换|退货|修|补[发寄做])[^,。!?;]{0,6}?,?(?:或者|要么|还是)")
# Money in words of compensation, of which nothing is wrong in the same message: people chat in short ones,
# so whether it is a claim depends on what was said before. Whoever asks for `demand.money` finds it as well.
CLAIM: Final = "demand.money.claim"


def names_reason(folded: str) -> bool:
    """Whether something is said to be wrong with goods or parcel, or what a law or a rule says of it.

    What is denied (没有破) does not count; what others say does, for 「快递说破损了」 is a reason as well.
    """
    return any(
        _NO_FAULT.match(folded, hit.end()) is None
        and not is_lie(folded, hit.start())
        and (folded.endswith(_WHETHER, 0, hit.start()) or not is_denied(folded, hit.start()))
        for hit in _REASONS.finditer(folded)
    )


def tells_of_own_money(folded: str) -> bool:
    """Whether money of one's own or a promise of the shop's is told of: a small claim may rest on it."""
    return OWN_MONEY.search(folded) is not None or _PROMISED_MONEY.search(folded) is not None


def extortion(folded: str, hits: Sequence[Hit]) -> tuple[list[Hit], int]:
    """Threats and demands that are meant, and the largest amount demanded, in fen."""
    threats = [
        hit
        for hit in unmasked(hits, "threat.", "mask.threat")
        if is_meant(folded, hit.start, hit.end)
    ]
    demands = [
        hit
        for hit in unmasked(hits, "demand.", "mask.demand")
        if hit.code != "demand.cue"
        and is_demanded(folded, hit.start, hit.end)
        # 「退款的钱还不给我,再不给钱」: words say less of what they are about than an amount does.
        and not haggles(folded, hit.start, hit.end, back=16)
    ]
    demands = _with_cash(folded, demands, threats)
    # Compensation for what is said to be wrong is an ordinary claim, amount or not.
    has_reason = any(not is_lie(folded, hit.start()) for hit in _REASONS.finditer(folded))
    is_promised = _PROMISED.search(folded) is not None
    is_own = OWN_MONEY.search(folded) is not None

    def weighed(hit: Hit) -> Hit:
        if is_promised and _OF_PROMISE.search(folded, max(0, hit.start - 5), hit.end + 4):
            return hit._replace(code="demand.soft")
        if is_own and hit.code == "demand.money":
            return hit._replace(code="demand.soft")
        if hit.code != "demand.money" or not _is_compensation(folded, hit.start, hit.end):
            return hit
        return hit._replace(code="demand.soft" if has_reason else CLAIM)

    demands = [weighed(hit) for hit in demands]
    largest = 0
    # Without a word that asks or offers, no number is a demand, and looking for numbers costs more than
    # the rest.
    may_ask = any(hit.code.startswith(("demand.", "threat.retraction")) for hit in hits)
    lawful = [hit for hit in hits if hit.code == "mask.demand"]
    asked = [
        amount
        for amount in islice(amounts(folded), MAX_AMOUNTS if may_ask else 0)
        if not any(law.start <= amount.start <= law.end for law in lawful)
        and _is_demanded(folded, amount)
    ]
    is_faulty = bool(asked) and has_reason and names_reason(folded)
    may_be_claim = is_small_change(asked) or (is_faulty and _OR_MADE_GOOD.search(folded))
    for amount in asked:
        demand = weighed(Hit("demand.money", amount.start, amount.end))
        if demand.code == "demand.money" and may_be_claim:
            demand = demand._replace(code="demand.soft" if is_faulty else CLAIM)
        if demand.code != "demand.soft":
            largest = max(largest, amount.fen)
            if breach := _priced_breach(folded, amount):
                threats += breach
                # No fault of the goods makes a claim of it.
                demand = demand._replace(code="demand.money")
        demands.append(demand)
    return threats + demands, largest


def is_small_change(asked: Sequence[Amount]) -> bool:
    """Whether all sums of a message together are so little that they may be a claim in any words."""
    return sum(amount.fen for amount in asked) <= SMALL_CHANGE_FEN


def _priced_breach(folded: str, amount: Amount) -> list[Hit]:
    """The breach of the rules that an amount is to settle, as the threat of a complaint."""
    if not _SETTLED.match(folded, amount.end):
        return []
    breach = _BREACH.search(folded, max(0, amount.start - _SAME_BREATH), amount.end + _SAME_BREATH)
    return [Hit("threat.complaint", breach.start(), breach.end())] if breach else []


def _with_cash(folded: str, demands: Sequence[Hit], threats: Sequence[Hit]) -> list[Hit]:
    """Cash for a review is money when a bad one is threatened with; a promised one is a claim."""
    is_money = (
        any(threat.code == "threat.bad_review" for threat in threats)
        and _PROMISED.search(folded) is None
    )
    code = "demand.money" if is_money else "demand.soft"
    return [hit._replace(code=code) if hit.code == "demand.cash" else hit for hit in demands]


def haggles(folded: str, start: int, end: int, back: int = 8) -> bool:
    """Whether what stands around it is a refund, freight, a price or what the shop owes (N05, N06)."""
    begin = max(0, start - back)
    on_top = _ON_TOP.match(folded, begin, start)
    return _HAGGLES.search(folded, on_top.end() if on_top else begin, end + 6) is not None


def _is_demanded(folded: str, amount: Amount) -> bool:
    if not amount.is_money and amount.fen < _SMALLEST_BARE_FEN:
        return False
    before = folded[max(0, amount.start - 8) : amount.start].rstrip()
    is_asked_for = _DEMANDS_AFTER.match(folded, amount.end) or _DEMANDS_BEFORE.search(before)
    is_sent = _SENT_BEFORE.search(before) and _SENT_AFTER.match(folded, amount.end)
    return (
        (is_asked_for or is_sent) is not None
        and not IS_PRICE.match(folded, amount.end)
        and not haggles(folded, amount.start, amount.end)
        and is_demanded(folded, amount.start, amount.end)
    )


def _is_compensation(folded: str, start: int, end: int) -> bool:
    return _COMPENSATION.search(folded, max(0, start - 6), end + 5) is not None
