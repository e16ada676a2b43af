"""What the details of facts are called, in Chinese and English, and what amounts and signals in them say.

What only the signals of one detector carry is named in its own file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from schemas.alerts import Scalar

# Of ISO 4217, those that a shop may meet whose smallest unit is not a hundredth.
_DECIMALS: Final = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "KWD": 3, "BHD": 3, "OMR": 3, "JOD": 3}
# Times come without the ending `_ms`.
NAMES: Final[dict[str, tuple[str, str]]] = {
    "act": ("行为", "act"),
    "address": ("地址", "address"),
    "amount_minor": ("金额", "amount"),
    "answered": ("已联系上", "answered"),
    "buyer": ("买家", "buyer"),
    "by": ("由", "by"),
    "categories": ("类目", "categories"),
    "consignee": ("收货人", "consignee"),
    "countdown": ("倒计时结束", "countdown ends"),
    "counted": ("计数时间", "counted at"),
    "country": ("国家或地区", "country"),
    "created": ("注册时间", "account created"),
    "currency": ("币种", "currency"),
    "deduct_mode": ("减库存方式", "stock deducted on"),
    "detector": ("检测项", "detector"),
    "device": ("设备", "device"),
    "dispute_id": ("纠纷", "dispute"),
    "excludes_regions": ("有不发货地区", "excludes regions"),
    "expected_g": ("应退重量（克）", "expected grams"),
    "expected_units": ("应退件数", "expected units"),
    "extra": ("附加商品", "extra item"),
    "filing_id": ("备案", "filing"),
    "found": (
        "文本信号（字数从全文开头数）",
        "signals in the text (characters from its beginning)",
    ),
    "free_shipping": ("包邮", "free shipping"),
    "goods_status": ("货物状态", "goods"),
    "has_post_fee": ("收运费", "postage charged"),
    "held_unpaid": ("未付款占用", "held unpaid"),
    "how": ("方式", "how"),
    "identity": ("关联身份", "identity"),
    "invoice_id": ("发票", "invoice"),
    "is_banned": ("已禁购", "banned"),
    "is_cainiao": ("菜鸟线上物流", "by Cainiao"),
    "is_in_extra_category": ("在附加类目下", "in the extra category"),
    "is_mutual": ("已互评", "both have rated"),
    "is_new": ("新账号", "new account"),
    "is_other_sku": ("退回其他商品", "another item came back"),
    "is_overseas": ("境外发货", "ships from abroad"),
    "item_id": ("商品", "item"),
    "items": ("商品", "items"),
    "kind": ("种类", "kind"),
    "leaf_categories": ("所售类目", "sells in"),
    "lexicon": ("词表版本", "word lists"),
    "may_deduct_on_payment": ("可付款减库存", "can deduct on payment"),
    "min_price_quantity": ("享价件数", "units for the price"),
    "name": ("信号", "signal"),
    "names_exclusions": ("已注明不发货地区", "exclusions are named"),
    "on_hand": ("库存", "on hand"),
    "on_shelf": ("在架", "on the shelf"),
    "opened": ("开始时间", "began at"),
    "order": ("订单", "order"),
    "order_id": ("订单", "order"),
    "orders": ("提到的订单", "orders mentioned"),
    "outcome": ("结论", "outcome"),
    "overseas_disclosed": ("已注明境外", "overseas is disclosed"),
    "paid": ("付款时间", "paid at"),
    "paid_before": ("此前已付款", "paid before"),
    "parcel": ("包裹编码", "parcel code"),
    "paid_reserved": ("已付款待发", "reserved by paid orders"),
    "part": ("评价部分", "part of the review"),
    "phone": ("电话", "phone"),
    "phone_valid": ("电话有效", "phone is valid"),
    "place": ("地区", "place"),
    "pickup_follows": ("揽收另行告知", "pickup is told"),
    "posted": ("发布时间", "posted"),
    "promised_by": ("承诺时间", "promised by"),
    "rating": ("评级", "rating"),
    "reason": ("理由", "reason"),
    "received_g": ("实退重量（克）", "received grams"),
    "received_units": ("实退件数", "received units"),
    "recharge_id": ("充值", "top-up"),
    "refund_id": ("退款", "refund"),
    "refund_only": ("仅退款", "refund only"),
    "skus": ("应退与退回的SKU", "SKU expected and received"),
    "says_sent_wrong": ("称发错或少发", "says it was the wrong thing or too little"),
    "settled": ("解除时间", "settled at"),
    "settles": ("由其付清", "paid it"),
    "severity": ("级别", "level"),
    "region": ("地区", "region"),
    "result": ("结果", "result"),
    "ruling": ("判定", "ruling"),
    "says_free_shipping": ("标题写包邮", "title says free shipping"),
    "ship_by": ("承诺发货", "ship by"),
    "status": ("状态", "status"),
    "sub_order_id": ("子订单", "sub-order"),
    "tokens": ("匹配内容", "what matched"),
    "units": ("件数", "units"),
    "until": ("截至", "until"),
    "verified": ("已认证", "verified"),
    "why": ("疑点", "doubt"),
}
# The signals of texts, by their codes.
SIGNALS: Final[dict[str, tuple[str, str]]] = {
    "abuse.expletive": ("粗话", "swearing"),
    "abuse.group": ("歧视性用语", "a slur"),
    "abuse.person": ("辱骂", "an insult"),
    "abuse.vulgar": ("污言秽语", "foul language"),
    "ad.affiliate": ("淘宝客广告", "an ad with affiliate links"),
    "ad.cashback": ("返利广告", "an ad of a cashback site"),
    "ad.part_time": ("兼职广告", "an ad of part-time work"),
    "ad.resale": ("转让广告", "an ad of things for resale"),
    "address.ask": ("询问收货信息", "asks for the receiver"),
    "address.echo": ("要求确认地址", "an address to confirm"),
    "cashback": ("询问返现", "cashback for a review"),
    "contact.phone": ("留下电话", "a phone number"),
    "contact.qq": ("引导到QQ", "QQ"),
    "contact.wechat": ("引导到微信", "WeChat"),
    "demand.money": ("索要钱款", "money is demanded"),
    "demand.money.claim": ("索赔钱款", "money is claimed"),
    "demand.soft": ("索要赠品或补偿", "a gift or compensation is asked for"),
    "invoice.split": ("发票分寄", "an invoice that goes elsewhere"),
    "leak.address": ("泄露地址", "somebody's address"),
    "leak.phone": ("泄露电话", "somebody's phone number"),
    "scam": ("第三方诈骗", "a scam by a third party"),
    "threat.bad_review": ("以差评相威胁", "threat of a bad review"),
    "threat.complaint": ("以投诉相威胁", "threat of a complaint"),
    "threat.exposure": ("以曝光相威胁", "threat of exposure"),
    "threat.refusal": ("以拒收或退货相威胁", "threat to refuse or return parcels"),
    "threat.report": ("以举报相威胁", "threat to report the shop"),
    "threat.retraction": ("以改评或撤诉为条件", "offer to take a review or complaint back"),
    "threat.sabotage": ("以扰乱经营相威胁", "threat to disrupt the shop"),
}
_SIGNAL: Final = re.compile(
    r"(?P<code>[a-z_.]+)@(?P<start>[0-9]{1,9})-(?P<end>[0-9]{1,9})(?:/(?P<sentence>[0-9]{1,9}))?"
)


class Place(NamedTuple):
    """Where a signal stands in its text: the first and the last character and the sentence, from 1.

    `sentence` is None in what a version that named none has kept.
    """

    code: str
    first: int
    last: int
    sentence: int | None


def places(found: str) -> Iterator[Place | str]:
    """What the detail `found` of a fact holds, part by part; of another form, the part as it is."""
    for part in found.split():
        signal = _SIGNAL.fullmatch(part)
        if signal is None:
            yield part
            continue
        sentence = signal["sentence"]
        yield Place(
            signal["code"],
            int(signal["start"]) + 1,
            int(signal["end"]),
            None if sentence is None else int(sentence),
        )


def money(detail: Mapping[str, Scalar]) -> tuple[Decimal, str] | None:
    """The amount that a fact tells, in whole units, and its currency, which may be unknown."""
    minor, said = detail.get("amount_minor"), detail.get("currency")
    # 0 stands for an amount that nobody told.
    if not isinstance(minor, int) or isinstance(minor, bool) or not minor:
        return None
    currency = said if isinstance(said, str) else ""
    return in_whole_units(minor, currency), currency


def in_whole_units(minor: int, currency: str) -> Decimal:
    """An amount of that many of the smallest unit of a currency; of one that is unknown, of hundredths."""
    return Decimal(minor).scaleb(-_DECIMALS.get(currency, 2))
