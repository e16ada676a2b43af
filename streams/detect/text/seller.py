"""What a seller writes to a buyer: refusals, admissions, wishes and offers, which speak for the buyer.

What a newcomer gets wrong: nearly every message of a shop says none of it, so each kind is looked for closely
only where a word of it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from streams.detect.text.admissions import (
    admits_mistake,
    asks_for_freight,
    asks_to_apply,
    asks_to_refuse,
)
from streams.detect.text.concessions import (
    asks_to_place,
    disowns_order,
    offers_money,
    promises_cashback,
    spares_return,
)
from streams.detect.text.folding import fold, join
from streams.detect.text.invoices import refuses
from streams.detect.text.stockouts import says_not_sent, says_out_of_stock


class SellerSays(NamedTuple):
    """The kinds of `KINDS` that one message is of, and the largest sum that it offers, in fen, 0 for none."""

    kinds: tuple[str, ...]
    offered_minor: int


class _Kind(NamedTuple):
    """Whether a folded text says so, and what stands in every text that does."""

    says: Callable[[str], bool]
    hint: re.Pattern[str]


KINDS: Final[Mapping[str, _Kind]] = {
    # Its words are in the lexicon, which looks for all of them at once.
    "refuses_invoice": _Kind(refuses, re.compile("")),
    "out_of_stock": _Kind(
        says_out_of_stock,
        re.compile(
            "[货发]|卖完|售罄|库存|[未没]按|没有?了|停[运收]|爆仓|滞留|积压|延误|stock|sold out"
        ),
    ),
    "not_sent": _Kind(
        says_not_sent,
        re.compile("发|寄|出库|揽|仓库|单|shipped|sent|dispatched|left|posted"),
    ),
    "mistake": _Kind(
        admits_mistake,
        re.compile("[错漏少忘混串反误疏丢失见]|wrong|incorrect|less|few|missed|forgot|failed|lost"),
    ),
    "wants_refused": _Kind(
        asks_to_refuse,
        re.compile("拒|签收|拦截|截回|追回|退[回件]|refuse|reject|decline|not accept|not sign"),
    ),
    "wants_applied": _Kind(asks_to_apply, re.compile("退款|申请|提交|发起|refund|dispute|again")),
    "wants_freight": _Kind(asks_for_freight, re.compile("[运邮递]费|差价")),
    "spares_return": _Kind(
        spares_return, re.compile("不用|无需|不必|留[着著下]|keep|need to|have to")
    ),
    "wants_placed": _Kind(asks_to_place, re.compile("付|改[价运邮]|修改|对公")),
    "not_ours": _Kind(disowns_order, re.compile("单|[店家][拍下买里铺]")),
    "promises_cashback": _Kind(promises_cashback, re.compile("返|好评|晒|五星|评价|买家秀")),
}
_OFFER = re.compile("[补赔退转返打发][^,。!?;]{0,20}[您你]|[您你][^,。!?;]{0,12}[补赔退转返打发]")
_SUM = re.compile(r"\d|[十百千元块]")


def read_seller(text: str) -> SellerSays:
    """What one message of the seller says. Cost: it is folded once, and few kinds are looked at closely."""
    folded = join(fold(text)).text
    is_offer = _SUM.search(folded) is not None and _OFFER.search(folded) is not None
    return SellerSays(
        tuple(
            name for name, kind in KINDS.items() if kind.hint.search(folded) and kind.says(folded)
        ),
        offers_money(folded) if is_offer else 0,
    )
