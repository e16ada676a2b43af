"""What honest buyers and shops say about addresses, numbers and freight, which once accused them."""

from __future__ import annotations

import pytest

from streams.detect.text.signals import read_chat, read_review
from tests.oracle.story import DAY, ms
from tests.pipeline import run
from tests.talk_stories import Talk


@pytest.mark.parametrize(
    "text",
    [
        "发票寄到杭州市文三路90号3号楼,商品寄到家里,谢谢",
        "发票请寄到我公司:南京西路1266号",
        "地址改成上海市浦东新区世纪大道100号,发票寄到北京公司",
        "上次说好返红包的,这次寄到中山路88号",
    ],
)
def test_where_something_is_to_go_is_no_address_to_confirm(text: str) -> None:
    assert not read_chat(text).has("address.")


@pytest.mark.parametrize(
    "text",
    [
        "地址这个中山路88号,发票和商品分开发",
        "是寄到中山路88号吗?发票分开发",
        "确认一下,寄到中山路88号,好评返现吗",
    ],
)
def test_twin_an_address_that_is_to_be_confirmed_is_one(text: str) -> None:
    assert read_chat(text).has("address.")


@pytest.mark.parametrize(
    "text",
    ["收货地址是学校,发票寄到家里", "收货信息没变,发票单独寄", "收件人电话已改,发票另寄"],
)
def test_a_receiver_that_is_spoken_of_is_not_asked_for(text: str) -> None:
    assert not read_chat(text).has("address.ask")


@pytest.mark.parametrize(
    "text",
    [
        "订单320198765432100001的收货地址是",
        "订单320198765432100001收货地址是哪里",
        "320198765432100001收货地址是不是写错了",
        "320198765432100001收货信息发我一下",
    ],
)
def test_twin_a_receiver_that_is_asked_for(text: str) -> None:
    assert read_chat(text).has("address.ask")


@pytest.mark.parametrize(
    "text",
    [
        "打了店家电话13800001111,老板很耐心教我安装,好评",
        "卖家留的售后电话13800001111一直打不通",
        "客服给的快递电话13912345678打不通",
        "卖家发货地址是义乌市北苑街道秋实路123号,退货寄那里",
        "卖家让我退到杭州市余杭区文一西路969号,运费自己出",
        "收件人写我老公13912345678,结果给放驿站了",
    ],
)
def test_lines_and_places_of_the_trade_and_ones_own_family_are_no_leak(text: str) -> None:
    assert not read_review(text).has("leak.")


@pytest.mark.parametrize(
    "text",
    [
        "快递员电话13912345678,大家骂他",
        "卖家电话13912345678,打爆他",
        "老板老婆13912345678,去骚扰她",
        "发货的老板住在中山路88号",
    ],
)
def test_twin_a_persons_own_number_or_home_is_a_leak(text: str) -> None:
    assert read_review(text).has("leak.")


@pytest.mark.parametrize(
    "text",
    [
        "有人给我打电话,是送货的,银行卡付款可以吗",
        "收到短信说包裹到了,我转账给驿站了3块",
        "我收到短信验证码登不上去",
    ],
)
def test_a_courier_is_no_impostor(text: str) -> None:
    assert not read_chat(text).has("scam")
    assert read_chat("收到短信说是你们客服,要我的验证码").has("scam")


@pytest.mark.parametrize(
    "text",
    [
        "蟑螂药绝了,小强断子绝孙,一窝死全家,好评",
        "杂种蚊子全死光了",
        "书里那个王八蛋男主真的是人渣,看得我气死,好看!",
        "我这个死胖子穿XXL刚好",
    ],
)
def test_vermin_people_in_books_and_oneself_are_not_insulted(text: str) -> None:
    assert not read_review(text).has("abuse.")


@pytest.mark.parametrize(
    "text", ["客服是人渣,蚊子都没死", "蚊子没死!卖家王八蛋", "你们跟蟑螂一样,断子绝孙"]
)
def test_twin_somebody_of_the_shop_is(text: str) -> None:
    assert read_review(text).has("abuse.")


@pytest.mark.parametrize(
    "text",
    [
        "刚才那个人还说要敲诈你们2000,不给就投诉,你们注意",
        "有个人私信我说让我给你们打差评,给我50块,我没答应,提醒你们一下",
    ],
)
def test_who_reports_what_somebody_else_threatens_with_threatens_nobody(text: str) -> None:
    told = read_chat(text)
    assert not (told.has("threat.") and told.has("demand."))


def test_a_company_that_pays_late_and_names_its_invoices_address_is_no_campaign() -> None:
    """Six orders wait for the cashier until the next day, and the invoice goes to the office."""
    talk = Talk()
    for number in range(6):
        talk.created(f"o{number}", number, 2)
    talk.said("发票寄到杭州市文三路90号,商品寄到家里", 3_600)
    accused = {a.detector for a in run(talk.events, ms(DAY)).alerts if a.severity != "info"}
    assert accused == {"D01"}
