"""What a buyer does to the shop or leaves undone, and what is wanted for it, in frames.

People fill them with words of their own, so that no list can hold them. What a newcomer gets wrong: a frame
alone says nothing. It is one part of a bargain, and bargains.py asks for all the others beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from streams.detect.text.lexicon import Hit


def _each(words: str, frame: str) -> str:
    """A frame with each of the words in the place of ~.

    An alternation whose branches all begin with a character is searched ten times as fast as one that has
    them in a group: the engine skips to where one of them stands.
    """
    return "|".join(frame.replace("~", word) for word in words.split(" "))


_SOME = r"[^,。!?;]"
_BAD = r"(?:差评|投诉|举报|中评|恶拍)"
# Who would hear of it: 「发给淘宝」, 「告诉你老婆」, 「跟房东说」.
_EARS = (
    r"(?:网上|平台|淘宝|天猫|京东|拼多多|抖音|快手|小红书|微博|朋友圈|媒体|大家|所有人|老[婆公]|丈[母人]|爱人|媳妇|嫂子|房东|物业"
    r"|法务|品牌|厂家|同行|客户|邻居|税[务局]|工商|城管|消防|有关部门|人社|劳动局|警[察方]|公安|记者|电视|群|论坛|领导)"
)
_TOLD = re.compile(
    _each(
        "发 传 晒 挂 贴 讲 说 捅 告 抖 散 公开 爆 聊 交 递 寄 反映 打电话 通知 投 转",
        rf"~(?:到|给|在|出|去|上|一?下|你家?|您|你们){{0,3}}{_SOME}{{0,4}}?{_EARS}",
    )
    + "|"
    + _each(
        "跟 和 找 去 到 向 在",
        rf"~{_SOME}{{0,6}}?{_EARS}{_SOME}{{0,4}}?(?:说|讲|聊|反映|告|举|闹|坐|唠|骂|刷|叨)",
    )
)
# What is undone once it is paid for: 「两百我就删」, 「照片可以撤下」, 「差评就撤」.
_TAKEN_BACK = re.compile(
    "|".join(
        (
            _each("差评 投诉 举报 中评", rf"~{_SOME}{{0,6}}就(?:撤|删|改)"),
            _each(
                "我 就 秒 可以 你 他 要我 让我 想我",
                r"~(?:马上|立马|立刻|直接|就|全部?|给你){0,2}(?:删(?!除订单|了)|撤(?!回|离|了)|抹)",
            ),
            _each(
                "帖 帖子 文章 视频 笔记 图 图片 评论 长文 稿 稿子 录音 证据 材料",
                r"~[都也就可]?(?:不[发提递寄]|删(?!了)|撤(?!了)|走|不存在|消失|隐藏|作废|没)",
            ),
            _each(
                "可以 能 帮 就 自己 我",
                rf"~{_SOME}{{0,10}}?(?:拿掉|退掉|挪出|撤下|去掉|划掉|抹掉|压下|删掉|推掉|销毁|粉碎|[撕烧]了|注释掉)",
            ),
        )
    )
)
# The price of peace: 「给了我就不闹」, 「保你没差评」, 「这事到此为止」.
_LEFT_ALONE = re.compile(
    "|".join(
        (
            _each(
                "我就 就 我",
                r"~(?:会|马上|自然|立刻|立马|可以|保证|再|全当)*(?:忘|失忆|消失|收手|走人|罢手|停(?![车产用了])"
                r"|不(?:[闹搞折烦缠](?!到)|知道|记得|再来|来恶|捣|计较|说(?![话清明好出上了什啥过])|讲|提|吭|张嘴|开口))",
            ),
            rf"保(?:你|您|证)?{_SOME}{{0,6}}(?:没有?|无|零|不会?有?){_BAD}",
            rf"无{_BAD}{_SOME}{{0,2}}(?:套餐|服务|保护|包月)|免{_BAD}",
            rf"收到{_SOME}{{0,4}}(?:消失|删|撤|走人)|事[儿情]?就?(?:到此为止|翻篇|拉倒|了了)",
            _each(
                "差评 投诉 举报 此事 这事",
                rf"~{_SOME}{{0,6}}(?:翻篇|过去了|免谈|作罢|到此为止|一笔勾销)",
            ),
        )
    )
)
_HITS_BACK = (
    r"(?:拍|退|差|投诉|刷(?![牙脸剧题卡微手视])|锁|拒|打一|不付|一[星起]|中评|低分|骂|举报)"
)
# Many hands, or again and again: 「二十个号一起拍」, 「天天退」.
_CROWD = re.compile(
    "|".join(
        (
            _each(
                "小号 号 账号 人 单 兄弟 姐妹 室友 同学 朋友 亲戚 条 手足 次",
                rf"~(?<=[几一二两三四五六七八九十百千\d多个]~){_SOME}{{0,10}}?{_HITS_BACK}",
            ),
            _each(
                "天天 每天 日日 隔三差五 轮流 反复 一直 连着",
                rf"~{_SOME}{{0,8}}?(?:{_HITS_BACK}|下单|催发|打电话|闹|恶心)",
            ),
            _each(
                "兄弟 姐妹 同学 室友 亲戚 粉丝 小区 全村 全家 全厂 宿舍 老乡 大家 一帮 一群 一堆 叫人 喊人",
                rf"~们?(?:都|一起|去|来|给|到|上|你|店|家|里){{1,4}}{_SOME}{{0,6}}?(?:{_HITS_BACK}|冲|闹|评|砸)",
            ),
        )
    )
)
# What becomes of the shop, and where it is met again: 「你店就没了」, 「抖音见」, 「评论就来」.
_UNDONE = re.compile(
    "|".join(
        (
            _each(
                "店 生意 买卖 链接 活动 直播 号 流量 排名 权重",
                r"~[就也都可还]?(?:会|要|别想|可能)*(?:没了|完了|凉|黄|关|毁|废|掉|倒|封|下架|停|做不|开不|报不上|过不|难做)",
            ),
            _each(
                "评论 评论区 抖音 快手 小红书 微博 贴吧 朋友圈 群 群里 网上 工商 工商局 市监局 消协"
                " 消保委 税务局 税务 派出所 直播 直播间 平台 12315 12345 媒体 热搜 头条 电视 一星 法院 法庭",
                r"~(?:上|里|大厅|门口)?见(?![过到得面])",
            ),
            _each(
                "评论 差评 投诉 工商 记者 律师函 一星",
                r"~(?:就|马上|立马|自然)?(?:来(?!自)|上门)",
            ),
            rf"你{_SOME}{{0,4}}(?:损失|亏)的?(?:更大|更多|可不止)",
            rf"你{_SOME}{{0,3}}(?:孩子|爸妈|老婆|家人|住哪|行程|资料|车牌){_SOME}{{0,6}}(?:知道|清楚|都有|可爱)",
            rf"老板{_SOME}{{0,4}}(?:孩子|爸妈|老婆|家人|住哪|行程|资料){_SOME}{{0,6}}(?:知道|清楚|都有)",
            _each(
                "照片 视频 录像 截图 图片 录屏",
                rf"~{_SOME}{{0,4}}(?:往外|在我手|我拍了|我录了|我留着)",
            ),
            rf"贴(?:满|到|上){_SOME}{{0,8}}(?:楼|门|小区|墙|骗子|黑心)",
            rf"掉到?(?:第{_SOME}{{1,3}}页|榜外)|按{_SOME}{{0,6}}(?:见报|发布|刊发)",
            r"⭐(?<!⭐⭐)(?!️?⭐)|👎|💀",
        )
    )
)
_OR_ELSE = "不然 否则 要不 勿然 唔系"
_AND_THEN = (
    rf"[,\s]?(?:我(?![妈爸女儿家朋]|老[婆公])|俺|姐姐?|老子|那|可|就|只[好能]|也|要|会|一键|客观){{1,5}}{_SOME}{{0,8}}?"
    r"(?:说[^,。!?;了]|讲|写|发(?![货现票])|晒|传|评(?!论区好)|骂|闹|拍(?!下)|刷|贴|公开|喊|叫(?!人来[修装])|告诉|爆|报(?!销))"
)
# 「不送我就说你家…」: whatever the buyer says or shows if nothing is given.
_SPEAKS = re.compile(
    _each(
        "不 没",
        rf"~(?:给|转|发|付|买|合作|来|同意|返|送|打|掏|到|赔|寄)(?:的话|我|钱|呢)?{_AND_THEN}",
    )
    + "|"
    + _each(_OR_ELSE, f"~{_AND_THEN}")
)
# What befalls the buyer alone, or nobody.
_BUYER_ALONE = (
    r"(?:就|也|都|再|先|可以|还是|要|得|会|又|真|只[好能])*(?:算|不(?!客气|说|信|认|会|让)|退|换|没|理解|罢|看(?!着)|撤|下次|自己|等|别|谢|麻烦|取消|拒|放弃|用|赶|收|拿|买|来不|给|好|跟|多|少"
    r"|[妈爸儿女家朋老吃心哭死疯饿]|伤心|生气|申请|发(?![现出])|去[别他其]|[,。!?;吗么嘛]|$)"
)
_WHATEVER = (
    r"(?:的话|我|钱|呢|是吧|,|\s){0,3}(?:就|那)?"
    rf"(?:(?:我|俺|老子|咱们?)(?!{_BUYER_ALONE}){_SOME}|你(?!们?(?:也|可以|帮|给))|[让叫把][你他大]"
    rf"|(?:明[天早]|今晚|后天|晚上|天天)(?!{_BUYER_ALONE})|等着|看着办|试|自(?:己看|己掂|负|行)|法[庭院]"
    rf"|后果|[别休]想|大家[都别]|店|满|马上|立[马刻]|谁都|一切){_SOME}{{0,8}}"
)
# 「不转试试」, 「不交自己看着办」: whatever else follows if nothing is given.
_FOLLOWS = re.compile(
    _each(
        "不 没 唔 冇 勿 莫",
        r"~(?:肯|想|愿意?)?(?:给|转|拨|畀|付|拿|打|交|掏|借|赞助|v|汇|充|放|包|表示|意思|整|投保)"
        + _WHATEVER,
    )
    + "|"
    + _each("不然 否则 勿然 唔系", f"~{_WHATEVER}")
)
_HARMS = (
    ("hint.exposure", _TOLD),
    ("harm.retraction", _TAKEN_BACK),
    ("harm.exposure", _LEFT_ALONE),
    ("harm.sabotage", _CROWD),
    ("harm.sabotage", _UNDONE),
    ("harm.exposure", _SPEAKS),
    ("harm.sabotage", _FOLLOWS),
)
# 「四位数」, 「你看着给」, 「合作费」: money without a sum.
_MONEY = "|".join(
    (
        _each("三 四 五 六", "~位数"),
        _each(
            "一 二 两 三 四 五 六 七 八 九 十 1 2 3 4 5",
            r"~(?:张|个[w达]|百?米)(?=[,。!?;来啊吧]|$)|~(?:条|包)(?:好|软|硬)?(?:烟|中华)",
        ),
        _each("给 来 凑 整", "~[点个]米"),
        _each(
            "你 您 老板 看着 随便 店家",
            r"~们?给(?:点|多少|个数)(?!优惠|赠|小样|面子|时间|反应|建议|意见|折|力)",
        ),
        _each("数额 数 价 多少", r"~[你您](?:来|说|看着)?(?:定|给|开|填)"),
        r"请(?:客|(?:我|兄弟们?|大家|哥几个)[吃喝抽撸])|钱[不没]?(?:来(?!不及)|到(?:位|账|手)?(?!了)|进来)",
        _each(
            "活动 生活 授权 撤单 守护 出场 维护 提醒 版权 和解 诚意 赞助 协商 取消 车马 人情 精神"
            " 愉悦 合规 公关 咨询 压惊 投诉 封嘴 闭嘴",
            r"~经?[费款金](?!退)",
        ),
        _each("拿 出 给 要 来收 掏", r"~[点个]?小?钱(?!包)"),
    )
)
_GIFT = (
    r"再(?:免费)?送(?:我)?[一两二三几\d]|送[我两三几一二四五六\d](?![号斤点天块])|包邮送|白送"
    r"|不[要用加收算]钱(?=的|那|哈?$|呗)|免单|给我?捎上|跟你要个|充个|办张"
)
_GAINS = (("gain.money", re.compile(_MONEY)), ("gain.gift", re.compile(_GIFT)))
# 「不送我就说你家卖假货」, 「不给就写有头发」.
_LIE = re.compile(
    r"(?:就|只好|不然|否则|要不|可就|唔系|勿然|[不没][给送转同答寄免借]|退款|只能|今晚|明天|我去|我要|我可以|可以|会|都|天天|要是)[^,。!?;]{0,12}?"
    r"(?:说(?![了过好明])|讲|写|评(?!价)|传|喊|答|编|造|上传|[拍放发贴晒](?:个|张|段|你|根|图|烂|一|差)|ps|申请|选|反映|刷|走|举报)[^,。!?;]{0,12}$"
)
_LOOK_BACK = 28


def harms(folded: str) -> Iterator[Hit]:
    """What may befall the shop; a hint where only others would hear of it."""
    for code, pattern in _HARMS:
        for found in pattern.finditer(folded):
            yield Hit(code, *found.span())


def gains(folded: str) -> Iterator[Hit]:
    """What may be wanted for it, beside sums."""
    for code, pattern in _GAINS:
        for found in pattern.finditer(folded):
            yield Hit(code, *found.span())


def is_lie(folded: str, start: int) -> bool:
    """Whether a fault that begins there is going to be said of the goods, and is not told of them."""
    return _LIE.search(folded[max(0, start - _LOOK_BACK) : start]) is not None
