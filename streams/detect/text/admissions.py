"""What a seller owns up to (another thing or too little came, or nothing), or asks for.

That is to refuse the parcel, to apply for a refund, or to pay freight.

What a newcomer gets wrong: shops also ask whether anything is missing, deny it, promise what happens if it
is, and say so of what the buyer sent back, in nearly the same words.
"""

from __future__ import annotations

import re

from streams.detect.text.context import sentence

_SOME = r"[^,。!?;]"
_SENT_WRONG = re.compile(
    # 「发错链接了」 is about the chat, and 「给您少放辣」 a wish that was met.
    r"(?:[发寄拿装配]错|错[发寄装拿])(?!了?(?:链接|消息|信息|人|图|窗口|对话|文件|表情|单号|券|优惠|红包|语音|视频|店铺|群))"
    r"|[漏少][发寄装放拿配](?![点些辣糖盐葱油])"
    r"|漏了(?![回看读说问写记填]|告诉|登记|备注|[您你]的?(?:消息|信息|留言)|消息|信息|留言)|[您你]少的那|发[漏少混串反](?![量许])|贴错"
    r"|忘记?了?[给帮]?[您你]?[放装发寄]|(?:仓库|打包|发货|配货|拣货)的?(?:失误|疏忽|出错|[搞弄][错混])"
)
# The parcel never came, and that is not the buyer's fault either. 「快递丢件我们负责」 promises it of any.
_LOST = re.compile(
    rf"(?:快递|包裹|物流|驿站|件){_SOME}{{0,6}}?(?:(?:丢件|弄丢|[丢遗]失)(?:了|,?(?:马上)?[给帮]?[您你]?(?:补|重新?[发寄]))|丢了|不见了)"
    rf"(?!{_SOME}{{0,4}}[吗么?])"
)
_NOT_LOST = re.compile("[没不未](?!见)")
# One of these must say that it was the shop's deed, or that it is sorry, or that it makes up for it.
_BY_THE_SHOP = re.compile(
    rf"(?:我(?![看查问帮])|咱们|仓库|打包|发货|配货|拣货|同事|师傅|店里|厂家|工厂|[给帮][您你]|确实|不小心){_SOME}{{0,10}}$"
)
_SORRY = re.compile(r"不好意思|抱歉|对不[起住]")
_MADE_GOOD = re.compile(
    r"[^。!?;]{0,12}?(?:给[您你]|帮[您你]|马上|今天|明天|立即|这就)[^,。!?;]{0,4}(?:补|重新?[发寄]|换|退)|[^。!?;]{0,6}?[您你]先?留"
)
# 「您寄错了」, 「您退回来的包裹里少装了一件」; 「您寄回来的那件是我们发错的」 is the shop's.
_BY_THE_BUYER = re.compile(
    r"(?<![给跟和帮为对])[您你](?:们|这边|那边|自己|也|又|是|可能|当时|把){0,3}$"
    rf"|[您你]{_SOME}{{0,4}}?[寄退还返](?:(?!我|仓库){_SOME}){{0,10}}$"
)
# Denied, asked, told by the buyer, supposed.
_NOT_SO = re.compile(
    rf"(?:没(?!注意|看|检查|仔细|核对)有?|不会|不可能|不存在|不是|并未|未曾|从不|从未|怎么|绝不|无){_SOME}{{0,5}}$"
    rf"|(?:是不是|有没有|是否|请问|[您你](?:们)?(?:说|讲|反[馈映]|觉得|描述)|哪|什么){_SOME}{{0,12}}$"
    rf"|(?:如|若|要是|万一|假如|倘若|除非|怕|避免|防止|以防|担心|凡|一旦|只要|任何){_SOME}{{0,12}}$"
)
_ASKED_OR_GRANTED = re.compile(
    rf"{_SOME}{{0,8}}?(?:[吗么?]|没有?\?|的话|(?:都|全|一律)?包[赔退换补]|必赔|概不|怎么办|还是[您你]|请[在提联拍]|没有?查到)"
)
_REFUSE = r"(?P<deed>拒[收签]|拒绝签收|(?:不要|别|不用)签收|不签收(?=就|即可|,))"
_TO_REFUSE = re.compile(
    rf"(?:请|麻烦|劳烦|辛苦|帮忙|帮我们|可以|直接|需要|建议|[您你]){_SOME}{{0,10}}?{_REFUSE}"
    rf"(?![了过率会将产原费是]|的(?!时候)|[要需](?!给|让)|{_SOME}{{0,6}}[吗么?])"
)
_REFUND_AFTER = re.compile(
    rf"{_REFUSE}(?:一下|了|掉)?(?:之?以?后|的话)?,?(?:我们?|这边|就|马上|立即|直接|客服){{0,3}}[给为帮][您你]{_SOME}{{0,6}}退"
)
# 「已经帮您拦截了」, 「让快递退回吧」: it comes back because the shop wants it.
_TO_STOP = re.compile(
    rf"(?:已经?|马上|这边|我们?|[帮给为][您你]|去){_SOME}{{0,6}}?(?P<deed>拦截|截回|追回)(?!{_SOME}{{0,4}}(?:不[了到]|失败|[吗么?]))"
    rf"|(?:让|叫|通知|联系)(?:快递|物流|顺丰|驿站){_SOME}{{0,6}}?(?P<back>退[回件])(?!{_SOME}{{0,4}}(?:不[了到]|[吗么?]))"
)
_NOT_STOPPED = re.compile(rf"(?:不|没|未|无法|可以|能|如|若|要是|万一|是否|是不是){_SOME}{{0,8}}$")
# 「请不要拒收」, 「您为什么拒收」, 「看到您已拒收」: nobody asks for it.
_NOT_ASKED = re.compile(
    r"[不别勿莫](?:要|能|可以?|得|建议|支持|必|用)*$"
    r"|(?:想|打算|选择|为什么|为何|怎么|已经?|刚刚?|又|也|坚持|执意|恶意|多次|无故|擅自|[您你]要)(?:要|会)?$"
)
# 「签收前请验货,破损请拒收」 is said to everybody, and what costs the buyer is no wish of the shop's. Of a
# parcel that is being stopped, 「万一派送您拒收一下」 is one.
_ON_CONDITION = re.compile(
    rf"(?:如|若|要是|万一|假如)(?!{_SOME}{{0,6}}(?:派|送|到|快递|电话))|有问题|验货|开箱|(?:[破损坏]|异常|[少缺]件){_SOME}{{0,6}}$"
)
_AT_A_PRICE = re.compile(r"承担|自付|自理|扣|负责")

