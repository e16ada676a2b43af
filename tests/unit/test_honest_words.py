"""What honest buyers and shops say about addresses, numbers and freight, which once accused them."""

from __future__ import annotations

import pytest

from benchmarks.wordings import level
from streams.detect.address.details import doubts, plain
from streams.detect.text.seller import read_seller
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


@pytest.mark.parametrize(
    "text",
    [
        # What is wrong, in words that no list had.
        "收到的苹果烂掉一半,赔我20块钱就行,不然我给差评",
        "灯打开一闪一闪的,赔我30,不赔我就差评",
        "行车记录仪老死机,给我补50,不然一星",
        "车厘子一称少二两,转我20吧,不转我给中评",
        "榴莲就三房肉还是生的,赔我八十不然差评",
        "汤全洒了,赔我三十,不赔我就差评",
        "一箱牛奶三盒胀了,转我15,不转就投诉",
        "跑步机显示屏花屏,给我三百我找人修,不然投诉",
        "窗帘尺寸做错了,重做或者给我一百五,不然投诉你",
        # Time that was lost, and an order that the shop gave up.
        "说好今天送货我请假等了一天,误工费给我两百,不给我投诉",
        "改了三次安装时间,每次我都请假,误工费总得给吧,不然投诉",
        "预售说15号发,今天20号了,赔我十块红包,不赔我投诉",
        "一元秒杀抢到了,你们砍单,赔我300,不赔12315",
        # So little for what is wrong.
        "鸡蛋碎一半,转我12块就好,不转就差评哦",
        "玩偶眼睛掉了一只,给我五块我自己缝,不给就差评",
        # A refund, and what is one's own.
        "话费充错号了,能退吗,不退我投诉",
        "充值一百没到账,订单截图给你了,再不到我投诉了",
        "酒店订单取消不给退,两百块,再不退我就曝光了",
        "打赏主播的钱能退吗,小孩子充的三千,不退我投诉抖音",
        "分享赚的佣金提现失败,15块,再不到账我投诉支付宝",
        "预付定金一千,你们不做了,转回来,不转法院见",
        "稿费三百还没付,图你们都用了,不付我找律师",
        "你们用了我的照片,要么删除要么付版权费一千,否则起诉",
        "积分兑换的50话费没到,不给我投诉",
        "晒单有礼写着10元红包,不给?那我改一星",
        "中奖说送话费50,到现在没到账,再不充我就投诉了",
        "你们回收报价三百,到手压到一百,不给三百就退回来,不然投诉",
        # Who offers work, or a price.
        "您好,我们是做测评的,能不能寄两款样品,费用300一条视频,不合作也没关系",
        "直播切片授权要多少钱,一千够吗,还是按提成",
        "我是团长,群里都等着,报价低于60我就开团,不然换别家",
        "货到付款两百块,开箱验货不行我拒收",
        "论坛赞助的胸牌三百个,开票,不开财务不给报",
        "同城群里说你们家五十块三斤,怎么我看是六十,不给五十我就不买了",
        "截图给你看,别家才卖两百,你给我两百,不给我去他家",
        # What others did.
        "消协调解说赔我五百,你们同意吗,不同意就仲裁",
        "我自己也是开店的,昨天遇到敲诈的,张嘴要两千不然恶拍,你们也小心",
        "我在别的店买到假货,那店要我撤诉给我三百,要不要接受?",
        "收到一封邮件说我不付500就曝光我照片,报警了,心情不好回复慢",
        "我看到有个买家在评论里说不给五百就天天刷差评,真离谱",
        "老板别理那些要钱的,拍下不付款的举报他",
    ],
)
def test_who_has_a_claim_an_offer_or_a_story_is_not_warned_of(text: str) -> None:
    assert level(text) != "warn"


