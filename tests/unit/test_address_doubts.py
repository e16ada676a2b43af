"""What in a receiver is doubted, and what honest addresses have that is not."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.addresses import doubted
from streams.detect.address import details, divisions, phones
from streams.detect.address.receivers import Reader, region_of

DATA = Path(os.environ.get("ORDERWATCH_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.mark.parametrize(
    ("detail", "codes"),
    [
        ("测试", {"detail_placeholder"}),
        ("测试地址请勿发货1号", {"detail_placeholder"}),
        ("asdfasdf", {"detail_placeholder"}),
        ("不知道", {"detail_placeholder"}),
        ("随便填一个吧", {"detail_placeholder"}),
        ("12", {"detail_short"}),
        ("1号", {"detail_short"}),
        ("文三路111111111", {"detail_repeated"}),
        ("文三路1234567号", {"detail_repeated"}),
        ("文三路1号加微信abc12345", {"detail_contact"}),
        ("文三路1号加微信 abc12345", {"detail_contact"}),
        ("文三路1号 加我微信13912345678", {"detail_contact"}),
        ("文三路1号 QQ:87654321", {"detail_contact"}),
        ("文三路1号 www.example.com", {"detail_contact"}),
        ("文三路1号淘宝返利找我", {"detail_ad"}),
        ("文三路1号兼职日结", {"detail_ad"}),
    ],
)
def test_a_detail_that_cannot_be_delivered_to(detail: str, codes: set[str]) -> None:
    assert set(details.doubts(details.plain(detail))) == codes


@pytest.mark.parametrize(
    "detail",
    [
        "",
        "***",
        "文三路***号",
        "横村",
        "新田路",
        "文三路8888号",
        "检测测试中心3楼",
        "随便超市旁边",
        "无名路3号",
        "文三路1号 13800138000",
        "文三路1号2幢301室 13888888888",
        "文三路1号2幢301室 电话微信 13800138000",
        "微信支付产业园2幢",
        "大学城北路100号",
        "test大厦3楼",
        "不知道村12号",
        "清溪镇转运仓3号库 UID0000001",
        *("5组", "12组", "8村", "地址不知道怎么写,村口小卖部"),
        *(
            "888888信箱",
            "66666666部队",
            "111111路公交站",
            "工号0000001 员工宿舍",
            "学号2022111111 交大",
        ),
        *("菜鸟驿站 手机尾号8888888", "丰巢柜1234567", "邮编 000000 科技路3号"),
        *("电话029-88888888 科技路", "科技路 02988888888", "固话:8888888 科技路"),
        *("国庆期间不要发货,长安街12号", "12月5号前请勿发货 科技路8号", "科技路8号 不要发货到驿站"),
        "科技路8号 请勿发韵达",
    ],
)
def test_a_detail_of_an_honest_receiver(detail: str) -> None:
    assert details.doubts(details.plain(detail)) == ()


@pytest.mark.parametrize(
    ("detail", "place"),
    [
        ("某某集运仓A12", "forwarder"),
        ("转运公司3号库", "forwarder"),
        ("菜鸟驿站", "locker"),
        ("浙江大学紫金港校区", "school"),
        ("黄龙大厦12楼", "office"),
        ("文三路1号2幢301室", ""),
    ],
)
def test_places_that_strangers_share(detail: str, place: str) -> None:
    assert details.place(details.plain(detail)) == place


@pytest.mark.parametrize(
    ("state", "city", "code"),
    [
        ("浙江省", "杭州市", ""),
        ("浙江", "杭州", ""),
        ("内蒙古", "赤峰市", ""),
        ("浙江省杭州市", "杭州市", ""),
        ("杭州", "杭州市", ""),
        ("北京", "市辖区", ""),
        ("", "", ""),
        ("Zhejiang", "Hangzhou", ""),
        ("浙江省", "无此市", ""),
        ("廣東省", "東莞市", ""),
        ("內蒙古自治區", "烏蘭察布市", ""),
        ("廣東省", "蘇州市", "city_elsewhere"),
        ("火星省", "杭州市", "province_unknown"),
        ("浙江省", "南京市", "city_elsewhere"),
    ],
)
def test_the_declared_region(state: str, city: str, code: str) -> None:
    assert divisions.doubt(state, city) == code


@pytest.mark.parametrize(
    ("state", "city", "detail", "is_other"),
    [
        ("浙江省", "杭州市", "江苏省南京市鼓楼区", True),
        ("浙江省", "杭州市", "宁波市海曙区", True),
        ("浙江省", "杭州市", "浙江省宁波市海曙区", True),
        ("浙江省", "杭州市", "浙江省杭州市西湖区", False),
        ("浙江省", "杭州市", "浙江省西湖区", False),
        ("浙江省", "杭州市", "南京路12号", False),
        ("浙江省", "杭州市", "西湖区上海市场3号", False),
        ("浙江省", "杭州市", "江苏省南京市转杭州市西湖区", False),
        ("浙江省", "金华市", "义乌市稠城街道", False),
        ("廣東省", "東莞市", "广东省东莞市虎门镇", False),
        ("廣東省", "東莞市", "广东省深圳市福田区", True),
        ("浙江省", "宁波市", "奉化市溪口镇", False),
        ("浙江省", "", "江苏省南京市", True),
        ("", "杭州市", "江苏省南京市", True),
        ("", "", "江苏省南京市", False),
        ("湖北省", "襄樊市", "湖北省襄阳市", False),
        ("浙江省", "杭州市", "上海市民花园3幢", False),
        ("辽宁省", "大连市", "沈阳市场街9号", False),
        ("上海市", "上海市", "四川省驻沪办事处大厦", False),
        ("浙江省", "杭州市", "安徽省建工集团项目部", False),
        ("浙江省", "杭州市", "安徽省合肥市建工集团", True),
        ("浙江省", "杭州市", "上海市南京西路1号集团大厦", True),
    ],
)
def test_a_detail_that_names_another_region(
    state: str, city: str, detail: str, is_other: bool
) -> None:
    assert divisions.is_contradicted(state, city, detail) is is_other


def test_the_table_is_whole() -> None:
    table = divisions.table()
    assert len(set(table.provinces.values())) == 31
    assert table.cities["凉山"] == ("四川省", "凉山彝族自治州")
    assert len(table.places["朝阳区"]) == 2
    assert ("浙江省", "杭州市") in table.places["江干区"], "abolished, and still written"


@pytest.mark.parametrize(
    ("country", "state", "region"),
    [
        ("", "", ""),
        ("CN", "浙江省", ""),
        ("中国", "", ""),
        ("CN", "香港特别行政区", "HK"),
        ("中国澳门", "", "MO"),
        ("HK", "", "HK"),
        ("us", "California", "US"),
        ("TW", "台北", "TW"),
        ("CN", "台湾省", "TW"),
        ("CN", "台灣省", "TW"),
        ("CN", "臺灣", "TW"),
        ("中國", "澳門", "MO"),
        ("中國香港", "", "HK"),
        ("中國", "廣東省", ""),
        ("Hong Kong SAR", "", "HK"),
        ("CN", "Macau", "MO"),
        ("Taiwan", "", "TW"),
        ("The Kingdom of a Very Long Name", "", "THE KINGDOM OF A VERY LO"),
    ],
)
def test_where_a_parcel_goes(country: str, state: str, region: str) -> None:
    assert region_of(country, state) == region


@pytest.mark.parametrize(
    ("phone", "code"),
    [
        ("", ""),
        ("13800138000", ""),
        ("13888888888", ""),
        ("138****8000", ""),
        ("18412345678-1234", ""),
        ("0571-88888888", ""),
        ("0571-88888888-801", ""),
        ("88888888", ""),
        ("95013123456789", ""),
        ("85291234567", ""),
        ("886912345678", ""),
        ("18888888", "phone_invalid"),
        ("85211234567", "phone_invalid"),
        ("12345678910", "phone_invalid"),
        ("1380013800", "phone_invalid"),
        ("无", "phone_invalid"),
        ("17000000001", "phone_disposable"),
    ],
)
def test_a_phone(phone: str, code: str) -> None:
    assert phones.doubt(phone, phones.normalise(phone), {"17000000001"}) == code


# Every other word that the patterns look for.
OTHER_WORDS = """
发货 勿发 乱写 瞎写 asd qwe zxc abc xx aaa 哈哈 啊啊 呵呵 vx 扣扣 企鹅 https://a a.com t.me/x
刷单 日赚 加群 淘宝客 优惠券群 贷款加 代开发票 办证加 推广加 不详 未知 没有 待定 无 保密 地址 订单
收货 111111 货运代理 海外仓 集货仓 forwarder 驿站 丰巢 快递柜 自提 代收 智能柜 大学 学院 中学 小学
学校 校区 宿舍 写字楼 产业园 有限公司 集团 医院 酒店 宾馆 部队
"""
PIECES = st.sampled_from(
    [
        *(
            "测试",
            "请勿发货",
            "随便填",
            "asdf",
            "不知道",
            "微信",
            "qq",
            ":",
            "abc12345",
            "1",
            "1111111",
        ),
        *(
            "www.a.com",
            "返利",
            "兼职日结",
            "**",
            ".",
            "。",
            " ",
            "文三路",
            "大厦",
            "集运仓",
            "菜鸟",
            "路",
        ),
        *OTHER_WORDS.split(),
    ]
)


@given(st.lists(PIECES, max_size=8).map("".join))
def test_the_quick_look_misses_nothing(text: str) -> None:
    receiver = ("王五", "13812345678", "CN", "浙江省", "杭州市", "西湖区", text)
    reader = Reader(b"0123456789abcdef", frozenset({"13700000000"}))
    quick = details.doubts(details.plain(text)), reader.read(*receiver)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(details, "is_ordinary", lambda _: False)
        patch.setattr(phones, "is_mobile", lambda _: False)
        for pattern in ("_ODD", "_SHARED_CHARACTER", "_SHARED"):
            patch.setattr(details, pattern, re.compile(""))
        assert quick == (details.doubts(details.plain(text)), reader.read(*receiver))


def test_nothing_abroad_is_doubted() -> None:
    read = Reader().read("x", "1", "US", "火星省", "", "", "asdf")
    assert (read.address_doubts, read.phone_doubt, read.region) == ((), "", "US")


def test_real_delivery_addresses_are_left_alone() -> None:
    """At most 0.3 % of deliverable addresses, whichever way they are typed, and none critical."""
    if not (DATA / "addresses_zh").is_dir():
        pytest.skip("no reference data: set ORDERWATCH_DATA to the folder that has addresses_zh")
    for row in doubted(DATA):
        assert row.addresses > 10_000
        assert row.percent <= 0.3, row.examples
        assert row.critical == 0
