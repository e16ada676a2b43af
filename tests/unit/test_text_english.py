"""English chats and reviews: what makes a bargain, and what unmakes it."""

from __future__ import annotations

import pytest

from benchmarks.wordings import level
from streams.detect.text.signals import read_chat, read_review


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Send me $20 on PayPal or it's one star", {"threat.bad_review", "demand.money"}),
        ("50 euros by tonight, otherwise I open a dispute", {"threat.complaint", "demand.money"}),
        ("I’ll do a chargeback unless you pay me £30", {"threat.complaint", "demand.money"}),
        (
            "a gift card, or I put it all on TikTok",
            {"threat.exposure", "demand.money"},
        ),
        (
            "give me 40 dollars or I'll say it arrived broken",
            {"threat.exposure", "demand.money"},
        ),
        (
            "I placed 35 unpaid orders, I release them when you transfer 120 dollars",
            {"threat.sabotage", "demand.money"},
        ),
    ],
)
def test_a_threat_a_demand_and_what_ties_them(text: str, codes: set[str]) -> None:
    assert codes <= {found.code for found in read_chat(text).found}
    assert level(text) == "warn"


def test_what_is_free_is_a_soft_demand_and_the_sum_is_read() -> None:
    assert level("Send me a second one for free or I leave one star") == "info"
    assert read_chat("pay me $1,250.50 or I leave one star").amount_minor == 125_050


@pytest.mark.parametrize(
    "text",
    [
        "It arrived broken. Refund $20 or I leave one star",
        "It never arrived, refund me or I open a dispute",
        "You promised $20 back for the photo, where is it? I will report you",
        "A buyer told me he wants $50 or he leaves one star, what do I do?",
        "If it does not arrive tomorrow I will leave a bad review",
        "Can I get 10% off? Otherwise I'll buy elsewhere",
        "I never leave bad reviews, thank you for the free gift",
        "I saw the one star reviews, is the $20 version better?",
        "I'm an influencer with 50k followers, would you send a free one for a collab?",
        "refund me or I dispute it",
    ],
)
def test_a_fault_a_promise_others_and_service_are_no_bargain(text: str) -> None:
    assert level(text) == ""


def test_a_refund_is_a_gain_for_who_says_that_nothing_is_wrong() -> None:
    assert level("The dress is perfect but refund me or I leave one star") == "warn"


def test_a_reason_in_english_is_a_reason() -> None:
    assert read_chat("the zipper is broken").names_reason
    assert not read_chat("nothing is wrong with the zipper").names_reason


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Do I get something back for a five star review?", "cashback"),
        ("Can you tell me the address and phone on order 881?", "address.ask"),
        ("Somebody called saying he is from your shop and wanted my card details", "scam"),
    ],
)
def test_what_else_a_chat_asks(text: str, code: str) -> None:
    assert read_chat(text).has(code)


@pytest.mark.parametrize(
    "text",
    [
        "Please change my address to 5 Mill Road",
        "Is it safe to read the reviews before I pay?",
        "The courier called and wanted 2 euros",
        "Меня прислали, пришлите 20$ or one star",
    ],
)
def test_what_is_ones_own_is_not_asked_and_no_other_script_is_read(text: str) -> None:
    assert not read_chat(text).found


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Nice. Use code SAVE20 at www.deals.example for discounts", "ad.affiliate"),
        ("Earn extra cash from home, message me +44 555 0123", "ad.part_time"),
        ("I sell the same for less, whatsapp me 555-0199", "ad.resale"),
        ("The seller is a complete moron", "abuse.person"),
        ("Call the owner at home: 555 010 2233", "leak.phone"),
        ("The woman in the chat lives at 12 Mill Road", "leak.address"),
    ],
)
def test_what_a_review_carries(text: str, code: str) -> None:
    assert read_review(text).has(code)


@pytest.mark.parametrize(
    "text",
    [
        "I felt like an idiot when it opened so easily",
        "This zipper is a bitch to open, stupid thing, garbage quality",
        "I work from home and this chair saves my back",
        "I paid $20 with a coupon, great deal",
        "Call customer service at 555 010 2233, they helped me",
        "I live at 12 Mill Road and it was delivered there",
    ],
)
def test_ordinary_reviews_carry_nothing(text: str) -> None:
    assert not read_review(text).found
