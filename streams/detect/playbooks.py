"""Next right steps that several detectors suggest: the paid-order checklist, replies, complaint forms.

Drafts are for a person to copy, complete and send; nothing here is sent or filed by itself. A draft
never promises money, never refuses an invoice or a refund, and never repeats personal data.
"""

from __future__ import annotations

from typing import Final

from streams.detect.deadlines import TEXTS, ShipTimes
from streams.detect.detector import Due, Step
from streams.detect.entries import ComplaintKind, ShopType, entries

# What a complaint is proved with, by a code that lasts: cases keep it.
PROOFS: Final[dict[str, tuple[str, str]]] = {
    "ids": ("涉及的订单编号和买家账号", "ids of the orders and the buyer's account"),
    "contact_chat": ("联系买家的聊天记录", "the chat in which the buyer was contacted"),
    "refund_record": ("退款记录和联系记录", "the refund and contact records"),
    "shipping": (
        "物流单号和按时发货的凭证;投诉与发货无关的,聊天记录",
        "tracking numbers, proof of shipping in time; where the complaint is about something else, the chat",
    ),
    "mutual": ("双方已互评", "both sides have rated"),
    "within_30_days": ("评价产生未超过30天", "the review is not older than 30 days"),
    "chat_number": ("旺旺举证号", "the evidence number of the chat"),
    "threat": (
        "旺旺举证号或完整聊天截图",
        "the evidence number of the chat, or whole screenshots",
    ),
    "review_shot": ("评价截图", "a screenshot of the review"),
    "fraud_record": ("诈骗经过的聊天或通话记录", "the chat or call in which the fraud happened"),
    "originals": (
        "图片原件或拍摄源文件,能说明图片属于本店",
        "the originals or the camera's files, which show that the pictures are the shop's",
    ),
    "first_published": (
        "本店首次发布该图片的商品链接和时间",
        "link and time of the listing that published the pictures first",
    ),
    "copied_listing": (
        "使用这些图片的商品链接和截图",
        "link and screenshot of the listing that uses the pictures",
    ),
    "notice": ("收到的盗图投诉通知", "the notice of the complaint about pictures"),
}
# S0 and S3 say what the platform asks for; what pictures are proved with (D36) is proposed.
NEEDS: Final[dict[ComplaintKind, tuple[str, ...]]] = {
    "异常拍下": ("ids", "contact_chat"),
    "异常退款": ("ids", "refund_record"),
    "异常投诉": ("ids", "shipping"),
    "不合理评价": ("ids", "mutual", "within_30_days", "chat_number"),
    "恶意敲诈": ("ids", "threat"),
    "广告评价": ("ids", "review_shot"),
    "欺诈举报": ("ids", "fraud_record"),
    "盗图投诉": ("originals", "first_published", "copied_listing"),
    "盗图申诉": ("notice", "originals", "first_published"),
}
# Where a shop of the type `other` files, zh and en.
_OF_ITS_PLATFORM: Final = ("本店所在平台的投诉入口", "complaint entry of the shop's own platform")
# About pictures, not about a buyer (D36).
ABOUT_PICTURES: Final[frozenset[ComplaintKind]] = frozenset({"盗图投诉", "盗图申诉"})


def form(
    kind: ComplaintKind,
    story_zh: str = "",
    shop_type: ShopType | None = None,
    about: str = "",
) -> str:
    """The complaint form as a text to copy, with the entry of the shop, or of both types of Taobao.

    `about` names the orders, the account or the goods, where they are known already.
    """
    if about:
        whom: tuple[str, ...] = (f"对象:{about}",)
    elif kind in ABOUT_PICTURES:
        whom = ("本店商品链接:(请填写)", "对方商品链接:(请填写)")
    else:
        whom = ("订单编号:(见本预警所列)", "买家账号:(见本预警)")
    where = ";".join(entry.where for entry in entries(kind, shop_type))
    return "\n".join(
        (
            f"投诉类型:{kind}",
            f"入口:{where or _OF_ITS_PLATFORM[0]}",
            f"情况说明:{story_zh or '(请简述经过)'}",
            *whom,
            f"附件:{'、'.join(PROOFS[code][0] for code in NEEDS[kind])}",
        )
    )