# 「麻烦您重新申请发票」 can be had for the asking.
_NO_REFUND = "(?:发票|开票|地址|订单|信息|身份|证|券|红包|优惠|价保|保价|投诉|评价|介入)"
# 「您申请仅退款就行」, 「金额填错了,您重新申请一下」.
_TO_APPLY = re.compile(
    rf"(?:麻烦|请(?!问)|直接|可以|辛苦|帮忙|建议|需要|先|[您你])(?:(?!退货|换货|协商|联系){_SOME}){{0,14}}?"
    rf"(?P<deed>(?:申请|提交|发起|点|选)(?:(?!退货|换货|的){_SOME}){{0,4}}?(?:仅退款|(?<!货)退款(?!退货))|(?:重新|再次?)(?:申请|提交|发起)(?!退货|换货|{_SOME}{{0,4}}?{_NO_REFUND}))"
    rf"(?!的|了|过|原因|理由|进度|记录|是|{_SOME}{{0,6}}[吗么?])"
)
_NOT_TO_APPLY = re.compile(
    rf"(?:不支持|不能|无法|不可以?|不接受|不同意|不建议|不要|不用|别|勿){_SOME}{{0,6}}$"
    r"|(?:为什么|为何|怎么|看到|收到|已经?|刚刚?|又|坚持|非要|一直|如果?|要是|若)[^,。!?;]{0,6}$"
    # 「有任何问题您可以申请退款」 greets everybody.
    rf"|(?:不(?:喜欢|满意|合适|想要)|有(?:任何|什么|质量|售后)?问题(?!的(?!话))|随便|有本事|有种){_SOME}{{0,8}},?{_SOME}{{0,8}}$"
)
_REFUSED_AFTER = re.compile(
    r"拒绝|不同意|驳回|不支持|不予|不会|没用|失败|平台会?判|举报|投诉|报警"
    # 「您申请退款,再把货寄回来」 is a return, 「不用退回来」 and 「快递会退回」 are none.
    r"|(?:^|,)[^,。!?;不无快拦我]{0,6}[寄退]回"
)
_FREIGHT = r"(?:运|邮|快递)费"
_TO_PAY_FREIGHT = re.compile(
    rf"[补加付](?![贴的]){_SOME}{{0,6}}?{_FREIGHT}|补(?:一下)?差价|{_FREIGHT}{_SOME}{{0,4}}?(?:要|需要?|得|麻烦){_SOME}{{0,4}}?(?:补|加|付|出|承担)"
)
_NO_FREIGHT = re.compile(
    rf"(?:不[用需会要]|无需|免|没|别){_SOME}{{0,4}}$|(?:我们?|店里|店铺|[给帮为][您你]){_SOME}{{0,4}}$"
)
_OF_ANOTHER_WAY = re.compile(r"退货|退回|换货|寄回|拒收|拒签|运费险|[吗么?]")