@pytest.mark.parametrize(
    "said",
    [
        "杯子把手断了|给我二十吧|不给我就退货差评",
        "快递外面都瘪了|里面也瘪|给我50|不然我要投诉",
        "鱼死了三条|照片发你了|转我45就行|不转我给差评",
    ],
)
def test_so_little_after_its_reason_only_informs(said: str) -> None:
    talk = Talk()
    for number, text in enumerate(said.split("|")):
        talk.said(text, 60 * number)
    alerts = [a for a in run(talk.events, ms(DAY)).alerts if a.detector == "D04"]
    assert alerts[-1].severity == "info"


@pytest.mark.parametrize(
    "text",
    [
        "你看下我地址写的是不是北苑路88号,好评卡的红包怎么领",
        "我评价了,红包还没返,下单的收货信息错了能改吗",
        "晒图返现的红包没收到,下次还寄老地址",
        "下次还寄以前的地址,晒图有红包吗",
        "亲,这单发到哪里了,物流不动,好评的返现也没收到",
        "退货寄到哪里,发票要不要寄回,返现要不要退",
        "发票退回寄到哪里,好评返现的钱要扣吗",
    ],
)
def test_what_was_promised_is_told_or_goes_back_is_no_bait(text: str) -> None:
    signals = read_chat(text)
    assert sum(signals.has(theme) for theme in ("cashback", "address.", "invoice.")) < 2


@pytest.mark.parametrize(
    "text",
    [
        "手机卡不错,月租19,返利说清楚了,客服微信教激活",
        "法律书不错,案例讲到兼职刷单诈骗,很有用",
        "宝妈推荐的,群里都在用,客服私聊教我怎么用",
        "二手手机成色不错,原价三千多,电池健康90,卖家微信回复很快",
        "用了店铺的大额券,客服在旺旺联系我的",
        "好评返2元,扫码领红包,领到了",
        "卖家服务一流,加我微信发安装视频,省钱省心",
        "复刻版球鞋,做工好,客服微信发实拍",
        "想要链接的私我,不过我是路人不赚钱哈",
        "微辣的好吃,加微辣酱料正好,批发十包回家",
        "QQ糖好吃,qq弹弹,批发给孩子们吃",
        "微信扫码付款更便宜,优惠券好用",
        "找我老公报销了,佣金小能手的他说便宜",
        "私信问我的姐妹太多了,统一回复:尺码M,券后89",
        "关注公众号领了10元优惠券,划算",
        "扫包装二维码进群领券,真的有券",
        "我是在返利app看到的,返了3块,东西也好",
        "有需要的可以入,原价299现在99",
        "旺铺转让贴纸质量好,联系电话位置留得够",
        "兼职老师推荐的教材,扣扣群里同学都买了",
        "网络兼职骗子多,这本防骗书不错",
    ],
)
def test_whose_way_is_the_shops_and_who_only_names_one_advertises_nothing(text: str) -> None:
    assert not read_review(text).has("ad.")


@pytest.mark.parametrize(
    "text",
    [
        "小说里他家住和平路18号,看得我好奇",
        "客服给的维修点地址中山北路100号,过去修好了",
        "师傅从建国路9号的网点过来安装,很快",
    ],
)
def test_homes_in_books_and_service_points_are_nobodys(text: str) -> None:
    assert not read_review(text).has("leak.")


@pytest.mark.parametrize(
    "text",
    [
        "您这单满500,可以开专票,税点我们承担",
        "这是裸价不含运费的哦,发票可以开",
        "税务系统升级,今天开不了票,明天一早给您开",
        "跨境的关税自理,包税线路的贵一点",
        "海外仓发货,关税补税需要买家清关",
        "车票无票补票那是铁路的哈哈",
    ],
)
def test_whose_tax_it_is_and_when_it_comes_is_no_refusal(text: str) -> None:
    assert "refuses_invoice" not in read_seller(text).kinds


