"""Identities: one hash for all ways to write one phone or address, none for what names nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.detect.address import identity, phones
from streams.detect.address.details import plain
from streams.detect.address.identity import Hasher, normal_address, normal_detail
from streams.detect.address.receivers import Reader, Reading
from streams.detect.facts import Identified, OrderPlaced, ReceiverDoubted, Redirected, SentAbroad
from tests.oracle.story import Story
from tests.pipeline import Event, facts_of

HASHER = Hasher(b"0123456789abcdef")
MOBILES = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
HOME = ("浙江省", "杭州市", "西湖区", "文三路1号2幢301室")


def order(receiver: dict[str, str] | None, device: str | None = None) -> Event:
    story = Story()
    story.created("o", 0)
    topic, value = story.events[0]
    return topic, {**value, "receiver": receiver, "device_hash": device}


@given(st.text(max_size=40))
def test_normalising_a_phone_twice_changes_nothing(text: str) -> None:
    once = phones.normalise(text)
    assert phones.normalise(once) == once


@given(st.from_regex(r"\+?[0-9 ()-]{0,18}(转[0-9]{0,4})?", fullmatch=True))
def test_normalising_what_looks_like_a_phone_twice_changes_nothing(text: str) -> None:
    once = phones.normalise(text)
    assert phones.normalise(once) == once


@given(MOBILES, st.sampled_from(["", "+86", "0086", "86", "+86-", "0086 "]), st.data())
def test_every_way_to_write_a_mobile_has_one_hash(
    mobile: str, country: str, data: st.DataObject
) -> None:
    gaps = data.draw(st.lists(st.sampled_from(["", " ", "-", " - "]), min_size=11, max_size=11))
    written = country + "".join(digit + gap for digit, gap in zip(mobile, gaps, strict=True))
    wide = written.translate({ord(d): ord(d) + 0xFEE0 for d in "0123456789"})
    assert phones.normalise(wide) == phones.normalise(written) == mobile
    assert HASHER.phone(wide) == HASHER.phone(mobile) != ""


@pytest.mark.parametrize(
    "written",
    ["138****8000", "1380013***", "18412345678-1234", "18412345678转12", "", "12", "no number"],
)
def test_what_names_nobody_has_no_hash(written: str) -> None:
    assert HASHER.phone(written) == ""


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("0571-88888888", "057188888888"),
        ("+86 571 8888 8888", "057188888888"),
        ("0571-88888888转802", "057188888888#802"),
        ("+1 (415) 555-0100", "+14155550100"),
        ("0044 20 7946 0018", "+442079460018"),
        ("13800138000/13900139000", "13800138000"),
    ],
)
def test_landlines_and_numbers_abroad(written: str, normal: str) -> None:
    assert phones.normalise(written) == normal


@given(MOBILES)
def test_the_short_cut_for_mobiles_agrees_with_the_numbering_plan(mobile: str) -> None:
    import phonenumbers

    parsed = phonenumbers.parse(mobile, "CN")
    assert phones.is_valid(mobile) == phonenumbers.is_valid_number(parsed)


@given(st.text(max_size=40) | st.text(alphabet="012a室房栋幢座号楼单元层-_ ", max_size=12))
def test_normalising_a_detail_twice_changes_nothing(text: str) -> None:
    once = normal_detail(plain(text))
    assert normal_detail(once) == once


@pytest.mark.parametrize(
    ("state", "city", "district", "detail"),
    [
        ("浙江", "杭州", "西湖区", "文三路1号2栋301"),
        ("浙江省", "杭州市", "西湖区", "浙江省杭州市西湖区文三路1号2幢301室"),
        ("浙江省", "杭州市", "西湖区", "杭州市西湖区杭州市西湖区 文三路1号 2号楼 301室"),
        ("浙江省", "杭州市", "西湖区", "文三路１号２－３０１"),
        ("浙江省", "杭州市", "西湖", "（文三路）1号,2座301房"),
    ],
)
def test_ways_to_write_one_home_have_one_hash(
    state: str, city: str, district: str, detail: str
) -> None:
    assert normal_address(state, city, district, plain(detail)) == normal_address(*HOME)


@given(st.text(alphabet=" ,，.。()（）、~～", max_size=4), st.integers(0, 11))
def test_punctuation_in_an_address_changes_nothing(noise: str, at: int) -> None:
    # Between the two numbers of a door it would be a separator, so not inside digits.
    head, tail = "文三路", "1号2幢301室"
    detail = (head[:at] + noise + head[at:] if at < len(head) else head + noise) + tail
    assert normal_address(*HOME[:3], plain(detail)) == normal_address(*HOME)


@pytest.mark.parametrize(
    "other",
    [
        ("浙江省", "杭州市", "西湖区", "文三路1号23幢01室"),
        ("浙江省", "杭州市", "余杭区", "文三路1号2幢301室"),
        ("江苏省", "南京市", "鼓楼区", "文三路1号2幢301室"),
    ],
)
def test_another_door_is_another_address(other: tuple[str, str, str, str]) -> None:
    assert normal_address(*other) != normal_address(*HOME)


@pytest.mark.parametrize(
    "cipher",
    [
        "~QQdJ3a9/Zk1+bXx==~1~",
        "$Wx8k2Lm0pQ==$1$",
        "#AAAA111111#12#",
        "~AgAAAAKj5K0FdThr3gCXEjX7VukfDJ4VXsxKOdZIGJk=~QQ3T2WeW7~0~~",
        "$Y/YKpKSij9Re$AgAAAAKj5K0GdThr3gD91OwqU75VBWn0HBgJhtknQj0=$0$$",
        "##5e4wPfKQCWbYKOTVtch6Hx111111H*CgYIASAHKAESPgo8=#1##",
        "$$8nYH/kDcpQv1TTbP1cM6vQ==*CgYIASAHKAES==$1$$",
    ],
)
def test_what_a_platform_has_encrypted_says_nothing(cipher: str) -> None:
    reading = Reader(b"0123456789abcdef").read(cipher, cipher, "CN", *HOME[:3], cipher)
    assert reading == Reading((), "", "", "", "", "", "")
    # Nor is it one where it only stands in a text.
    assert Reader().read("", f"{cipher}1", "CN", *HOME[:3], "").phone_doubt == "phone_invalid"


@pytest.mark.parametrize("detail", ["", "3号", "文三路***", "西湖区文三路"])
def test_an_address_that_names_no_home_has_no_hash(detail: str) -> None:
    assert HASHER.address(*HOME[:3], detail) == ""


def test_a_name_links_only_within_its_city() -> None:
    here = HASHER.consignee("张三", "浙江省", "杭州市")
    assert here == HASHER.consignee(" 张三先生 ", "浙江", "杭州")
    assert here != HASHER.consignee("张三", "浙江省", "宁波市")
    assert HASHER.consignee("张*", "浙江省", "杭州市") == HASHER.consignee("张", "", "") == ""


def test_hashes_depend_on_the_key_and_the_kind() -> None:
    other = Hasher(b"fedcba9876543210")
    assert HASHER.phone("13800138000") != other.phone("13800138000")
    assert HASHER.of("device", "x") != HASHER.of("phone", "x")
    assert len(HASHER.device("x")) == 12


@pytest.mark.parametrize("length", [0, identity.MIN_KEY_BYTES - 1, identity.MAX_KEY_BYTES + 1])
def test_a_key_of_the_wrong_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=f"{length} bytes"):
        Hasher(b"k" * length)


RECEIVER = {
    "name": "张三",
    "phone": "13800138000",
    "country": "CN",
    "state": HOME[0],
    "city": HOME[1],
    "district": HOME[2],
    "detail": HOME[3],
}


def test_an_order_tells_whom_it_is_for_and_nothing_in_clear() -> None:
    placed, identified = facts_of(order(RECEIVER, "d1"))[2]
    assert isinstance(placed, OrderPlaced) and isinstance(identified, Identified)
    assert [kind for kind, _ in identified.identities] == [
        *("phone", "address", "consignee", "device")
    ]
    for secret in RECEIVER.values():
        if secret != "CN":
            assert secret not in repr(identified)


def test_a_device_alone_is_an_identity_and_no_receiver_is_none() -> None:
    facts = facts_of(order(None, "d1"))[2]
    assert [dict(f.identities).keys() for f in facts if isinstance(f, Identified)] == [{"device"}]
    assert len(facts_of(order(None))[2]) == len(facts_of(order({"state": "浙江省"}))[2]) == 1


@pytest.mark.parametrize(
    "phone",
    [
        *("00000000000", "11111111111", "12345678901", "13800000000", "17000000000", "13812345678"),
        # Hotlines, a virtual number of a platform, and numbers that every town has.
        *("400-820-8820", "8008208820", "95013123456789", "9501312345678-1234", "85551234"),
        *("1008611", "29912345670"),
    ],
)
def test_a_number_that_strangers_share_is_no_identity(phone: str) -> None:
    assert kinds_of({**RECEIVER, "phone": phone}) == ["address", "consignee"]


@pytest.mark.parametrize(
    ("phone", "country"),
    [
        *(("13900001111", "CN"), ("0571-88881234", "CN"), ("0571-88881234-801", "CN")),
        *(("85291234567", "CN"), ("+14155550100", "CN"), ("4155550100", "US")),
    ],
)
def test_a_number_of_one_person_is_an_identity(phone: str, country: str) -> None:
    receiver = {**RECEIVER, "phone": phone, "country": country}
    assert kinds_of(receiver) == ["phone", "address", "consignee"]


@pytest.mark.parametrize(
    ("phone", "is_known"),
    [("0571-88881234", False), ("0571-88881234-801", True), ("13900001111", True)],
)
@pytest.mark.parametrize("place", ["浙江大学紫金港校区3舍", "创业大厦A座1201室", "菜鸟驿站"])
def test_the_landline_of_a_place_that_strangers_share_is_theirs_too(
    place: str, phone: str, is_known: bool
) -> None:
    found = kinds_of({**RECEIVER, "detail": place, "phone": phone})
    assert ("phone" in found) is is_known


@pytest.mark.parametrize(
    "device",
    [
        *("web", "H5", " unknown ", "null", "(null)", "undefined", "0", "-", " ", "ffffffff"),
        *("00000000-0000-0000-0000-000000000000", "9774d56d682e549c", "02:00:00:00:00:00"),
        # Of the empty text, by MD5, SHA-1 and SHA-256.
        "D41D8CD98F00B204E9800998ECF8427E",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ],
)
def test_a_placeholder_for_a_device_is_no_identity(device: str) -> None:
    assert [type(fact) for fact in facts_of(order(None, device))[2]] == [OrderPlaced]
    assert kinds_of(RECEIVER, device) == kinds_of(RECEIVER)


def kinds_of(receiver: dict[str, str], device: str | None = None) -> list[str]:
    facts = facts_of(order(receiver, device))[2]
    (identified,) = [fact for fact in facts if isinstance(fact, Identified)]
    return [kind for kind, _ in identified.identities]


def test_doubts_and_regions_are_facts_of_their_own() -> None:
    facts = facts_of(order({**RECEIVER, "detail": "asdf", "phone": "12345"}))[2]
    (doubted,) = [f for f in facts if isinstance(f, ReceiverDoubted)]
    assert (doubted.order_id, doubted.address) == ("o", "detail_placeholder")
    assert doubted.phone == "phone_invalid"
    facts = facts_of(order({**RECEIVER, "country": "HK"}))[2]
    assert [f.region for f in facts if isinstance(f, SentAbroad)] == ["HK"]


def test_a_change_of_the_receiver_always_leaves_a_fact() -> None:
    _, value = order(None)
    changed = {
        **{k: value[k] for k in ("event_id", "schema_version", "occurred_at", "shop_id")},
        "buyer_id": "b",
        "type": "address_changed",
        "order_id": "o",
        "receiver": RECEIVER,
    }
    (fact,) = facts_of(("orders", changed))[2]
    assert isinstance(fact, Redirected)
    same = facts_of(order(RECEIVER))[2][1]
    assert isinstance(same, Identified)
    assert fact.identities == same.identities