_EN_SHOP = r"\b(?:we|i|our|warehouse|colleagues?|staff)\b"
_EN_SENT_WRONG = re.compile(
    rf"{_EN_SHOP}[^.!?;。]{{0,40}}?\b(?:sent|shipped|packed|put|mailed|posted|picked)\b"
    r"[^.!?;。]{0,20}?\b(?:wrong|incorrect|(?:one|two|three|\d) (?:\w+ )?(?:less|fewer)|too few)\b"
    rf"|{_EN_SHOP}[^.!?;。]{{0,20}}?\b(?:forgot|missed|failed) to (?:put|send|include|pack|ship)\b"
)
_EN_LOST = re.compile(
    r"\b(?:courier|carrier|post(?: office)?|delivery company)\b[^.!?;。]{0,12}?\blost\b"
    r"|\b(?:parcel|package|shipment)\b[^.!?;。]{0,4}?\b(?:(?:is|was|were|been|got|gets) lost|went missing)\b"
)
_EN_TO_REFUSE = re.compile(
    r"\b(?:please|kindly|you (?:can|may|could|should)|(?:ask|need|want|like) you to|just|can you|could you)\b"
    r"[^.!?;。]{0,30}?\b(?:refuse|reject|decline|not (?:accept|sign for))\b"
    r"[^.!?;。]{0,20}?\b(?:parcel|package|delivery|shipment|it|box)\b"
)
_EN_TO_APPLY = re.compile(
    r"\b(?:please|kindly|you (?:can|may|could|should)|just|can you|could you)\b[^.!?;。]{0,20}?"
    r"\b(?:(?:apply|ask) (?:again )?for (?:a |the )?(?:full )?refund"
    r"|(?:open|submit|apply) (?:a |the |it )?(?:dispute |refund )?again)\b"
)
_EN_NOT_SO = re.compile(r"n[’']t\b|\b(?:not|never|if|whether|unless|in case|without|did)\b")
_EN_UNLESS = re.compile(
    r"n[’']t\b|\b(?:do not|not to|never|if|unless|in case|damaged|broken|opened)\b"
)
_EN_SENTENCE_END = re.compile(r"[.!?;。]")