def complaint(kind: ComplaintKind, story_zh: str = "", shop_type: ShopType | None = None) -> Step:
    """A10: the complaint form for a person to complete and submit, with the entry for the shop.

    `story_zh` is what happened, in one sentence, without personal data. Where the type of the shop is
    not known, the entries of both are named. Detectors do not know it: see `for_shop`.
    """
    found = entries(kind, shop_type)
    own_zh, own_en = _OF_ITS_PLATFORM
    return Step(
        "A10_draft_complaint",
        f"如确认,由人工到{'或'.join(entry.zh for entry in found) or own_zh}投诉:{kind}",
        f"If confirmed, a person files {kind} at the {' or '.join(e.en for e in found) or own_en}",
        tuple(PROOFS[code] for code in NEEDS[kind]),
        draft=form(kind, story_zh, shop_type),
        complaint=(kind, story_zh),
    )


def for_shop(step: Step, shop_type: ShopType | None) -> Step:
    """The step as that type of shop takes it: a complaint form names the shop's own entry only."""
    if step.complaint is None or shop_type is None:
        return step
    return complaint(*step.complaint, shop_type)._replace(due_ms=step.due_ms)


def _reply(zh: str, en: str, draft: str) -> Step:
    return Step("A7_draft_message", zh, en, draft=draft)


# A7: what an agent may copy into the chat.
ASK_ABOUT_UNPAID: Final = _reply(
    "旺旺询问买家是否仍需要,保留记录",
    "Ask the buyer whether the orders are still wanted, and keep the record",
    "您好,看到您拍下的订单还没有付款,请问付款时遇到困难了吗?需要帮助可以随时告诉我们;"
    "如果不需要了,订单到期会由系统自动处理,您无需操作,谢谢。",
)
CONFIRM_ADDRESS: Final = _reply(
    "请买家自行核对收货地址,勿复述地址",
    "Ask the buyer to check the delivery address; don't repeat it",
    "您好,您的订单收货信息系统提示可能不完整,请您在订单详情里核对一下,"
    "如需修改请直接在订单中修改,谢谢。",
)
REACH_ABOUT_ADDRESS: Final = (
    CONFIRM_ADDRESS,
    Step(
        "A4_remind",
        "旺旺或电话联系买家并记录每次结果",
        "Reach the buyer by chat or phone and log every attempt",
    ),
)
KEEP_RECEIVER_PRIVATE: Final = _reply(
    "答复:不向非下单账号提供收货信息",
    "Reply that receiver details are only shown to the account that ordered",
    "您好,为保护买家隐私,订单的收货信息只能由下单账号本人在订单详情中查看,"
    "我们无法在聊天中提供,请您理解。",
)
INVOICE_ELSEWHERE: Final = _reply(
    "答复:可以开票,可以分开邮寄",
    "Reply that an invoice is possible and may go to another address",
    "您好,可以的,我们可以为您开具发票。发票和商品可以分开邮寄,"
    "请您在订单的发票申请中填写抬头和寄送信息,谢谢。",
)
OVERSEAS_FREIGHT: Final = _reply(
    "联系买家补运费,或建议使用集运仓",
    "Ask for the extra freight, or suggest a consolidation warehouse",
    "您好,您的收货地址在中国大陆以外,商品包邮仅限大陆地区,需要您补一下运费;"
    "您也可以改用集运仓的大陆地址,我们按包邮为您发货。您看哪种方式方便?",
)
NO_CASHBACK_NO_ADDRESS: Final = _reply(
    "答复:不承诺返现,不复述地址,发票可以开",
    "Promise no cashback, repeat no address; an invoice is possible",
    "您好,店铺没有评价返现活动,欢迎您按真实感受评价。收货信息请以订单详情为准,"
    "发票可以开具,也可以分开邮寄。",
)
SHIPPING_SOON: Final = _reply(
    "如会延迟,提前告知买家预计发货时间",
    "If it will be late, tell the buyer beforehand when it will be shipped",
    "您好,感谢您的订单。您的商品正在备货,我们会尽快发出,发货后可在订单中查看物流。"
    "给您带来不便非常抱歉。",
)
ASK_TEST_REPORT: Final = _reply(
    "请买家补充检测报告或照片,协助核实",
    "Ask for a test report or photos so that the claim can be looked into",
    "您好,很抱歉给您带来不便。为了尽快为您核实,麻烦您提供一下商品照片,"
    "如有检测报告也请一并提供,我们会马上跟进处理。",
)
ASK_LABEL_PHOTO: Final = _reply(
    "请买家提供撕开面单后的底单照片",
    "Ask for a photo of the label under the peeled-off one",
    "您好,为了核实是否为物流贴错面单,麻烦您撕开外层面单,拍一张底单的清晰照片发给我们,谢谢。",
)
ASK_BOX_PHOTO: Final = _reply(
    "请买家提供外包装和实物照片",
    "Ask for photos of the outer box and the goods",
    "您好,很抱歉包裹受损。麻烦您拍一下外包装和商品实物的照片发给我们,方便向物流核实责任,谢谢。",
)


