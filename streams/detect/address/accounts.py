"""Accounts that pay, as platforms name them: an Alipay account, an openid, the token of a card.

What a newcomer gets wrong: many exports mask the account (138***8000) or name only how was paid, and then
strangers would seem to pay from one.
"""

from __future__ import annotations

import re
import unicodedata

from streams.detect.address import devices

# The last four digits of a card are those of every ten thousandth one.
SHORTEST = 6
_MASKED = re.compile(r"[*＊•●]|x{3,}|尾号|ending in")
# Shorter ones, such as 微信支付, are none anyway.
_MEANS = frozenset(
    {
        *("alipay", "huabei", "wechat", "wechatpay", "weixin", "tenpay", "unionpay"),
        *("paypal", "applepay", "googlepay", "balance", "wallet", "cashondelivery"),
        *("creditcard", "debitcard", "bankcard", "banktransfer"),
    }
)
_NOT_LETTER = re.compile(r"[\W_]+")


def normalise(account: str) -> str:
    """One spelling of an account; empty for what names nobody: masked, cut short, or a means of payment."""
    text = unicodedata.normalize("NFKC", account).strip().lower()
    if len(text) < SHORTEST or _MASKED.search(text) or devices.names_none(text):
        return ""
    return "" if _NOT_LETTER.sub("", text) in _MEANS else text