def admits_mistake(folded: str) -> bool:
    """Whether the seller says that another thing, too little or nothing came."""
    if any(_is_owned(folded, found) for found in _SENT_WRONG.finditer(folded)):
        return True
    if any(_is_so(folded, found) for found in _LOST.finditer(folded)):
        return True
    return any(
        _EN_NOT_SO.search(_so_far(folded, found)) is None and not _is_asked(folded, found.end())
        for pattern in (_EN_SENT_WRONG, _EN_LOST)
        for found in pattern.finditer(folded)
    )


def asks_to_refuse(folded: str) -> bool:
    """Whether the seller asks to refuse the parcel, promises the refund for it, or has it sent back."""
    return (
        any(
            _is_wish(folded, found)
            for pattern in (_TO_REFUSE, _REFUND_AFTER)
            for found in pattern.finditer(folded)
        )
        or any(
            _NOT_STOPPED.search(folded[max(0, found.start() - 12) : found.end() - 2]) is None
            for found in _TO_STOP.finditer(folded)
        )
        or any(
            _EN_UNLESS.search(folded, *sentence(folded, *found.span())) is None
            for found in _EN_TO_REFUSE.finditer(folded)
        )
    )


def asks_to_apply(folded: str) -> bool:
    """Whether the seller asks the buyer to apply for a refund without a return, or once more."""
    return any(
        _NOT_TO_APPLY.search(folded[max(0, found.start("deed") - 20) : found.start("deed")]) is None
        and _REFUSED_AFTER.search(folded[found.end() : found.end() + 12]) is None
        for found in _TO_APPLY.finditer(folded)
    ) or any(
        _EN_UNLESS.search(folded, *sentence(folded, *found.span())) is None
        for found in _EN_TO_APPLY.finditer(folded)
    )


def asks_for_freight(folded: str) -> bool:
    """Whether the seller wants freight paid for goods on their way to the buyer."""
    return any(
        _NO_FREIGHT.search(folded[max(0, found.start() - 8) : found.start()]) is None
        and _OF_ANOTHER_WAY.search(folded, *sentence(folded, *found.span())) is None
        for found in _TO_PAY_FREIGHT.finditer(folded)
    )


def _is_so(folded: str, found: re.Match[str]) -> bool:
    """Whether it is said, and not of what the buyer sent."""
    before = folded[max(0, found.start() - 24) : found.start()]
    return not (
        _NOT_SO.search(before)
        or _NOT_LOST.search(found[0])
        or _BY_THE_BUYER.search(before)
        or _ASKED_OR_GRANTED.match(folded, found.end())
    )


def _is_owned(folded: str, found: re.Match[str]) -> bool:
    if not _is_so(folded, found):
        return False
    before = folded[max(0, found.start() - 24) : found.start()]
    return (
        _BY_THE_SHOP.search(before) is not None
        or folded.startswith(("仓库", "打包", "发货", "配货", "拣货"), found.start())
        or _SORRY.search(folded) is not None
        or _MADE_GOOD.match(folded, found.end()) is not None
    )


def _is_wish(folded: str, found: re.Match[str]) -> bool:
    """Whether the buyer is to refuse it, in any case and for nothing."""
    begin, stop = sentence(folded, *found.span("deed"))
    before, after = folded[begin : found.start("deed")], folded[found.end("deed") : stop]
    return not (
        _NOT_ASKED.search(before) or _ON_CONDITION.search(before) or _AT_A_PRICE.search(after)
    )


def _so_far(folded: str, found: re.Match[str]) -> str:
    """An English sentence up to the end of what was found in it."""
    return _EN_SENTENCE_END.split(folded[: found.end()])[-1]


def _is_asked(folded: str, end: int) -> bool:
    """Whether an English sentence ends as a question."""
    rest = _EN_SENTENCE_END.search(folded, end)
    return rest is not None and rest[0] == "?"
