"""What a seller owns up to, or asks the buyer to do: words that speak for the buyer, and their lookalikes."""

from __future__ import annotations

import pytest

from streams.detect.text.seller import read_seller


@pytest.mark.parametrize(
    "text",
    [
        "不好意思亲,少发了一件,给您补发",
        "亲,我们仓库发错了",
        "抱歉,发错颜色了",
        "您寄回来的那件是我们发错的,不用管",
        "仓库同事拿错货了,真的很抱歉",
        "是我们少发了配件,今天给您补寄",
        "应该是打包的时候装错了,对不起",
        "给您发错了,退回来我们出运费",
        "核实到确实漏发一件",
        "没注意发错了,给您重新发一件",
        "不好意思,您的订单少发了一件",
        "查了监控,仓库把您和另一位客户的发反了",
        "发漏了一瓶,马上给您补",
        "仓库疏忽,给您少放了两个",
        "不好意思忘了给您放赠品",
        "對不起,我們發錯貨了",
        "查到是发货的时候漏了一件,给您补上",
        "您少的那件我们今天补寄",
        "抱歉快递丢件了,给您退款",
        "查到包裹在中转站弄丢了",
        "您的快递显示丢失,给您补发",
        "抱歉,漏了您的赠品",
        "错发的那件您先留着",
        "Sorry, we sent you the wrong color.",
        "Sorry, we sent an incorrect size",
        "We packed too few, sorry",
        "Our warehouse packed the wrong size by mistake",
        "we shipped one piece less, we will resend it",
        "Sorry dear, our colleague forgot to put the charger in",
    ],
)
def test_a_seller_owns_up_to_having_sent_something_else_or_too_little(text: str) -> None:
    assert "mistake" in read_seller(text).kinds


@pytest.mark.parametrize(
    "text",
    [
        "亲,请问少发了什么呢",
        "是不是发错了呀,您拍张照片我看看",
        "少发了哪一件?",
        "您好,我们没有发错哦",
        "仓库不会发错的,都有称重记录",
        "抱歉,核实过重量,不存在少发",
        "不好意思,您反馈的少发问题正在核实",
        "您说少发了一件,我们核实一下",
        "如有少发漏发请联系客服",
        "发错包退,放心拍",
        "不好意思,发错链接了",
        "抱歉发错人了",
        "好的,给您少放辣",
        "给您发少量样品试试",
        "我们少发漏发都包补",
        "您退回来的包裹里少装了一件",
        "不好意思,您寄错了,退回来的不是我们家的",
        "您是不是发错了地址",
        "抱歉,仓库那边怎么可能少发呢",
        "麻烦您核对一下有没有漏发",
        "怕发错,跟您再确认一下颜色",
        "您看下是我们发错了还是您买错了",
        "不是我们发错,是您选错颜色了",
        "亲,发错货是我们的责任",
        "收到您退回的包裹了,里面少了一件",
        "您退回的快递丢件了",
        "包裹没有丢失,还在路上",
        "快递丢件了吗",
        "如果快递丢件我们赔",
        "亲,货已发出",
        "快递丢件我们负责哦",
        "快递丢失由快递公司赔",
        "抱歉,包裹丢失需要您先联系快递",
        "不好意思,少发错发请在24小时内联系",
        "抱歉,您描述的漏发情况我们没有查到",
        "抱歉,漏发的问题我们仓库没有查到",
        "不好意思,我发错红包了",
        "不好意思发错语音了",
        "抱歉漏了回复您",
        "不好意思漏了您的消息",
        "Did we send the wrong color?",
        "We did not send the wrong item",
        "If we sent the wrong one please tell us",
        "We never ship the wrong size",
        "You sent back the wrong item",
    ],
)
def test_who_asks_denies_promises_or_blames_the_buyer_owns_up_to_nothing(text: str) -> None:
    assert "mistake" not in read_seller(text).kinds


@pytest.mark.parametrize(
    "text",
    [
        "您拒收一下,我们给您退款",
        "麻烦您拒签",
        "亲,到了直接拒收就行",
        "请您帮忙拒收,这批有问题,马上给您退",
        "快递到了麻烦您拒收一下哦",
        "您可以拒收,退回来我们给您退款",
        "拒收后给您退款",
        "建议您拒签,我们重新发一件",
        "送到的时候您不要签收,我们让快递退回",
        "地址发错了,需要您拒收一下",
        "有破损,麻烦您拒收,给您重发",
        "麻煩您拒簽一下",
        "已经给您拦截了,万一派送麻烦您拒收一下",
        "正在拦截,如果快递联系您,请直接拒收",
        "I ask you to refuse the parcel",
        "Please refuse the package, we will refund you",
        "Could you reject the delivery? We will send a new one",
    ],
)
def test_a_seller_asks_to_refuse_the_parcel(text: str) -> None:
    assert "wants_refused" in read_seller(text).kinds


@pytest.mark.parametrize(
    "text",
    [
        "请不要拒收哦,拒收会产生运费",
        "亲,请勿拒签",
        "您为什么拒收呢",
        "看到您已拒收,请问什么原因",
        "您拒收了吗",
        "您是要拒收吗?",
        "如果您拒收,运费需要您承担",
        "您可以拒收,但来回运费您承担",
        "签收前请验货,破损请拒收",
        "如有破损请当面拒签",
        "如果收到破损请拒收",
        "您拒收的包裹已退回仓库",
        "您想拒收也可以,不过很快就到了",
        "拒收率高会影响您的账号",
        "建议您不要拒收",
        "亲,货已发出,注意签收",
        "Please do not refuse the parcel",
        "Please refuse the parcel if it is damaged",
        "Why did you refuse the parcel?",
    ],
)
def test_who_warns_of_it_asks_about_it_or_supposes_it_does_not(text: str) -> None:
    assert "wants_refused" not in read_seller(text).kinds


