"""Whether a seller says that goods are out of stock, or which reason a refund is to be asked for with.

What a newcomer gets wrong: shops ask their buyers to claim a stockout, and some click 发货 meanwhile. That
nothing is missing, or what happens if it is, is no such word.
"""

from __future__ import annotations

import re

from streams.detect.text.context import is_denied

_OUT_OF_STOCK = re.compile(
    r"(?:缺货|断货|无货|没有?现?货|卖完|售罄|没有?库存|库存不足)(?!架|款|号|[^,。!?;]{0,3}[吗么?]|的话|时|会|赔|再)"
)
_SUPPOSED = re.compile(r"(?:如果?|若|要是|万一|不会|怕|是不是|有没有|除非)[^,。!?;]{0,6}$")
# 「申请退款理由选未按约定时间发货」.
_REASON_TO_CHOOSE = re.compile(
    r"(?:选择?|填写?|理由|原因)[^,。!?;]{0,6}(?:缺货|未按约定|没按约定|延迟发货)"
)


def says_out_of_stock(folded: str) -> bool:
    """Whether a message of the seller says so. Cost: one look for nearly all of them."""
    if _REASON_TO_CHOOSE.search(folded):
        return True
    return any(
        not is_denied(folded, found.start())
        and _SUPPOSED.search(folded[max(0, found.start() - 12) : found.start()]) is None
        for found in _OUT_OF_STOCK.finditer(folded)
    )
