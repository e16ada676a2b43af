"""What excuses honest buyers and shops must not excuse who only borrows the words or ticks the box.

Each is the nearest attack to an honest wording of `test_honest_words` or `test_honest_lookalikes`.
"""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.wordings import level
from streams.detect.text.seller import read_seller
from streams.detect.text.signals import read_chat, read_review
from tests.example_stories import events_of, ms, seconds
from tests.pipeline import run

Event = dict[str, Any]


def severities(events: list[Event], until: str, detector: str) -> list[str]:
    ordered = sorted(events, key=lambda event: seconds(event["at"]))
    told = run(events_of(ordered), ms(seconds(until))).alerts
    last = {alert.alert_id: alert for alert in told if alert.detector == detector}
    return [alert.severity for alert in last.values()]


@pytest.mark.parametrize(
    "text",
    [
        # Of oneself, though somebody is spoken of.
        "我这个人说到做到,不给500就差评",
        "我这人说话算话,给500我撤诉,不给就投诉",
        "你这个人说话太难听,500私了,不然我投诉",
        # A time that is set, no past.
        "今晚八点以前,差评还是给我500,你选",
        "25号之前投诉,500私了就算了",
        # Thanks in advance, and a question that is none.
        "谢谢老板给500元红包,否则我就投诉",
        "先谢谢老板500元红包了,不给就差评",
        "要么差评要么500,微信转账行吗",
        "500元,微信转账可以吗,不然我就给差评",
        "差评還是500?微信轉賬行不?",
    ],
)
def test_a_threat_in_the_words_of_who_reports_thanks_or_pays(text: str) -> None:
    said = read_chat(text)
    assert said.has("threat.") and said.has("demand.money")


@pytest.mark.parametrize(
    "text",
    [
        "微信转账可以吗?不然我付不了款,只能拒收了",
        "谢谢你们的50元红包,我去把差评改了",
        "刚才这个人说500私了,不然投诉你们",
    ],
)
def test_twin_who_cannot_pay_gives_thanks_or_reports(text: str) -> None:
    said = read_chat(text)
    assert not (said.has("threat.") and said.has("demand.money"))


@pytest.mark.parametrize(
    "text",
    [
        "订单12524332616616492收货信息没问题吧,念一下",
        "订单12524332616616492收貨信息改好了嗎",
        "订单12524332616616492收货地址是上海那个,没错吧",
        "订单12524332616616492收货信息已经发我了吗",
        "确认地址没变,发票寄到北京",
    ],
)
def test_a_receiver_that_is_put_to_be_confirmed_is_asked_for(text: str) -> None:
    assert read_chat(text).has("address.ask")


@pytest.mark.parametrize(
    "text", ["发票寄到南京西路1266号对不对,好评返现吗", "你们发到人民路88号了没,发票分开寄"]
)
def test_an_address_that_is_asked_about_is_one_to_confirm(text: str) -> None:
    assert read_chat(text).has("address.echo")


@pytest.mark.parametrize(
    "text",
    [
        "对不起,地址改成世纪大道100号,发票寄到北京",
        "收货地址是老家的,确认收货后把发票寄到公司",
        "收货信息没变,发票寄到公司可以吗",
    ],
)
def test_twin_an_address_that_is_told(text: str) -> None:
    assert not read_chat(text).has("address.")


@pytest.mark.parametrize(
    "text",
    [
        "自称客服骗走我500",
        "收到短信点了链接",
        "收到短信说派送失败,让我点链接",
        "有人打电话说包裹到了损坏要理赔,让我屏幕共享",
        "自称快递说取件码过期,要我银行卡验证码",
    ],
)
def test_an_impostor_who_speaks_of_a_parcel(text: str) -> None:
    assert read_chat(text).has("scam")


@pytest.mark.parametrize(
    "text",
    [
        "死全家的东西,发来一堆蟑螂",
        "黑店死全家,衣服里有蟑螂",
        "衣服裡有蟑螂,黑店死全家",
        "包裹里爬出小强,傻逼",
        "傻逼店铺,买的小说全是盗版",
        "卖这种小说的都是傻逼",
        "发货的都是畜生,发来的米里有臭虫",
        "蚊帐破的,狗娘养的",
    ],
)
def test_vermin_in_the_parcel_excuses_no_insult(text: str) -> None:
    assert read_review(text).has("abuse.")


@pytest.mark.parametrize(
    "text", ["粘鼠板好用,老鼠一家断子绝孙", "蟑螂药一放,全家死光", "男主王八蛋,女主人渣,还是好看"]
)
def test_twin_vermin_and_people_in_books(text: str) -> None:
    assert not read_review(text).has("abuse.")


def test_whose_home_is_behind_an_address_to_return_to() -> None:
    assert read_review("退货地址就是老板家文一西路969号,大家上门去闹").has("leak.address")
    assert not read_review("退货地址是卖家写的文一西路969号").has("leak.address")


@pytest.mark.parametrize(
    "text",
    [
        "亲,发票要跟货一起寄还是分开寄呢?",
        "发票要另外收费吗?不用的",
        "发票不能另外寄吗?可以的",
        "发票加一张清单可以的",
        "暂无发票,我们补寄给您",
        "平台规定商家不得拒绝开发票",
        "发票需额外填写邮箱",
    ],
)
def test_a_seller_who_asks_or_promises_refuses_no_invoice(text: str) -> None:
    assert "refuses_invoice" not in read_seller(text).kinds