@pytest.mark.parametrize(
    "text",
    [
        "亲,您直接申请仅退款就行,不用退回来了",
        "麻烦您申请一下退款,我这边给您同意",
        "金额填错了,我先拒绝一下,您重新申请",
        "您再提交一次哈,理由选其他",
        "可以的亲,您点仅退款,马上给您退",
        "您这边重新发起退款吧",
        "拒绝是系统点的,您重新发起一下哈",
        "麻煩您重新發起",
        "您申请退款,快递会拦截退回",
        "麻煩您申請僅退款",
        "您申请仅退款即可",
        "有问题的那两个您申请仅退款就行",
        "Please apply for a refund, we will agree",
        "Could you open the dispute again with the right amount?",
    ],
)
def test_a_seller_asks_to_apply_for_a_refund(text: str) -> None:
    assert "wants_applied" in read_seller(text).kinds


@pytest.mark.parametrize(
    "text",
    [
        "您可以申请退货退款",
        "麻烦您申请换货哦",
        "亲,不支持您申请仅退款哦",
        "您为什么申请仅退款呢",
        "看到您申请了仅退款,请问什么问题",
        "您申请的退款正在处理",
        "请不要再申请仅退款了",
        "您再申请仅退款我们会拒绝",
        "您重新申请退货退款,寄回来给您退",
        "您是申请仅退款吗",
        "您的退款已到账",
        "亲,有任何问题您可以申请退款哦",
        "收到货有问题的话,您可以申请退款",
        "不喜欢您可以申请退款哦",
        "不满意的话,您直接申请退款就行",
        "随便您申请退款,我们会投诉",
        "您申请退款也没用",
        "您有本事就申请仅退款",
        "您可以申请退款,平台会判",
        "您再发起退款就报警",
        "系统提示您申请退款失败",
        "麻烦您重新申请发票",
        "您重新提交一下地址",
        "您再申请一次优惠券",
        "您先申请退款,再把货寄回来",
        "您申请退款,货退回来,收到给您退",
        "Please do not apply for a refund",
        "Please return it, then we will refund",
    ],
)
def test_who_wants_it_back_refuses_or_asks_why_does_not(text: str) -> None:
    assert "wants_applied" not in read_seller(text).kinds


@pytest.mark.parametrize(
    "text",
    [
        "新疆要补20元运费",
        "亲,偏远地区需要补一下邮费",
        "您这边运费需要您补30",
        "麻烦拍一下补差价链接",
        "海外的话要加50元快递费",
        "運費需要您補20",
    ],
)
def test_a_seller_asks_for_freight(text: str) -> None:
    assert "wants_freight" in read_seller(text).kinds


@pytest.mark.parametrize(
    "text",
    [
        "包邮的亲,不用补运费",
        "退货运费需要您承担",
        "拒收的话运费要您付",
        "运费我们出",
        "我们给您补20元运费",
        "给您补10元运费",
        "您付的运费给您退",
        "要补运费吗?我帮您问问",
        "亲,已发货",
    ],
)
def test_who_pays_it_or_speaks_of_the_way_back_does_not(text: str) -> None:
    assert "wants_freight" not in read_seller(text).kinds


@pytest.mark.parametrize(
    "text",
    [
        "亲,不好意思还没发出,今天下午发",
        "系统自动点的,实际还没有寄出",
        "先点发货了,您稍等两天",
        "厂家缺人,明天才能发",
        "快递还没揽收,催一下",
        "還沒發出哦",
        "您的还没发出,明天安排",
    ],
)
def test_a_seller_says_that_nothing_has_left(text: str) -> None:
    assert "not_sent" in read_seller(text).kinds


@pytest.mark.parametrize(
    "text",
    [
        "亲,已经发出了",
        "您说还没发货,我查一下",
        "是不是还没发出呀",
        "还没发货吗?",
        "如果还没发出会给您退款",
        "没发货前可以改地址",
        "我们没有发错货",
        "还没发货的订单会陆续发出",
        "明天发货",
        "现在下单的话明天才能发货哦",
        "您那单已经发了,新拍的明天才能发",
        "您付款后,明天才能发",
        "您退货还没寄出哦,请尽快",
        "您那边还没寄出吧",
        "发票还没寄出",
        "红包明天才能发",
    ],
)
def test_who_asks_supposes_or_promises_does_not(text: str) -> None:
    assert "not_sent" not in read_seller(text).kinds


@pytest.mark.parametrize(
    "text", ["您拍的这款厂家延期,要晚五天才能发货", "您下单的这批要再等三天发货", "推迟到下周发货"]
)
def test_a_seller_says_that_it_will_be_late(text: str) -> None:
    assert "out_of_stock" in read_seller(text).kinds


@pytest.mark.parametrize(
    "text", ["现在拍要等三天才能发货", "您再拍的话要过两天发货", "下单后要等3天才能发货"]
)
def test_how_late_the_next_order_would_be_says_nothing_of_this_one(text: str) -> None:
    assert "out_of_stock" not in read_seller(text).kinds