# W4: a dispute that is negotiated. S4 「跟買家核實遇到的問題,盡可能的讓買家提供圖片」, 「給買家提供解決方案,
# 退款或者退貨;若是一些很小的問題不影響商品使用的,也可以嘗試給買家發送店鋪的優惠券」.
PROVE_IN_DISPUTE: Final = Step(
    "A6_evidence_pack",
    "在纠纷详情中提交照片和打包、发货记录作为举证",
    "Hand in photos and the records of packing and shipping in the dispute",
)
CARRY_OUT_RULING: Final = Step(
    "A4_remind",
    "查看裁决结果,按裁决处理退款或退货",
    "Look at the ruling, and do what it says about money and goods",
)


def settle(due_ms: int | None = None) -> Step:
    """A14: what may be offered while a dispute is negotiated. Whether to withdraw, the buyer decides."""
    return Step(
        "A14_suggest_coupon",
        "在协商期内与买家商定方案:退款或退货,小问题可送优惠券;由买家自愿撤销,撤销后不计入纠纷率",
        "Find a way out with the buyer while negotiation lasts: a refund or a return, for something small "
        "a coupon; a dispute that the buyer chooses to withdraw does not count",
        due_ms=due_ms,
        draft="您好,很抱歉这次购物没有让您满意。请告诉我们您遇到的问题和希望的解决方式,我们会尽快为您处理。"
        "问题解决后,是否撤销纠纷由您决定,谢谢。",
    )


# A2 and A1: stock that unpaid orders hold. Rather A2: what A1 adds must be taken back later.
FREE_STOCK: Final = (
    Step(
        "A2_deduct_on_payment",
        "为支持的类目开通付款减库存",
        "Switch to deduct-on-payment where the category supports it",
    ),
    Step(
        "A1_adjust_held_stock",
        "按台账临时调整可售库存",
        "Adjust sellable stock through the ledger",
    ),
)


def steps_after_burst(held_units: int) -> tuple[Step, ...]:
    """After a burst that may have sold an item out: once all is paid or closed, no stock is to be freed."""
    relist = Step("A3_relist", "如商品被拍下架,请重新上架", "Relist items that sold out")
    return (*FREE_STOCK, relist, ASK_ABOUT_UNPAID) if held_units else (FREE_STOCK[0], relist)