def sent(order: str, units: int = 1) -> list[Event]:
    return [
        {"at": "0s", "orders.created": {"order_id": order, "units": units}},
        {"at": "20s", "payments.succeeded": {"order_id": order}},
        {"at": "20h", "shipments.shipped": {"order_id": order}},
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("退差价", []),
        ("差价50元", []),
        ("质量差价格虚高", ["warn"]),
        ("质量差,價格保護也不行,全額退", ["warn"]),
        ("仅退款不退货退运费", ["warn"]),
        ("價保沒用,不退貨", ["warn"]),
        ("price difference, I want the full amount", ["warn"]),
        ("不要部分退款", ["warn"]),
        ("商家说部分退款,我不接受部分", ["warn"]),
        ("拒绝部分退款,全部退", ["warn"]),
        ("No partial refund, give me my money", ["warn"]),
        ("坏果包赔,全额退款", ["warn"]),
        ("坏果太多,退款", ["warn"]),
        ("不退差评伺候", ["warn"]),
        ("不退差評伺候", ["warn"]),
        ("不想出运费退货", ["warn"]),
        ("partial refund, it is too small for me", []),
    ],
)
def test_d08_words_of_a_part_do_not_excuse_who_wants_all(text: str, told: list[str]) -> None:
    events: list[Event] = []
    for n in range(1, 5):
        asked = {"order_id": f"o{n}", "reason": "other", "reason_text": text}
        events += sent(f"o{n}")
        events.append(
            {"at": f"{n + 2}d", "refunds.requested": asked | {"goods_status": "received"}}
        )
    assert severities(events, "9d", "D08") == told


@pytest.mark.parametrize(("refund_only", "told"), [(True, ["warn"]), (False, [])])
def test_d12_who_refused_the_parcel_and_sends_nothing_back_has_not_received_it(
    refund_only: bool, told: list[str]
) -> None:
    asked = {"order_id": "o1", "refund_only": refund_only, "reason": "no_longer_wanted"}
    events = [
        *sent("o1", 30),
        {"at": "3d", "shipments.refused": {"order_id": "o1"}},
        {"at": "4d", "refunds.requested": asked | {"goods_status": "received"}},
    ]
    assert severities(events, "5d", "D12") == told


@pytest.mark.parametrize(
    ("title", "description", "excluded", "told"),
    [
        ("包邮 马克杯", "大陆地区包邮", ["新疆", "西藏"], ["warn"]),
        ("大陆包邮 马克杯", "", ["新疆"], ["warn"]),
        ("包邮 马克杯", "港澳台可转运", ["新疆"], ["warn"]),
        ("全国包邮 两件包邮送勺", "", ["新疆"], ["warn"]),
        ("包邮 马克杯", "港澳台不发", ["香港", "澳门", "台湾"], []),
        ("大陸包郵 馬克杯", "", ["香港特别行政区", "海外"], []),
        ("两件包邮 马克杯", "", ["新疆"], []),
    ],
)
def test_d26_what_lies_abroad_names_no_province(
    title: str, description: str, excluded: list[str], told: list[str]
) -> None:
    listing = {"title": title, "description": description, "excluded_regions": excluded}
    assert severities([{"at": "0s", "listings.published": listing}], "1d", "D26") == told


@pytest.mark.parametrize(
    "text",
    [
        # Words that tell of others, of thanks, promises, goods or reasons, put beside a plain bargain.
        "朋友问过了转我五百,不转明天让你下架",
        "师傅,转我五百,不转明天让你下架",
        "谢谢你们的照顾,转我五百,不转明天让你下架",
        "答应我的话转五百,不转明天让你下架",
        "看新闻了吗,转五百过来,不转明天让你下架",
        "良心点,转五百过来,不转明天让你下架",
        "样品收到了,转五百过来,不转明天小红书见",
        "颜色很好看,转五百过来,不转明天让你下架",
        "尺寸合适,转五百过来,不转明天让你下架",
        "我是学生的家长,转五百过来,不转明天让你下架",
        "坏话我会说的,转五百过来,不转明天让你下架",
        "我心都碎了,转五百过来,不转明天让你下架",
        "破财消灾懂吗,转五百过来,不转明天让你下架",
        "别人都说你好,给我500,不给我就差评",
        "给我500,不给差评,我有作业要写",
        # The whole message between quotation marks, or typed character by character.
        "“转我五百,不转明天让你下架”",
        "转 我 五 百 , 不 转 明 天 让 你 下 架",
        "给 我 5 0 0 不 给 就 差 评",
        "给我5 00,不给就差评",
        "V我500,不V就让你下架",
        # Little by little.
        "转我50,一共十单每单50,不转让你下架",
    ],
)
def test_one_word_more_does_not_hide_a_bargain(text: str) -> None:
    assert level(text) == "warn"


@pytest.mark.parametrize(
    "text",
    [
        "客服答应过我转五百,不转我就让你们下架",
        "听说有人要五百,不给就让你下架,真有这种事?",
        "退我500,不给差评的",
        "法律课作业:买家说给我500,不给我就差评,算敲诈吗",
    ],
)
def test_twin_who_was_promised_or_tells(text: str) -> None:
    assert level(text) != "warn"


@pytest.mark.parametrize(
    "text",
    [
        "客服人好,返利加微信 xsq00012",
        "骗子太多,兼职来我这,加v xsq00012",
        "领了大额券,姐妹们私我",
        "招 手 工 活 一 天 一 百 加 我",
    ],
)
def test_what_excuses_reviews_excuses_no_advertising(text: str) -> None:
    assert read_review(text).has("ad.")


@pytest.mark.parametrize(
    "text",
    [
        "税点您承担,我们不承担",
        "专票要加六个点,周一上班开",
        "裸价,不带票,收据可以",
        "开 票 要 加 六 个 点",
    ],
)
def test_what_excuses_sellers_excuses_no_refusal(text: str) -> None:
    assert "refuses_invoice" in read_seller(text).kinds
