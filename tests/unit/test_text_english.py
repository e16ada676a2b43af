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
        "The size is wrong, I want partial refund 5 usd, otherwise dispute",
        "Not as described, refund part, 6 usd, else I open dispute",
        "Quality not good, give me 5 usd or I open dispute",
        "You sent 2 instead of 3, give me back 12 usd or I dispute",
        "I asked for blue you sent red, compensate me 3 dollars or I open dispute",
        "I paid 15 USD customs, give me 15 USD or I leave bad feedback",
        "The parcel was returned to you, give me my 40 usd or I open dispute with paypal",
        "I will return it but you pay the postage $12, otherwise I'll leave negative feedback",
        "I want 25 usd for repair, otherwise dispute",
    ],
)
def test_a_fault_a_promise_others_and_service_are_no_bargain(text: str) -> None:
    assert level(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "I want to open a dispute with PayPal about another shop, do you have the number?",
        "What happens if I file a claim at the post office, do you give me the invoice of $60?",
        "I asked the bank to stop the chargeback. Should I pay the 50 euros again or wait?",
        "How does a chargeback work for a gift card?",
        "I was going to leave a bad review but your support was so nice, thank you for the refund!",
        "The courier is terrible, I will report him to the police, he took the $20",
        "I need the invoice for customs, otherwise the tax office keeps it and I pay 40 euros",
        "Can you hold the stock for me until Friday? I get my money then.",
        "The listing is gone, can I still buy it for $20?",
        "Your competitor has two pairs 3 days sooner. Otherwise I like yours",
        "I got a mail saying my account is suspended if I do not pay 15 euros. Is it from you or a scam?",
        "What would you charge for 300 orders a month? We need it by Friday, $2 per box is our budget",
        "The 2 star energy rating, is it for the fridge of $500 or the other one?",
        "I want to return all 10 orders, they are fine but the event was cancelled. Full refund?",
        "I ordered 2 and got 1, send the other or refund 12 euros please, or I'll open a dispute",
        "My order didn't arrive. Pay me back $30 or I open a dispute",
        "Which is better for a review video, the 4k camera or the cheap one for $60?",
        "I hope that one bad review is an exception. I order now for 70 euros, please ship it",
        "I don't recognise this $60 charge. Tell me what it is, or I'll dispute it",
    ],
)
def test_the_same_words_in_an_honest_mouth_are_no_bargain(text: str) -> None:
    assert level(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "I will change the review to 5 stars for 30 euros",
        "Hush money: $150, or everybody on Facebook will hear about your shop",
        "$60 and the dispute is gone",
        "Give me the money back, I keep the shoes, and I won't write a 1 star review",
        "I will refuse all my 20 parcels unless you give me $30",
        "Send a gift card or I report you",
        "The bad review is written. Pay 20 euros before I post it",
    ],
)
def test_plain_demands_are_read_in_other_words_too(text: str) -> None:
    assert level(text) == "warn"


@pytest.mark.parametrize(
    "text",
    [
        "Envíame 50 dólares o te dejo una estrella, o disputa con PayPal",
        "Envoyez-moi 50 euros ou je porte plainte, vidéo sur YouTube",
        "Schicken Sie mir 50 Euro oder ich mache ein Chargeback, Anzeige bei der Polizei",
        "Kirim saya 50 dolar atau saya lapor polisi dan Facebook",
        "Manda 50 reais ou vou fazer um video no TikTok",
        "Shop khong tra tien toi se dang len Facebook",
        "Wyślij mi 50 euro albo dam jedną gwiazdkę",
    ],
)
def test_no_other_language_in_latin_letters_is_read_as_english(text: str) -> None:
    assert not read_chat(text).found
    assert not read_review(text).found


def test_a_refund_is_a_gain_for_who_says_that_nothing_is_wrong() -> None:
    assert level("The dress is perfect but refund me or I leave one star") == "warn"


def test_a_reason_in_english_is_a_reason() -> None:
    assert read_chat("the zipper is broken").names_reason
    assert read_chat("the parcel didn't arrive").names_reason
    assert read_chat("I haven’t received it").names_reason
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
        "The dumbbell is 5 pounds, right? Or is it in kg?",
        "I sell phones. Send me your best offer",
        "Can you delete my review? And do you have the lamp for under $40?",
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
        "Delivered to my neighbour at 12 Oak Street although I was at home",
        "Good book about a con man who fools people for a living",
        "She is a fool for this perfume",
        "This drill will screw off anything. Kids screw you over with the batteries",
        "I used code SAVE10 and got it for $18",
        "The QR code on the box leads to www.brand.example with the manual",
        "Trading cards came well packed, see my photos @home",
        "Text me when it's back in stock, please!",
        "We make soap at home. I posted photos on my Instagram page",
    ],
)
def test_ordinary_reviews_carry_nothing(text: str) -> None:
    assert not read_review(text).found