def police_report() -> Step:
    """A13: S0 「打印好惡意訂單去當地派出所報案」. The inbox has the draft; a person decides."""
    return Step(
        "A13_draft_police_report",
        "如店铺负责人核对后决定报案,打印报案材料草稿,附订单和聊天截图",
        "If whoever is in charge decides to report it, print the draft and add the orders and the chat",
        (("已核对事实,排除误会", "the facts were checked, and it is no misunderstanding"),),
    )


def auto_close(at_ms: int) -> Due:
    """T01: when the platform closes unpaid orders, which nobody else may do (N01)."""
    return Due("T01", at_ms, *TEXTS["T01"])


def paid_order(times: ShipTimes | None, *, is_shipped: bool = False) -> tuple[Step, ...]:
    """W2: ship a paid order that may be meant badly so that nothing can be made of it, in order.

    S0 and S3 「恶意拍下订单已付款」. `times` are those of T02; an order that is not paid has none yet.
    Once the parcel has left, only what comes after is told. It accuses nobody: every step is also right
    for an honest buyer.
    """
    target_ms, limit_ms = (None, None) if times is None else (times.target_ms, times.limit_ms)
    police = Step(
        "A13_draft_police_report",
        "如有威胁或敲诈的证据,打印订单和聊天记录备报案",
        "Where there is proof of a threat, print the order and the chat for a police report",
        (("有威胁或敲诈的聊天记录", "a chat with a threat or a demand"),),
    )
    after_shipping = (
        Step(
            "A6_evidence_pack",
            "拒签退回:向当地快递索取红章证明",
            "If the parcel is refused: get the stamped certificate of the local carrier",
        ),
        Step(
            "A6_evidence_pack",
            "签收后称有质量问题:请买家出示检测报告;七天无理由退回:收货时请快递出具证明;"
            "被投诉:重新提交以上证明",
            "Signed, then a quality claim: ask for a test report; seven-day return: have the carrier "
            "certify what came back; complaint: submit the proofs above again",
        ),
    )
    if is_shipped:
        return police, *after_shipping
    registered = ("订单编号和买家账号已登记", "order and account are registered")
    filmed = ("打包过程已拍摄", "the packing was filmed")
    return (
        Step(
            "A6_evidence_pack",
            "将订单编号和买家账号登记成表,并联系平台小二备查",
            "Register the order and the account in a sheet, and let the platform's agent note it",
            due_ms=target_ms,
        ),
        Step(
            "A7_draft_message",
            "旺旺联系买家,说明发货和退换货流程,保留记录",
            "Tell the buyer how shipping and returns work, and keep the record",
            due_ms=target_ms,
            draft="您好,感谢您的订单。我们会在承诺时间内发货,发货后可在订单中查看物流。"
            "收货时如有任何问题,请保留外包装并第一时间联系我们;"
            "如需退换货,请在订单中申请,我们会按平台流程处理。",
        ),
        police,
        Step(
            "A6_evidence_pack",
            "全程拍摄打包:商品、数量、重量",
            "Film the packing: goods, quantity, weight",
            (registered,),
            target_ms,
        ),
        Step(
            "A7_draft_message",
            "取件前告知买家快递公司和预计到货时间",
            "Before pickup tell the buyer the carrier and when to expect the parcel",
            (filmed,),
            target_ms,
            "您好,您的包裹已打包完成,全程拍照留存,即将由快递揽收。"
            "快递公司和预计到货时间请以订单物流为准。"
            "签收前不能拆包验货,请您先检查外包装是否完好,有问题随时联系我们。",
        ),
        Step(
            "A12_suggest_refund_reply",
            "如买家申请退款,先看清退款理由,再同意",
            "If a refund is asked for, read the reason first, then agree",
            (("货物尚未揽收", "the parcel has not been picked up"),),
        ),
        Step(
            "A4_remind",
            "在期限前发货,录入真实有效的运单号",
            "Ship in time, with a valid tracking number",
            (filmed,),
            limit_ms,
        ),
        *after_shipping,
    )