@pytest.mark.parametrize(
    "text",
    [
        "退货10天了,500块钱什么时候给我?不给我就投诉",
        "我退的货你们签收了,500转我,不然投诉",
        "拼团没成功,把50块给我,不然投诉",
        "微信上多转的300转我,不然投诉",
        "补差价链接多拍了,转我100,不然差评",
        "垫付的25转我,不然差评",
        "我自费寄回的,25给我,不然差评",
        "订金两百你们给我,不给我就投诉",
        "津贴50没给我减,给我50不然投诉",
        "老师傅来装,加收我80,把80给我,不然投诉",
        "100元话费没到账,给我,不然投诉",
        "旧机回收估价800,收货后变成300,把500给我,不然投诉",
    ],
)
def test_ones_own_money_is_no_demand(text: str) -> None:
    assert level(text) in {"", "info"}


@pytest.mark.parametrize(
    "text",
    [
        "500转我,不然投诉",
        "把50块给我,不然差评",
        "集体退货,转我100,不然差评",
        "我接的单子是两周内让你掉出前十,定金都收了。你出六千,我可以反水。",
    ],
)
def test_twin_money_that_is_the_shops_is(text: str) -> None:
    assert level(text) == "warn"


@pytest.mark.parametrize(
    "text",
    [
        "发票抬头开错了,请重开,税号是91330106MA2ABCDE12,不然公司不给报销我只能投诉",
        "我要红色38的,不给换就差评",
        "给我2000毫安的那款,不然差评",
        "给我开500的发票,不然投诉",
    ],
)
def test_numbers_of_papers_sizes_and_batteries_are_no_sums(text: str) -> None:
    assert level(text) in {"", "info"}
    assert read_chat(text).amount_minor == 0


@pytest.mark.parametrize(
    "text",
    [
        # What others wrote, passed on without quotation marks.
        "刚才群里有人发的 转我500不然给你差评 你们是不是也遇到过这种",
        "买家:给我200,不然差评\n客服:亲,不可以的\n这个是你们家的截图吗?网上看到的",
        # A price that fell, a contract, costs that the fault had, and the dialect of Sichuan.
        "昨天589买的,今天509,差的80给我,不给我就退货给差评",
        "贵司延期交货造成我方损失5000元,依据合同第八条支付违约金5000元,否则起诉",
        "用了脸上起疹子,看病260有病历,给报销260,不然投诉药监局",
        "老板,你这个苹果全是孬的,赔我二十嘛,不然老子给差评哈",
        "你们到店无房,赔我首晚房费400,不然12315",
        "你们客服骂我,我要投诉,请道歉并赔偿精神损失",
        "I have waited 60 days. Refund my $35 or I will file a chargeback with my bank.",
    ],
)
def test_who_passes_something_on_or_names_a_reason_of_ones_own_is_not_warned_of(text: str) -> None:
    assert level(text) != "warn"


@pytest.mark.parametrize(
    "text",
    [
        "我朋友发的差评还不够吗,转我500,不然投诉",
        "你们也遇到过这种事吧,转我500,不然差评",
        "客服:转我500,不然差评",
        "服务太差的500转我,不然投诉",
        "群里有人发的套路我都会,转我500,不然天天差评",
        "违约金5000,不给就天天拍下不付款",
        "Send me $35 or I will file a chargeback with my bank.",
    ],
)
def test_twin_who_speaks_of_friends_or_of_bad_service_is(text: str) -> None:
    assert level(text) == "warn"


def test_an_address_that_is_changed_is_told() -> None:
    assert not read_chat("地址改文三路90号,发票另外寄公司").has("address.")
    assert read_chat("地址这个文三路90号,发票另外寄公司").has("address.echo")


@pytest.mark.parametrize(
    ("detail", "found"),
    [
        ("育才中学高三2班 放寒假了请勿发货等开学", ()),
        ("文三路90号 这周不在家请勿发货", ()),
        ("测试 请勿发货", ("detail_placeholder",)),
        ("文三路90号 请勿发货", ("detail_placeholder",)),
    ],
)
def test_who_is_not_at_home_may_say_when_not_to_send(detail: str, found: tuple[str, ...]) -> None:
    assert doubts(plain(detail)) == found
