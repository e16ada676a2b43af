"""Every word that the console says, in Chinese and English, but for those of single detectors.

What is quoted from the model console (规蜜) keeps its wording. Nothing here may threaten: an alert that
nobody handles has no consequence, and no text may suggest one. The trap: keys with a dot belong to a
closed set of the contract (`severity.warn`), and `phrase` falls back to the code for a new member. What
only one detector speaks of is named in its own file, not here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone, tzinfo
from typing import Final, Literal

from schemas.alerts import Scalar, Text
from streams.detect.deadlines import TEXTS as DEADLINES
from streams.detect.episodes import MINOR_UNITS_OF
from streams.inbox.fact_words import NAMES, SIGNALS, Place, in_whole_units, money, places
from streams.inbox.rule_words import name_of, value_of
from streams.inbox.session import LOCAL_OPERATOR
from streams.inbox.snooze import MORNING
from streams.inbox.wordings import wording_of

Language = Literal["zh", "en"]
# The platforms' clock, which all of their deadlines use.
CHINA: Final = timezone(timedelta(hours=8))
_MINUTE_S: Final = 60
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+[+-]\d\d:\d\d")

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "skip": ("跳到内容", "Skip to the content"),
    "console": ("预警工作台", "Alert inbox"),
    "tab.alerts": ("预警", "Alerts"),
    "tab.complaints": ("投诉", "Complaints"),
    "tab.deadlines": ("时限", "Deadlines"),
    "tab.recharges": ("充值", "Top-ups"),
    "tab.audit": ("商品体检", "Listing audit"),
    "tab.rules": ("规则", "Rules"),
    "rules.about": (
        "本工作台所用的规则，只供查看；每个阈值都有依据和日期。"
        "检测由worker按它们自己读入的规则进行，可能与这里不同：每条预警都写着所依据的规则版本，不同时会标出。",
        "The rules that this inbox goes by, to look at; each threshold has its source and date. "
        "Workers detect by the rules that they read themselves, which may be others: every alert names the "
        "version that it was judged by, and says so where it is not the one shown here.",
    ),
    "rules.shipped": ("随软件提供的规则", "The rules that ship with the software"),
    "rules.version": ("版本 {version}", "version {version}"),
    "rules.read": (
        "读入于{at}；文件修改后几秒内生效。",
        "Read at {at}; a change of the file holds within seconds.",
    ),
    "rules.refused": (
        "规则文件已修改，但无法使用：仍按下面的规则进行。原因见日志，或运行 orderwatch rules check。",
        "The file has changed into one that cannot be used: the rules below still hold. The log says why, "
        "and so does orderwatch rules check.",
    ),
    "rules.allowed": (
        "allow 名单：{n}项（不显示），其预警静默",
        "allow list: {n} entries, not shown; their alerts are suppressed",
    ),
    "rules.muted": (
        "运行哪些检测器由worker的设置ORDERWATCH_DETECTORS决定，这里看不到。",
        "Which detectors run is set for the workers by ORDERWATCH_DETECTORS, which is not seen from here.",
    ),
    "rules.everywhere": ("没有单独设置的店铺", "Shops without rules of their own"),
    "rules.none_own": (
        "店铺{shop}没有单独设置，使用下面的规则。",
        "The shop {shop} has no rules of its own; these hold for it.",
    ),
    "rules.value": ("数值", "Value"),
    "rules.key": ("文件中的名称", "Name in the file"),
    "rules.own": ("本店设置", "the shop's own"),
    "rules.instead": ("默认{value}", "default {value}"),
    "rules.entries": ("{n}项（不显示）", "{n} entries, not shown"),
    "rules.source": ("依据 {source}（{as_of}）", "Source {source} ({as_of})"),
    "rules.other": ("与规则页不同：{version}", "not the version of the rules page: {version}"),
    "rules.shop_type": ("店铺类型", "Type of shop"),
    "shop_type.taobao": ("集市（淘宝）", "Taobao 集市"),
    "shop_type.tmall": ("天猫", "Tmall"),
    "shop_type.other": ("其他平台", "another platform"),
    "shop_type.unknown": ("未设置", "not set"),
    "audit.about": (
        "现在设置有问题的商品，以及被未付款订单占用库存的商品；与任何买家无关。处理过的预警，只要商品还没改好，也仍列在这里。",
        "Items whose listing has something wrong now, and items whose stock unpaid orders hold; no buyer is "
        "meant. One whose alert was handled stays here until it is mended.",
    ),
    "audit.empty": ("没有需要修改的商品", "No item needs mending"),
    "audit.since": ("自", "since"),
    "audit.mend": ("怎样修改", "To mend it"),
    "audit.total": ("共{n}件商品", "{n} items in total"),
    "recharge.about": (
        "充值已提交，期限内没有收到结果：可能成功，也可能失败。请登录官方查询该笔充值记录，再在此登记结果；失败时填写原因。",
        "Top-ups that were sent and had no result in time: each may have succeeded or failed. Look it up at "
        "the provider, then record the result here, with the reason if it failed.",
    ),
    "recharge.badge": ("笔充值等待登记结果", "top-ups wait for their result"),
    "recharge.waiting": ("等待登记结果", "Waiting for a result"),
    "recharge.empty": (
        "没有等待登记结果的充值。新的会自动出现在这里。",
        "No top-up waits for a result. New ones appear here by themselves.",
    ),
    "recharge.waits": (
        "列表有更新。填写期间列表保持不动，登记或清空后会刷新。",
        "The list has changed. It stands still while somebody fills in a result, and is renewed after that.",
    ),
    "recharge.sent": ("提交充值", "Sent"),
    "recharge.due": ("应有结果", "Expected by"),
    "recharge.by": ("登记人", "Recorded by"),
    "recharge.log": ("代客手工充值记录", "Recorded by hand"),
    "recharge.log_empty": ("还没有手工登记的结果。", "No result was recorded by hand yet."),
    "recharge.on_its_page": (
        "不能在此登记，请打开预警查看。",
        "Cannot be recorded here; open the alert.",
    ),
    "tab.bans": ("禁购", "Bans"),
    "complaints.about": (
        "本店发起的投诉单，以及由买家投诉引出的预警。请由人工在平台提交，本系统不会自动提交。",
        "Complaints that the shop files, and alerts that come from a buyer's complaint. "
        "A person submits on the platform; nothing is submitted from here.",
    ),
    "complaints.empty": (
        "没有由投诉引出的未处理预警",
        "No alert that comes from a complaint is to be handled",
    ),
    "board.about": (
        "处理中的预警和投诉单的全部时限，已到期的在前，其余按到期时间排列。查看和再次联系只是我们自己的约定，平台并不知道。",
        "All deadlines of alerts and complaints at work: what is due first, the rest by time. Looking at "
        "an alert and calling again are promises to ourselves; the platform knows nothing of them.",
    ),
    "board.coming": ("接下来", "Coming"),
    "board.past": ("已过期限", "Past their time"),
    "board.empty": ("没有时限", "No deadlines"),
    "board.capped": ("显示{n}条", "{n} of them shown"),
    "board.what": ("事项", "What"),
    "board.until": ("期限", "Until"),
    "board.state": ("状态", "State"),
    "board.next": ("下次提醒", "Next turn"),
    "timer.running": ("进行中", "running"),
    "timer.reminded": ("提醒", "coming up"),
    "timer.due": ("到期", "due"),
    "timer.breached": ("已过期限", "past its time"),
    "timer.over": ("已到点", "time is up"),
    "timer.met": ("已办", "met"),
    "timer.met_late": ("过期后办", "met late"),
    "case.list": ("投诉单", "Complaints of the shop"),
    "case.new": ("新建投诉单", "New complaint"),
    "case.open": ("建立", "Begin"),
    "case.about_hint": (
        "在这里整理证据、记录进度。提交由人工在平台完成。",
        "Gather the evidence and note the progress here. A person submits on the platform.",
    ),
    "case.kind": ("投诉类型", "Kind"),
    "case.about": ("对象（订单、买家账号或商品链接）", "About (orders, account or listing)"),
    "case.story": ("情况说明（中文，供提交时复制）", "What happened (in Chinese, to be copied)"),
    "case.from_alert": ("来自预警", "From the alert"),
    "case.opened": ("建立", "Begun"),
    "case.evidence": ("证据清单", "Evidence"),
    "case.noted": ("已备", "noted"),
    "case.missing": ("待备", "not yet"),
    "case.where_kept": ("存放位置或编号（可不填）", "Where it is kept, or its number (optional)"),
    "case.entries": ("投诉入口", "Where to file"),
    "case.no_entries": (
        "本店所在平台的投诉入口",
        "At the complaint entry of the shop's own platform",
    ),
    "case.as_of": ("{as_of}时的入口", "as of {as_of}"),
    "case.changed": ("这张投诉单有更新。", "This complaint has changed."),
    "case.draft_hint": (
        "证据备齐后可以登记提交。",
        "Once all evidence is noted, the submission can be noted too.",
    ),
    "case.submit_hint": (
        "请先在平台提交，再在此登记；答复期限从登记起算。",
        "Submit it on the platform first, then note it here; the time to reply runs from then.",
    ),
    "casestate.DRAFT": ("草稿", "Draft"),
    "casestate.EVIDENCE_OK": ("证据已备", "Evidence complete"),
    "casestate.SUBMITTED": ("已提交，等待答复", "Submitted, reply awaited"),
    "casestate.UPHELD": ("成立", "Upheld"),
    "casestate.REJECTED": ("不成立", "Rejected"),
    "casestate.APPEALED": ("已申诉，等待答复", "Appealed, reply awaited"),
    "casestate.DROPPED": ("已撤下", "Dropped"),
    "casestep.open": ("建立了投诉单", "began it"),
    "casestep.prove": ("登记证据", "Note it"),
    "casestep.submit": ("登记已提交", "Note: submitted"),
    "casestep.uphold": ("平台答复：成立", "Reply: upheld"),
    "casestep.reject": ("平台答复：不成立", "Reply: rejected"),
    "casestep.appeal": ("登记已申诉", "Note: appealed"),
    "casestep.drop": ("撤下投诉单", "Drop it"),
    "complaint.异常拍下": ("异常拍下", "Abnormal order 异常拍下"),
    "complaint.异常退款": ("异常退款", "Abnormal refund 异常退款"),
    "complaint.异常投诉": ("异常投诉", "Abnormal complaint 异常投诉"),
    "complaint.不合理评价": ("不合理评价", "Unreasonable review 不合理评价"),
    "complaint.恶意敲诈": ("恶意敲诈", "Extortion 恶意敲诈"),
    "complaint.广告评价": ("广告评价", "Advertising in a review 广告评价"),
    "complaint.欺诈举报": ("欺诈举报", "Fraud report 欺诈举报"),
    "complaint.盗图投诉": ("盗图投诉（D36）", "Stolen pictures 盗图投诉 (D36)"),
    "complaint.盗图申诉": (
        "盗图申诉（D36，被投诉时）",
        "Defence about pictures 盗图申诉 (D36)",
    ),
    "ban.about": (
        "绝大多数买家是诚信的，禁购只是最后的办法：只适合已经恶意下过单的买家，在平台上一旦限制就是永久有效。由一人提议、"
        "另一人批准，再由人工在平台限制；本系统不会自动提交，也不会自动提议。",
        "Most buyers are honest, and a ban is the last resort: only for who has ordered in bad faith, "
        "and permanent on the platform. One person proposes, another approves, and a person restricts on the "
        "platform; nothing is submitted or proposed from here by itself.",
    ),
    "ban.permanent": (
        "在平台上限制购买是永久有效的，无法撤销。绝大多数买家是诚信的，请先核对证据。",
        "On the platform a restriction is permanent and cannot be undone. Most buyers are honest: check the "
        "evidence first.",
    ),
    "ban.title": ("禁购买家", "Ban of"),
    "ban.new": ("提议禁购", "Propose a ban"),
    "ban.propose": ("提议禁购（永久）", "Propose the ban (permanent)"),
    "ban.next": (
        "提议后须由另一人批准，批准前不会有任何限制。",
        "Somebody else has to approve it; before that nothing is restricted.",
    ),
    "ban.reason": ("提议的理由（依据哪些事实）", "Why: the facts that it is founded on"),
    "ban.why": ("原因（必填）", "Why (required)"),
    "ban.work_hint": (
        "最后的办法，永久有效，须另一人批准。",
        "The last resort: permanent, and somebody else has to approve it.",
    ),
    "ban.from_alert": ("返回预警", "Back to the alert"),
    "ban.of_buyer": ("买家{buyer}的禁购：", "Ban of buyer {buyer}:"),
    "ban.orders": ("该买家的订单", "Orders of this buyer"),
    "ban.proposed": ("提议", "Proposed"),
    "ban.approved": ("批准", "Approved"),
    "ban.restricted": ("已在平台限制", "Restricted on the platform"),
    "ban.search": ("买家账号", "Account of the buyer"),
    "ban.changed": ("这条禁购有更新。", "This ban has changed."),
    "ban.sure": (
        "我已核对证据，知道在平台上是永久有效的",
        "I have checked the evidence and know that it is permanent on the platform",
    ),
    "ban.alone": (
        "本机未设访问口令，无法区分是谁在操作，提议和批准可能是同一人。请尽量由另一人核对。",
        "This console has no token and cannot tell people apart, so one person may have taken both steps. "
        "Let somebody else check it if you can.",
    ),
    "ban.restrict_hint": (
        "请先在平台搜索「客户运营」，限制该买家购买，再在此登记。",
        "Restrict the buyer on the platform first (search for 客户运营), then note it here.",
    ),
    "ban.lift_hint": (
        "限制有误时在此解除：本系统不再把该买家当作禁购买家。平台上的限制须由人工联系平台处理。",
        "For a restriction that was wrong: this system no longer takes the buyer for banned. What stands on "
        "the platform is for a person to take up with the platform.",
    ),
    "ban.grounds_gone": ("请考虑解除。", "Consider lifting it."),
    "ban.download": ("下载名单（xlsx）", "Download the list (xlsx)"),
    "ban.download_hint": (
        "仅含已批准的买家，供在平台「客户运营」中限制时使用",
        "Approved ones only, for 客户运营 on the platform",
    ),
    "bans.open": ("处理中", "At work"),
    "bans.standing": ("已限制", "Restricted"),
    "bans.ended": ("已结束", "Ended"),
    "bans.none": ("没有符合条件的禁购", "No ban matches"),
    "bans.empty_open": (
        "没有处理中的禁购。可在已确认为恶意的预警页面提议。",
        "No ban is at work. One can be proposed on the page of an alert that was confirmed as malicious.",
    ),
    "bans.empty_standing": ("没有已限制的买家", "No buyer is restricted"),
    "bans.empty_ended": ("没有已结束的禁购", "No ban has ended"),
    "banlist.buyer": ("买家账号", "Account of the buyer"),
    "banlist.shop": ("店铺", "Shop"),
    "banlist.orders": ("订单", "Orders"),
    "banlist.approved": ("批准时间（北京时间）", "Approved at, Beijing time"),
    "banstate.PROPOSED": ("已提议，待批准", "Proposed, to be approved"),
    "banstate.APPROVED": ("已批准，待在平台限制", "Approved, to be restricted on the platform"),
    "banstate.EXPORTED": ("已在平台限制", "Restricted on the platform"),
    "banstate.LIFTED": ("已解除", "Lifted"),
    "banstate.DECLINED": ("未批准", "Declined"),
    "banstate.WITHDRAWN": ("已撤回提议", "Withdrawn"),
    "banstep.propose": ("提议禁购", "proposed it"),
    "banstep.approve": ("批准（永久有效）", "Approve (permanent)"),
    "banstep.restrict": ("登记已在平台限制", "Note: restricted on the platform"),
    "banstep.decline": ("不予批准", "Decline"),
    "banstep.withdraw": ("撤回提议", "Withdraw the proposal"),
    "banstep.lift": ("解除（限制有误）", "Lift it (it was wrong)"),
    "list.open": ("未处理预警", "Not handled"),
    "list.snoozed": ("稍后提醒", "Snoozed"),
    "list.handled": ("已处理预警", "Handled"),
    "list.empty": ("没有未处理预警", "Nothing to handle"),
    "list.empty_hint": ("新的预警会自动出现在这里。", "New alerts appear here by themselves."),
    "list.none_snoozed": ("没有设为稍后提醒的预警", "Nothing is snoozed"),
    "list.none_match": ("没有符合条件的预警", "No alert matches"),
    "list.clear": ("清除筛选", "Clear filters"),
    "list.total": ("共{n}条", "{n} in total"),
    "list.page": ("第{page}/{pages}页", "Page {page} of {pages}"),
    "list.previous": ("上一页", "Previous"),
    "list.next": ("下一页", "Next"),
    "list.suppressed": ("另有{n}条已静默", "{n} more suppressed"),
    "list.show_suppressed": ("显示", "Show"),
    "bulk.all": ("全选本页", "All on this page"),
    "bulk.pick": ("选择：{what}", "Choose: {what}"),
    "bulk.chosen": ("已选{n}条", "{n} chosen"),
    "bulk.most": ("已选{n}条，一次最多{most}条", "{n} chosen; {most} at most at once"),
    "problem.too_large": (
        "一次提交的内容太多，没有执行任何操作。请返回上一页，少选几条预警或缩短文字。",
        "That was too much at once; nothing was done. Go back, and choose fewer alerts or write less.",
    ),
    "bulk.too_many": (
        "一次最多选50条预警，没有执行任何操作。请返回上一页，取消一部分选择。",
        "At most 50 alerts can be chosen at once; nothing was done. Go back and choose fewer.",
    ),
    "bulk.pick_group": ("选择{n}条：{what}", "Choose {n}: {what}"),
    "group.subject": ("合并：同一对象", "Grouped by subject"),
    "group.shop": ("合并：同店铺同类型", "Grouped by shop, type"),
    "group.none": ("不合并，逐条显示", "One by one"),
    "group.newest": ("最新", "newest"),
    "group.worst": ("最严重的一条：", "The most severe: "),
    "group.taken": ("已有人处理 {taken}/{n}", "taken {taken} of {n}"),
    "group.woken": ("稍后提醒已到 {back}/{n}", "back from a snooze {back} of {n}"),
    "group.first": (
        "勾选的是最严重、最新的{n}条",
        "The box chooses the {n} most severe and newest",
    ),
    "group.picked": ("勾选的是刚才的{n}条", "The box chooses the {n} of the last step"),
    "group.only": ("只看这一组：", "Only these:"),
    "group.back": ("← 返回合并列表", "← Back to all"),
    "bulk.step": ("对所选预警", "What to do with them"),
    "bulk.assign": ("转交给：{name}", "Hand over to: {name}"),
    "bulk.snooze": ("稍后提醒：{when}", "Snooze: {when}"),
    "bulk.sooner": (
        "其中{n}条有时限将到，会提前回到列表。",
        "{n} of them come back sooner, in time for a deadline.",
    ),
    "bulk.label": ("标签：{label}", "Label: {label}"),
    "bulk.do": ("执行", "Do it"),
    "bulk.waits": (
        "列表有更新。选择期间列表保持不动，执行或取消选择后会刷新。",
        "The list has changed. It stands still while alerts are chosen, and is renewed once the step is done "
        "or none is chosen.",
    ),
    "bulk.nothing": (
        "请先选择预警和操作，没有执行任何操作。",
        "Choose the alerts and what to do with them first; nothing was done.",
    ),
    "bulk.done": ("{step}：{n}条已完成。", "{step}: done for {n}."),
    "bulk.undone": ("{n}条没有执行：", "Not done for {n}:"),
    "bulk.refused": ("「{state}」时不能做这一步。", "Not possible while it is “{state}”."),
    "bulk.conflict": ("这条预警刚刚有更新。", "This alert has just changed."),
    "bulk.untried": (
        "数据库没有响应，另有{n}条没有执行，仍处于选中状态，请稍后再试。",
        "The database did not answer: {n} more were not done. They are still chosen; try again soon.",
    ),
    "bulk.interrupted": (
        "数据库中途没有响应：{done}条已完成并保存，{left}条没有执行。请稍后在列表里继续。",
        "The database stopped answering on the way: {done} are done and stored, {left} are not. Go on from "
        "the list in a while.",
    ),
    "filter.severity": ("级别", "Severity"),
    "filter.shop": ("店铺", "Shop"),
    "filter.detector": ("类型", "Type"),
    "filter.status": ("状态", "Status"),
    "filter.group": ("合并", "Grouping"),
    "filter.assignee": ("处理人", "With"),
    "filter.mine": ("我的预警", "Mine"),
    "filter.sort": ("排序", "Order"),
    "filter.search": ("预警号、买家、订单或商品号", "Alert, buyer, order or item id"),
    "filter.all": ("{name}：全部", "{name}: all"),
    "filter.apply": ("筛选", "Filter"),
    "sort.severity": ("级别优先", "Most severe"),
    "sort.newest": ("最新优先", "Newest"),
    "sort.deadline": ("期限优先", "Nearest deadline"),
    "severity.critical": ("紧急", "Critical"),
    "severity.warn": ("警告", "Warning"),
    "severity.info": ("提示", "Info"),
    "status.open": ("进行中", "Ongoing"),
    "status.resolved": ("已自行解除", "Resolved by itself"),
    "status.retracted": ("已撤回", "Retracted"),
    "status.expired": ("已过期", "Expired"),
    "status_note.resolved": ("这条预警已自行解除。", "This alert has resolved by itself."),
    "status_note.retracted": (
        "这条预警已撤回，不再成立。",
        "This alert was retracted: it does not hold.",
    ),
    "status_note.expired": ("这条预警已到期。", "This alert has expired."),
    "state.NEW": ("未处理", "New"),
    "state.REOPENED": ("重新出现", "Back again"),
    "state.IN_PROGRESS": ("处理中", "In progress"),
    "state.LABELLED": ("已标记", "Labelled"),
    "state.FILED": ("已提交备案", "Filed"),
    "state.FILED_OK": ("备案成功", "Filing accepted"),
    "state.FILED_REJECTED": ("备案未通过", "Filing rejected"),
    "state.DONE": ("已处理", "Handled"),
    "state.AUTO_RESOLVED": ("自行解除", "Resolved by itself"),
    "state.EXPIRED": ("已过期", "Expired"),
    "label.ADDRESS_OK_OR_CORRECTED": ("收货地址无误或已改正", "Address is right or corrected"),
    "label.WRONG_ADDRESS_UNREACHABLE": (
        "地址确实有误，买家联系不上（可备案）",
        "Address is wrong, buyer unreachable (can be filed)",
    ),
    "label.CONFIRMED_MALICIOUS": ("确认为恶意", "Confirmed malicious"),
    "label.FALSE_POSITIVE": ("误报", "False positive"),
    "label.BUYER_PAID": ("买家已付款", "Buyer paid"),
    "label.WITHDRAWN": ("买家已撤销", "Buyer withdrew"),
    "label.COMPLAINT_FILED": ("已向平台投诉", "Complaint filed with the platform"),
    "label.POLICE_REPORTED": ("已报案", "Reported to the police"),
    "label.TOP_UP_CHECKED": ("充值结果已核对", "Top-up looked up"),
    "channel.wangwang": ("旺旺联系", "Wangwang"),
    "channel.phone": ("拨打电话", "Phone"),
    "contact.channel": ("联系方式", "How the buyer was contacted"),
    "contact.outcome": ("是否联系上", "Whether the buyer answered"),
    "contact.answered": ("已联系上", "Answered"),
    "contact.unanswered": ("联系不上", "No answer"),
    "step.take": ("处理", "Take it"),
    "step.take_again": ("重新处理", "Take it up again"),
    "step.contact": ("记录联系", "Log the attempt"),
    "step.label": ("保存标签", "Save the label"),
    "step.relabel": ("改正标签", "Correct the label"),
    "step.file": ("提交备案", "Mark as filed"),
    "step.filing_accepted": ("备案成功", "Filing accepted"),
    "step.filing_rejected": ("备案未通过", "Filing rejected"),
    "step.reconcile": ("登记充值结果", "Record the result"),
    "recharge.succeeded": ("充值成功", "Top-up succeeded"),
    "recharge.failed": ("充值失败", "Top-up failed"),
    "step.approve": ("批准补库存", "Approve the top-up"),
    "step.refuse": ("不批准", "Refuse it"),
    "step.assign": ("转交", "Hand over"),
    "step.snooze": ("稍后提醒", "Snooze"),
    "step.wake": ("结束稍后提醒", "End the snooze"),
    "step.confirm": ("确认", "Confirm"),
    "audit.take": ("开始处理", "took it"),
    "audit.contact": ("记录了联系", "logged a contact attempt"),
    "audit.label": ("设置标签", "set the label"),
    "audit.file": ("提交备案", "marked it as filed"),
    "audit.filing_accepted": ("备案成功", "noted: filing accepted"),
    "audit.filing_rejected": ("备案未通过", "noted: filing rejected"),
    "audit.reconcile": ("登记了充值结果", "recorded the top-up's result"),
    "audit.approve": ("批准了补库存", "approved the stock top-up"),
    "audit.refuse": ("不批准补库存", "refused the stock top-up"),
    "audit.assign": ("转交给", "handed it over to"),
    "audit.tick": ("做了一步：", "did a step:"),
    "audit.untick": ("取消勾选：", "unticked:"),
    "audit.snooze": ("设为稍后提醒", "snoozed it"),
    "audit.wake": ("结束稍后提醒", "ended the snooze"),
    "wake.severity": ("级别升高", "it got more severe"),
    "wake.open": ("又在进行", "it is ongoing again"),
    "wake.deadline": ("有新的时限", "there is a new deadline"),
    "snooze.choose": ("何时再提醒", "Until when"),
    "snooze.1h": ("1小时后", "in 1 hour"),
    "snooze.4h": ("4小时后", "in 4 hours"),
    "snooze.today": ("今天 {at}", "today {at}"),
    "snooze.tomorrow": ("明天 {at}", "tomorrow {at}"),
    "snooze.monday": ("周一 {at}", "Monday {at}"),
    "snooze.until": ("到{at}", "until {at}"),
    "snooze.sooner": ("提前，因为时限：{what}", "sooner, for the deadline: {what}"),
    "snooze.back": ("稍后提醒已到 · {by}", "Back from a snooze by {by}"),
    "snooze.hint": (
        "到时自动回到列表；级别升高或有时限将到时会提前。",
        "It comes back by itself, sooner if it gets more severe or in time for a deadline.",
    ),
    "tick.do": ("标为已做：", "Tick as done:"),
    "tick.undo": ("取消勾选：", "Untick:"),
    "tick.by": ("{who} 已做", "done by {who}"),
    "tick.before": ("重新出现前 {who} 已做", "done by {who} before it came back"),
    "tick.count": ("已做{n}/{total}", "{n} of {total} done"),
    "tick.gone": ("已做，现在不再建议", "Done, and no longer suggested"),
    "audit.confirm": ("确认", "confirmed"),
    "audit.follow": ("随预警变化", "followed the alert"),
    "stage.take": ("处理", "Take"),
    "stage.contact": ("联系", "Contact"),
    "stage.label": ("标签", "Label"),
    "stage.confirm": ("确认", "Confirm"),
    "work.title": ("处理", "Handle"),
    "work.take_hint": (
        "开始处理后，同事会看到是您在跟进。",
        "Your colleagues will see that you are on it.",
    ),
    "work.assignee": ("{name} 在处理", "{name} is on it"),
    "work.contacts": ("联系记录", "Contact attempts"),
    "work.note": ("备注（可不填）", "Note (optional)"),
    "work.note_hint": ("请勿填写电话或地址", "No phone numbers or addresses, please"),
    "work.contact_hint": (
        "要备案，请先记录至少一次联系（旺旺或电话），之后才有可备案的标签。",
        "For a filing, log at least one contact attempt (Wangwang or phone) first; the label that can be "
        "filed is offered after it.",
    ),
    "work.file_hint": (
        "请先在平台提交备案，再在此登记。备案成功可不发货；若买家申请退款，直接同意即可。",
        "File it on the platform first, then note it here. An accepted filing exempts from "
        "shipping; if the buyer asks for a refund, agree to it.",
    ),
    "work.filed_ok_hint": (
        "备案成功可不发货；若买家申请退款，直接同意即可。",
        "The filing exempts from shipping; if the buyer asks for a refund, agree to it.",
    ),
    "work.file_order": ("请选择要备案的订单", "Choose the order to file"),
    "work.pending": (
        "订单{order}已提交备案，等待平台答复。",
        "Order {order} is filed; the platform has not answered yet.",
    ),
    "work.exempt": (
        "订单{orders}备案成功，可不发货；若买家申请退款，直接同意即可。",
        "The filing for order {orders} was accepted and exempts from shipping; if the buyer asks for "
        "a refund, agree to it.",
    ),
    "work.expected_supported": (
        "若后续产生缺货或未按约定时间发货原因的投诉，预计结果：支持商家。",
        "Expected outcome of a later complaint about a stockout or late shipping: supported.",
    ),
    "work.recharge": ("充值核对", "Top-up"),
    "work.recharge_id": ("充值单", "Top-up id"),
    "work.recharge_reason": ("失败原因（失败时必填）", "Reason, if it failed"),
    "work.confirm_hint": (
        "确认后移入「已处理预警」。",
        "Confirming moves the alert to “Handled”.",
    ),
    "work.label": ("标签", "Label"),
    "work.assign": ("转交给谁", "To whom"),
    "work.choose": ("请选择", "Choose"),
    "time.left": ("还剩{span}", "{span} left"),
    "time.past": ("{span}前已到期", "was due {span} ago"),
    "time.ago": ("{span}前", "{span} ago"),
    "time.now": ("刚刚", "just now"),
    "span.days": ("{d}天{h}小时", "{d} d {h} h"),
    "span.hours": ("{h}小时{m}分", "{h} h {m} min"),
    "span.whole_hours": ("{h}小时", "{h} h"),
    "span.whole_days": ("{d}天", "{d} d"),
    "span.later": ("{span}后", "in {span}"),
    "span.minutes": ("{m}分钟", "{m} min"),
    "time.zone": ("北京时间", "Beijing time"),
    "detail.shop": ("店铺", "Shop"),
    "detail.first_deadline": ("最近期限", "First deadline"),
    "detail.next_step": ("下一步", "Next step"),
    "detail.next_steps": ("建议的下一步", "Suggested next steps"),
    "detail.needs": ("前提：", "Needs:"),
    "detail.draft": ("草稿（可复制修改）", "Draft in Chinese, to copy and complete"),
    "detail.deadlines": ("期限", "Deadlines"),
    "dispute.title": ("纠纷进展", "Where the dispute stands"),
    "dispute.many": ("各起纠纷的进展", "Where each dispute stands"),
    "dispute.others": ("查找这起纠纷的预警", "Find the alerts about this dispute"),
    "dispute.until": ("协商期到{at}", "negotiation until {at}"),
    "dispute.proofs": ("已有举证：", "Evidence so far: "),
    "dispute.opened": ("发起", "Opened"),
    "dispute.stage": ("进展", "Stage"),
    "dispute.chip": ("纠纷{stage}", "dispute {stage}"),
    "disputemark.opened": ("发起", "Opened"),
    "disputemark.negotiation": ("协商", "Negotiation"),
    "disputemark.escalated": ("仲裁", "Arbitration"),
    "disputemark.arbitration_withdrawn": ("仲裁已撤回", "Arbitration withdrawn"),
    "disputemark.end": ("撤销或裁决", "Withdrawal or ruling"),
    "disputemark.withdrawn": ("已撤销", "Withdrawn"),
    "disputemark.ruled": ("已裁决", "Ruled"),
    "disputestage.negotiation": ("协商中", "in negotiation"),
    "disputestage.overdue": ("协商期已过", "past negotiation"),
    "disputestage.negotiated": ("协商已结束", "negotiation over"),
    "disputestage.escalated": ("仲裁中", "in arbitration"),
    "disputestage.arbitration_withdrawn": ("仲裁已撤回", "arbitration withdrawn"),
    "disputestage.ruled": ("已裁决", "ruled"),
    "disputestage.withdrawn": ("已撤销", "withdrawn"),
    "disputehint.negotiation": (
        "买家在协商期内自愿撤销，就不计入纠纷率；协商不成会进入仲裁。",
        "A dispute that the buyer withdraws while negotiation lasts does not count into the rate; without an "
        "agreement it goes to arbitration.",
    ),
    "disputehint.overdue": (
        "协商期已过，还没有收到撤销、升级仲裁或裁决的消息，请到平台查看。",
        "Negotiation has run out, and neither a withdrawal, nor arbitration, nor a ruling was told: look at "
        "the platform.",
    ),
    "disputehint.escalated": (
        "已进入仲裁，由平台裁决；还没提交的举证请尽快提交。",
        "The platform will rule; what has not been handed in yet should be soon.",
    ),
    "disputehint.arbitration_withdrawn": (
        "仲裁申请已撤回，等待平台的下一步消息。",
        "Arbitration was taken back; the platform has told nothing since.",
    ),
    "disputehint.ruled": (
        "平台已裁决，请按裁决处理；裁决结果不影响纠纷率。",
        "The platform has ruled: do what the ruling says. The rate does not depend on it.",
    ),
    "disputehint.withdrawn": (
        "买家已撤销，不再计入纠纷率。",
        "The buyer withdrew it, and it counts no more.",
    ),
    "ruling.refund": ("退款", "refund"),
    "ruling.return_and_refund": ("退货退款", "return and refund"),
    "ruling.partial_refund": ("部分退款", "partial refund"),
    "ruling.rejected": ("驳回", "rejected"),
    "disputereason.wrong_item": ("货不对版", "wrong item"),
    "disputereason.damaged": ("破损", "damaged"),
    "disputereason.not_received": ("未收到货", "not received"),
    "disputereason.quality": ("质量问题", "quality"),
    "disputereason.return": ("退货", "return"),
    "disputereason.other": ("其他原因", "another reason"),
    "proofof.label_photo": ("底单照片", "photo of the label"),
    "proofof.package_photo": ("外包装照片", "photo of the box"),
    "proofof.item_photo": ("实物照片", "photo of the goods"),
    "proofof.tracking_no": ("物流单号", "tracking number"),
    "proofof.text": ("文字说明", "text"),
    "party.buyer": ("买家", "buyer"),
    "party.seller": ("卖家", "seller"),
    "detail.why": ("为什么预警", "Why this alert"),
    "detail.not_if": ("什么情况下不会预警", "What would have stopped it"),
    "detail.counter": ("有利于买家的事实", "What speaks for the buyer"),
    "detail.no_counter": ("没有", "None known"),
    "detail.facts": ("计入的事实", "Facts counted"),
    "detail.facts_capped": ("列出其中{n}条", "{n} of them are listed"),
    "detail.fact_time": ("时间", "Time"),
    "detail.fact_kind": ("事实", "Fact"),
    "detail.fact_ref": ("单号", "Reference"),
    "detail.fact_detail": ("内容", "Detail"),
    "detail.yes": ("是", "yes"),
    "detail.no": ("否", "no"),
    "detail.threshold": ("阈值", "Threshold"),
    "detail.value": ("实际", "Value"),
    "detail.rule": (
        "规则版本 {version} · 依据 {source}（{as_of}）",
        "Rules {version} · source {source} ({as_of})",
    ),
    "detail.window": ("统计窗口", "Window"),
    "detail.timeline": ("经过", "History"),
    "detail.revision": ("第{n}版", "Revision {n}"),
    "detail.reason": ("原因", "Reason"),
    "detail.raw": ("下载原始 JSON", "Download raw JSON"),
    "detail.pack": ("下载证据包（zip）", "Download the evidence pack (zip)"),
    "detail.evidence": ("只下载证据材料（打印用）", "Only the evidence, to print"),
    "detail.approval": (
        "正式运行时，库存服务默认等人批准这条预警后才会补库存，批准24小时内有效；演练模式不用批准。"
        "有补库存等待批准时，可在本页批准，也可运行：",
        "Outside a dry run the stock service waits, by default, until a person has approved this alert; that "
        "holds for 24 hours. What waits can be approved on this page, or by:",
    ),
    "approval.title": ("补库存", "Stock top-up"),
    "approval.waits": ("补库存待批准", "Stock top-up waits"),
    "approval.size": ("{units}件 · {orders}个订单", "{units} units · orders: {orders}"),
    "approval.orders": ("订单号（{n}）", "Order ids ({n})"),
    "approval.until": ("平台关单", "Closed by the platform"),
    "approval.rehearsal": ("演练", "Rehearsal"),
    "approval.hint": (
        "这些商品被未付款订单占用。批准后按台账补可售库存，24小时内对本预警现在和以后列出的订单有效，"
        "不超过预算和实际库存；付款、关单或预警结束后自动收回。总开关优先。",
        "Unpaid orders hold these units. Approved, the ledger tops up sellable stock for the orders that "
        "this alert names now or within 24 hours, never beyond budgets and stock; it is taken back "
        "once an order is paid or closed, or the alert ends. The kill switch wins.",
    ),
    "approval.sent": (
        "已发给库存服务，还没有它的回应：它没有运行时，恢复后会处理，不用再点；也可能另一条预警已批准这些订单。",
        "Sent to the stock service, which has not answered. Where it is down it acts on this once it is "
        "back, so there is no need to click again; or another alert about these orders was approved.",
    ),
    "approval.refuse_hint": (
        "不再为本预警补库存，已补的收回；以后仍可批准。",
        "Nothing more is topped up for this alert, and what was is taken back; it can be approved later.",
    ),
    "stock.needs_approval": ("等待批准", "Waits for a person"),
    "stock.approval_refused": ("未批准，没有补或已收回", "Refused: not topped up, or taken back"),
    "stock.top_up": ("已补", "Topped up"),
    "stock.suggest_deduct_on_payment": (
        "不补，建议改为付款减库存",
        "Not topped up: deduct on payment instead",
    ),
    "stock.already_deducts_on_payment": (
        "不用补，已是付款减库存",
        "Not needed: deducted on payment",
    ),
    "stock.stock_unknown": ("不补，库存未知", "Not topped up: stock unknown"),
    "stock.stock_too_low": ("不补，库存不足", "Not topped up: too little stock"),
    "stock.item_budget": ("不补，商品预算已用完", "Not topped up: the item's budget is used up"),
    "stock.shop_budget": ("不补，店铺预算已用完", "Not topped up: the shop's budget is used up"),
    "stock.kill_switch": ("不补，总开关已停", "Not topped up: the kill switch is on"),
    "stock.no_units": ("不用补", "Nothing to top up"),
    "stock.order_paid": ("已收回，订单已付款", "Taken back: the order was paid"),
    "stock.order_closed": ("已收回，订单已关闭", "Taken back: the order was closed"),
    "stock.auto_close_due": ("已收回，平台关单", "Taken back: the platform closes the order"),
    "stock.alert_ended": ("已收回，预警已结束", "Taken back: the alert has ended"),
    "stock.stock_shrank": ("已收回，库存减少", "Taken back: stock shrank"),
    "stock.top_up_refused": ("没有补，执行方拒绝", "Not topped up: it was not carried out"),
    "stock.top_up_failed": ("没有补，执行失败", "Not topped up: carrying it out failed"),
    "stock.reverse_refused": (
        "收回未执行，须人工核对平台库存",
        "Not taken back: check the stock at the platform",
    ),
    "stock.reverse_failed": (
        "收回失败，须人工核对平台库存",
        "Taking back failed: check the stock at the platform",
    ),
    "detail.police": (
        "下载报案材料草稿（打印用）",
        "Draft of the police report, to print (in Chinese)",
    ),
    "evidence.title": ("证据材料", "Evidence"),
    "evidence.made": ("整理于{at}", "Put together at {at}"),
    "evidence.about": (
        "由店铺的事件记录整理，供人工核对和提交，不是平台的认定。时间为{zone}；电话和街道地址已隐去。",
        "Put together from the events of the shop, for a person to check and to submit; no ruling of the "
        "platform. Times are those of {zone}; phones and street addresses are masked.",
    ),
    "evidence.doubted": (
        "处理人已标记为「{label}」，请勿据此投诉。",
        "Whoever handled it labelled it “{label}”. Do not complain on its grounds.",
    ),
    "evidence.part_doubted": (
        "所含预警中有已撤回或已标记为不成立、已了结的，请勿合并投诉；仍成立的见下。",
        "Of the alerts that this one puts together, some were retracted or labelled as not so or as settled. "
        "Do not complain about them as one; those that still hold are below.",
    ),
    "evidence.absent": (
        "所含预警{alerts}不在本系统内，其证据未列出。",
        "Not in this system, so without their evidence here: the alerts {alerts}.",
    ),
    "evidence.too_many": (
        "所含预警共{total}条，此处列出其中{n}条，其余请逐条下载。",
        "{n} of the {total} alerts that it puts together are here; download the others one by one.",
    ),
    "evidence.stands_not": (
        "预警已撤回，事实不支持，请勿据此投诉。",
        "The alert was retracted; the facts do not support it. Do not complain on its grounds.",
    ),
    "evidence.alert": ("预警号", "Alert"),
    "evidence.orders": ("涉及订单", "Orders"),
    "evidence.orders_capped": (
        "订单可能不全：共{total}条事实，列出其中{n}条",
        "may not be all: {n} of {total} facts are listed",
    ),
    "evidence.event": ("事件号", "Event"),
    "evidence.handling": ("处理经过", "How it was handled"),
    "evidence.filings": ("备案", "Filings"),
    "evidence.forms": ("投诉表草稿", "Drafts of the complaint"),
    "evidence.to_add": ("还需人工附上", "To be added by a person"),
    "evidence.add_hint": (
        "截图、录音、照片和物流证明不在本系统内。",
        "Screenshots, recordings, photographs and carriers' papers are not in this system.",
    ),
    "manifest.title": ("证据包清单（SHA-256）", "Manifest of an evidence pack (SHA-256)"),
    "manifest.alert": (
        "预警号 {id} · 第{n}版 · 规则版本 {rules}",
        "Alert {id} · revision {n} · rules {rules}",
    ),
    "manifest.made": ("整理于{at}", "Put together at {at}"),
    "manifest.no_register": (
        "没有登记表：预警不再成立，或不涉及订单和买家",
        "No register: the alert does not hold any more, or is about no order and no buyer",
    ),
    "manifest.no_report": ("没有报案材料：{why}", "No police report: {why}"),
    "manifest.check": (
        "核对：解压后运行 sha256sum -c MANIFEST.txt",
        "To check: sha256sum -c MANIFEST.txt where it was unpacked",
    ),
    "register.title": ("登记表", "Register"),
    "register.notes": ("说明", "Notes"),
    "register.download": ("导出登记表", "Export a register"),
    "register.download_all": ("导出登记表（xlsx）", "Export as a register (xlsx)"),
    "register.download_first": (
        "导出登记表（xlsx，前{n}条）",
        "Export as a register (xlsx, the first {n})",
    ),
    "register.nothing": ("请先选择预警。", "Choose the alerts first."),
    "register.order": ("订单编号", "Order id"),
    "register.account": ("旺旺账号", "Buyer account"),
    "register.shop": ("店铺", "Shop"),
    "register.at": ("最早记录时间", "First seen"),
    "register.units": ("件数", "Units"),
    "register.amount": ("金额", "Amount"),
    "register.currency": ("币种", "Currency"),
    "register.counted": ("计入事项", "What was counted"),
    "register.matter": ("预警事项", "What the alert is about"),
    "register.severity": ("级别", "Severity"),
    "register.status": ("预警状态", "Status"),
    "register.label": ("人工标签", "Label"),
    "register.opened": ("预警时间", "Alert opened"),
    "register.zone": ("时区", "Time zone"),
    "register.alert": ("预警号", "Alert"),
    "register.held": ("占用库存", "Stock held"),
    "register.and": ("、", ", "),
    "register.made": ("整理于{at}（北京时间）", "Put together at {at}, Beijing time"),
    "register.about": (
        "由店铺的事件记录整理，供人工核对，不是平台的认定；登记只说明规则计入了什么，不说明买家有错。"
        "表内时间为各店铺当地时间，见「时区」列。",
        "Put together from the events of the shop, for a person to check; no ruling of the platform. It "
        "says what a rule counted, not that a buyer did wrong. Times are those of each shop, whose zone "
        "has a column.",
    ),
    "register.total": ("共{n}行，来自{alerts}条预警。", "{n} lines from {alerts} alerts."),
    "register.left_out": (
        "数量超过上限，另有{n}条预警没有登记，请缩小筛选范围后再导出。",
        "There is a limit: {n} more alerts are not in it. Narrow the filters and export again.",
    ),
    "register.full": (
        "行数达到上限{n}行，其后的预警没有登记，请缩小筛选范围后再导出。",
        "The limit of {n} lines was reached and the alerts after it are missing. Narrow the filters and "
        "export again.",
    ),
    "register.fallen": (
        "{n}条预警已撤回或已标记为误报、买家已付款、买家已撤销，没有登记。",
        "{n} alerts were retracted or labelled as false, paid or withdrawn, and are not in it.",
    ),
    "register.about_none": (
        "{n}条预警不涉及订单和买家，没有登记。",
        "{n} alerts are about no order and no buyer, and are not in it.",
    ),
    "register.capped": (
        "{n}条预警的事实较多，只列出其中一部分，订单可能不全。",
        "{n} alerts have more facts than they list, so orders may be missing.",
    ),
    "register.is_not_all": (
        "未列出全部，见「说明」。",
        "This is not all of it, see the sheet “Notes”.",
    ),
    # Where in a message or a review a signal stands.
    "place.signal": ("{what}：{where}", "{what}: {where}"),
    "place.sentence": ("第{n}句", "sentence {n}"),
    "place.characters": ("第{first}至{last}字", "characters {first}–{last}"),
    "place.character": ("第{first}字", "character {first}"),
    "place.comma": ("，", ", "),
    "place.next": ("；", "; "),
    # What events say in codes, where somebody reads it who has never seen one.
    "code.abnormal_order": ("异常订单", "abnormal order"),
    "code.allergy": ("过敏", "allergy"),
    "code.bad": ("差评", "bad"),
    "code.breach_of_promise": ("违背承诺", "breach of promise"),
    "code.buyer": ("买家", "the buyer"),
    "code.damaged": ("破损", "damaged"),
    "code.good": ("好评", "good"),
    "code.ineffective": ("无效", "ineffective"),
    "code.invoice": ("发票", "invoice"),
    "code.late_shipment": ("未按约定时间发货", "late shipment"),
    "code.match": ("相符", "matches"),
    "code.mismatch": ("不符", "does not match"),
    "code.neutral": ("中评", "neutral"),
    "code.no_longer_wanted": ("不想要了", "no longer wanted"),
    "code.not_as_described": ("与描述不符", "not as described"),
    "code.not_received": ("未收到货", "not received"),
    "code.other": ("其他", "other"),
    "code.partial_refund": ("部分退款", "partial refund"),
    "code.postage": ("邮费", "postage"),
    "code.privacy_leak": ("泄露信息", "privacy leak"),
    "code.quality": ("质量问题", "quality"),
    "code.received": ("已收到货", "received"),
    "code.refund": ("退款", "refund"),
    "code.refused": ("拒签", "refused"),
    "code.rejected": ("不成立", "rejected"),
    "code.return_and_refund": ("退货退款", "return and refund"),
    "code.returned": ("已退回", "returned"),
    "code.seller": ("商家", "the seller"),
    "code.seven_day_no_reason": ("七天无理由", "seven days, no reason"),
    "code.split": ("各担一部分", "split"),
    "code.stockout": ("缺货", "stockout"),
    "code.unreasonable_review": ("不合理评价", "unreasonable review"),
    "code.upheld": ("成立", "upheld"),
    "code.withdrawn": ("已撤销", "withdrawn"),
    "code.wrong_item": ("发错货", "wrong item"),
    "police.title": ("报案材料（草稿）", "Material for a police report (draft)"),
    "police.draft": (
        "草稿，没有提交给任何机构。",
        "A draft; it was submitted nowhere.",
    ),
    "police.decides": (
        "是否报案、写什么，由店铺负责人核对事实后决定；是否立案由公安机关决定。",
        "Whoever is in charge of the shop checks the facts and decides whether to report and what to say; "
        "whether it is a case, the police decide.",
    ),
    "police.accuses_nobody": (
        "这条预警只是提示，不指控任何人；只有另有威胁、敲诈或诈骗的证据时才适合报案。",
        "This alert is a notice and accuses nobody: report only where there is proof of a threat, a demand "
        "or a fraud besides.",
    ),
    "police.reading": (
        "供阅读的译文，提交时用中文版。",
        "This is a reading of the Chinese draft, which is the one to hand in.",
    ),
    "police.times": ("时间为{zone}", "times of {zone}"),
    "police.by_hand": ("由报案人填写", "to be filled in by hand"),
    "police.from_events": ("来自店铺的事件记录", "from the events of the shop"),
    "police.reporter": ("一、报案人", "1. Who reports"),
    "police.office": ("受理派出所", "Police station"),
    "police.name": ("姓名", "Name"),
    "police.id_number": ("身份证号", "Id number"),
    "police.phone": ("联系电话", "Phone"),
    "police.unit": ("单位名称和统一社会信用代码", "Company and its registration number"),
    "police.platform": ("平台和店铺名称", "Platform and name of the shop"),
    "police.about": ("二、涉及的账号和订单", "2. The accounts and orders"),
    "police.accounts": ("买家账号", "Buyer accounts"),
    "police.unknown": ("记录中没有", "not in the records"),
    "police.matter": ("事项", "Matter"),
    "police.suspected": ("涉嫌事项", "Suspected"),
    "police.by_rule": ("按规则识别，待核实", "found by a rule, to be verified"),
    "police.who": (
        "账号由谁使用，本系统不掌握，可由公安机关依法向平台查询。",
        "Who uses an account is not known to this system; the police may ask the platform.",
    ),
    "police.events": ("三、事件记录", "3. What is on record"),
    "police.counter": ("四、有利于买家的事实", "4. What speaks for the buyer"),
    "police.counter_hint": (
        "请一并提交；还知道其他有利于买家的情况的，也请写明。",
        "Hand this in as well, and say what else speaks for the buyer.",
    ),
    "police.story": ("五、经过和损失", "5. What happened, and the loss"),
    "police.story_hint": (
        "请按聊天记录和亲身经历如实填写，写明时间和原话。聊天原文、录音和照片不在本系统内。",
        "Say what happened as the chat shows it, with times and the very words. Chats, recordings and "
        "photographs are not in this system.",
    ),
    "police.loss": ("损失金额和计算依据", "Loss, and how it was reckoned"),
    "police.enclosed": ("六、附件", "6. Enclosed"),
    "police.enclosed_orders": ("订单详情截图", "Screenshots of the orders"),
    "police.enclosed_chat": (
        "完整聊天截图或旺旺举证号",
        "Whole screenshots of the chat, or its evidence number",
    ),
    "police.enclosed_shipping": (
        "打包视频、物流单号和快递证明（已发货的）",
        "Film of the packing, tracking numbers and the carrier's papers, if it was shipped",
    ),
    "police.enclosed_register": (
        "登记表（证据包内 register.xlsx）",
        "The register (register.xlsx of the evidence pack)",
    ),
    "police.enclosed_evidence": (
        "证据材料（证据包内 evidence.html）和清单 MANIFEST.txt",
        "The evidence (evidence.html of the pack) and its MANIFEST.txt",
    ),
    "police.enclosed_licence": ("营业执照和报案人身份证复印件", "Copies of licence and id card"),
    "police.honest": (
        "报案人确认以上由其填写的内容属实，来自事件记录的内容已经核对。",
        "Whoever reports confirms that what was filled in is true and that what is on record was checked.",
    ),
    "police.signature": ("报案人（签名）", "Signature"),
    "police.date": ("日期", "Date"),
    "police.stands_not": (
        "预警已撤回，或已标记为误报、买家已付款、买家已撤销，没有报案材料。",
        "The alert was retracted, or labelled as false, paid or withdrawn: there is no police report.",
    ),
    "police.part_doubted": (
        "所含预警中有已撤回或已标记为不成立、已了结的，没有报案材料；仍成立的请逐条核对。",
        "Of the alerts that it puts together, some were retracted or labelled as not so or as settled: "
        "there is no police report. Look at those that still hold one by one.",
    ),
    "police.not_suggested": (
        "这条预警不建议报案；如已由人工确认，请先设置标签「确认为恶意」或「已报案」。",
        "The alert suggests no police report. Where somebody has confirmed it, set the label “Confirmed "
        "malicious” or “Reported to the police” first.",
    ),
    "filing.submitted": ("已提交", "submitted"),
    "filing.accepted": ("成功", "accepted"),
    "filing.rejected": ("未通过", "rejected"),
    "detail.back": ("返回列表", "Back to the list"),
    "detail.opened": ("发生", "Opened"),
    "detail.groups": ("包含预警", "Puts together"),
    "detail.supersedes": ("取代了", "Supersedes"),
    "detail.superseded_by": ("已被取代，见", "Superseded by"),
    "detail.suppressed": ("已静默：{by}", "Suppressed: {by}"),
    "detail.held": ("占用库存", "Stock held"),
    "detail.held_units": ("{n}件", "{n} units"),
    "change.opened": ("出现", "Opened"),
    "change.updated": ("更新", "Updated"),
    "change.escalated": ("升级", "Escalated"),
    "change.resolved": ("解除", "Resolved"),
    "change.reopened": ("再次出现", "Opened again"),
    "change.retracted": ("撤回", "Retracted"),
    "change.expired": ("过期", "Expired"),
    "kind.buyer": ("买家", "Buyer"),
    "kind.item": ("商品", "Item"),
    "kind.order": ("订单", "Order"),
    "kind.shop": ("店铺", "Shop"),
    "kind.identity": ("关联身份", "Identity"),
    "fact.OrderPlaced": ("下单", "Order placed"),
    "fact.OrderClosed": ("订单关闭", "Order closed"),
    "fact.OrderPaid": ("付款成功", "Paid"),
    "fact.PaymentFailed": ("付款失败", "Payment failed"),
    "fact.PayerSeen": ("付款账户", "Paying account"),
    "fact.PickedUp": ("快递揽收", "Picked up by the carrier"),
    "fact.Shipped": ("发货", "Shipped"),
    "fact.RefundRequested": ("申请退款", "Refund requested"),
    "fact.RefundRefused": ("拒绝退款", "Refund refused"),
    "fact.RefundWithdrawn": ("撤销退款", "Refund withdrawn"),
    "fact.Contacted": ("联系买家", "Buyer contacted"),
    "fact.ComplaintFiled": ("发起投诉", "Complaint filed"),
    "fact.ComplaintRuled": ("投诉判定", "Complaint ruled"),
    "fact.Signal": ("关联信号", "Signal"),
    "fact.ClosedBySeller": (
        "卖家关闭订单(请勿关闭未付款订单)",
        "Closed by the seller (do not close unpaid orders)",
    ),
    "fact.ListingTerms": ("商品设置", "Listing"),
    "fact.RefundGranted": ("退款已获准", "Refund granted"),
    "fact.ReturnUnderWay": ("退货途中", "Return under way"),
    "fact.ReturnArrived": ("退货已到", "Return arrived"),
    "fact.ReturnInspected": ("退货验收", "Return inspected"),
    "fact.DisputeOpened": ("发起纠纷", "Dispute opened"),
    "fact.DisputeStep": ("纠纷进展", "Dispute step"),
    "fact.DisputeEvidence": ("纠纷举证", "Dispute evidence"),
    "fact.Filed": ("备案", "Filing"),
    "fact.RechargeSubmitted": ("提交充值", "Top-up sent"),
    "fact.RechargeSettled": ("充值结果", "Top-up result"),
    "fact.ShippingOver": ("发货义务结束", "Nothing left to ship"),
    "fact.StockReading": ("库存读数", "Stock as reported"),
    "fact.ListingState": ("商品上下架", "Listing on or off the shelf"),
    "fact.Identified": ("收货信息", "Receiver of the order"),
    "fact.Redirected": ("收货信息变更", "Receiver changed"),
    "fact.ReceiverDoubted": ("收货信息有疑点", "Receiver that cannot be right"),
    "fact.SentAbroad": ("寄往境外", "Receiver abroad"),
    "fact.ParcelRefused": ("包裹被拒收或退回", "Parcel refused or returned"),
    "fact.LargeOrder": ("大额订单", "Large order"),
    "fact.PromisedSoon": ("承诺尽快发货", "Promised to ship soon"),
    "fact.AccountVerified": ("账号认证情况", "Account verification"),
    "fact.AccountDoubted": ("账号有疑点", "Account in doubt"),
    "fact.AccountFlagged": ("账号标记", "Mark on the account"),
    "fact.SellsToo": ("买家也是卖家", "Buyer who sells too"),
    "fact.InvoiceAsked": ("申请发票", "Invoice asked for"),
    "fact.InvoiceRefused": ("卖家拒绝开票", "Invoice refused by the seller"),
    "fact.InvoiceIssued": ("已开票", "Invoice issued"),
    "fact.ChatSaid": ("买家留言", "Message of the buyer"),
    "fact.ChatRefused": ("聊天中拒绝开票", "Invoice refused in the chat"),
    "fact.ChatRevealed": ("聊天中给出收货信息", "Receiver's data given in the chat"),
    "fact.SaidStockout": ("卖家称缺货", "Out of stock, said the seller"),
    "fact.SaidUnsent": ("卖家称尚未发出", "Not sent yet, said the seller"),
    "fact.SaidMistake": ("卖家称发错或少发", "Sent wrong or too little, said the seller"),
    "fact.AskedToRefuse": ("卖家请买家拒收", "The seller asked to refuse the parcel"),
    "fact.AskedToApply": ("卖家请买家申请退款", "The seller asked to apply for a refund"),
    "fact.SaidKeep": ("卖家称不用退回", "Need not come back, said the seller"),
    "fact.AskedToPlace": (
        "卖家请买家先拍下不付款",
        "The seller asked to place it and not to pay yet",
    ),
    "fact.OfferedMoney": ("卖家提出给钱", "The seller offered money"),
    "fact.SaidNotOurs": ("卖家称不是本店订单", "No order of this shop, said the seller"),
    "fact.PromisedCashback": ("卖家承诺好评返现", "The seller promised cash for a review"),
    "fact.AskedForFreight": ("卖家要求补运费", "The seller asked for freight"),
    "fact.Talked": ("与店铺聊过", "Wrote to the shop"),
    "fact.ReasonGiven": ("说明过问题或依据", "Said what is wrong"),
    "fact.BuyerTold": ("买家说明过情况", "The buyer told how it came"),
    "fact.OwnMoney": ("买家称是自己的钱", "The buyer told of money of its own"),
    "fact.ReviewStood": ("评价", "Review"),
    "fact.ReviewGone": ("评价已删除", "Review taken down"),
    "unit.disputes": ("起", "disputes"),
    "unit.per_mille": ("‰", "‰"),
    "unit.h": ("小时", "h"),
    "unit.orders": ("笔", "orders"),
    "unit.units": ("件", "units"),
    "unit.requests": ("次", "requests"),
    "unit.attempts": ("次", "attempts"),
    "unit.claims": ("起", "claims"),
    "unit.s": ("秒", "s"),
    "unit.%": ("%", "%"),
    "unit.days": ("天", "days"),
    "unit.kinds": ("种", "kinds"),
    "unit.messages": ("条", "messages"),
    "feed.away": (
        "现在收不到新的预警，页面上是已存的内容，可以继续处理。请告知运维，原因见",
        "No new alerts arrive at the moment. This is what is stored, and it can be worked on. Tell whoever "
        "runs the system; the reason is at",
    ),
    "feed.unchecked": (
        "检测停住了：{at}起收到的事件尚未全部检查，可能有预警还没有发出。已有的预警可以继续处理。请告知运维：worker没有在读取。",
        "Detection stands still: not all of what came in since {at} has been checked, and alerts may be "
        "missing. What is shown can be worked on. Tell whoever runs the system that the workers do not read.",
    ),
    "live.news": ("新出现{n}条", "{n} new"),
    "live.on": ("实时", "Live"),
    "live.off": ("重新连接中", "Reconnecting"),
    "live.lost": (
        "连接中断，这一步没有保存。您填写的内容还在，请稍后再试。",
        "No connection: this step was not stored. What you typed is still there; try again soon.",
    ),
    "live.changed": ("这条预警有更新。", "This alert has changed."),
    "live.reload": ("刷新", "Reload"),
    "refusal.not_from_this_state": (
        "这一步现在不能进行，状态已变化。请查看当前状态后继续。",
        "This step is not possible now; the state has moved on. Please look at it and continue.",
    ),
    "refusal.contact_first": (
        "请先记录至少一次联系（旺旺或电话），再选择这个标签或备案。",
        "Log at least one contact attempt (Wangwang or phone) before this label or the filing.",
    ),
    "refusal.label_first": ("请选择一个标签。", "Please choose a label."),
    "refusal.filing_label_first": (
        "备案需要先标记「地址确实有误，买家联系不上」。",
        "Filing needs the label “Address is wrong, buyer unreachable” first.",
    ),
    "refusal.evidence_first": (
        "请先登记全部证据，再登记提交。",
        "Note all of the evidence before the submission.",
    ),
    "refusal.no_second_appeal": ("只能申诉一次。", "There is one appeal only."),
    "refusal.unknown_proof": (
        "这类投诉不需要这项证据。",
        "This kind of complaint does not need that evidence.",
    ),
    "problem.case_conflict": (
        "同事刚刚更新了这张投诉单，您的操作没有执行。下面是最新状态。",
        "A colleague has just changed this complaint, so your step was not taken. This is the "
        "state now.",
    ),
    "problem.case_missing": ("没有这张投诉单", "There is no such complaint"),
    "refusal.no_order": (
        "该买家的预警里没有其本人的订单。没有下过单的买家不能限制购买。",
        "No alert about this buyer names an order of theirs. Who has never ordered cannot be restricted.",
    ),
    "refusal.stands_not": (
        "这条预警已撤回，或已标记为不成立、已了结，或只是提示，不能据此禁购。",
        "This alert was retracted, was labelled as not so or as settled, or is a mere hint: no ban can rest "
        "on it.",
    ),
    "refusal.confirm_first": (
        "请先处理这条预警，并标记为「确认为恶意」「已向平台投诉」或「已报案」。禁购不是第一步。",
        "Handle this alert first, and label it as malicious, as filed with the platform or as reported to "
        "the police. A ban is never the first step.",
    ),
    "refusal.handled_anew": (
        "依据的预警正在重新处理，还没有新的标签。新的标签确定后再看这条禁购。",
        "The alert that it rests on is handled anew and has no new label yet. Come back once it has one.",
    ),
    "refusal.banned_already": ("该买家已有一条禁购。", "There is a ban of this buyer already."),
    "refusal.ban_reason_first": ("请填写理由。", "Please say why."),
    "refusal.name_first": (
        "请先以您的姓名登录：提议和批准须是不同的两人。",
        "Sign in with your name first: two different people propose and approve.",
    ),
    "refusal.second_person": (
        "您是提议人，须由另一人批准。",
        "You proposed it, so somebody else has to approve it.",
    ),
    "refusal.proposer_only": (
        "只有提议人可以撤回；其他人可以不予批准。",
        "Only who proposed it can withdraw it; others can decline it.",
    ),
    "refusal.permanence_first": (
        "请先确认您知道在平台上是永久有效的。",
        "Confirm first that you know it to be permanent on the platform.",
    ),
    "problem.ban_conflict": (
        "同事刚刚更新了这条禁购，您的操作没有执行。下面是最新状态。",
        "A colleague has just changed this ban, so your step was not taken. This is the state now.",
    ),
    "problem.ban_missing": ("没有这条禁购", "There is no such ban"),
    "refusal.order_first": (
        "请选择已在平台备案的订单；它须是这条预警涉及的订单，预警可能刚刚更新。",
        "Choose the order that was filed. It has to be one that this alert is about; the alert may "
        "have just changed.",
    ),
    "refusal.filed_already": (
        "这笔订单已有备案，正在等待平台答复或已经通过，没有重复登记。",
        "This order is filed already, and the answer is awaited or was accepted; nothing was noted twice.",
    ),
    "refusal.nothing_to_reconcile": (
        "这条预警没有待核对的充值。",
        "This alert is not about a top-up without a result.",
    ),
    "refusal.nothing_waits": (
        "现在没有可以批准或停止的补库存：订单可能已付款或关闭，预警可能已结束，或已收回。",
        "There is no top-up to approve or to stop now: orders may have been paid or closed, the alert may "
        "have ended, or it was taken back.",
    ),
    "refusal.not_suggested": (
        "预警刚刚更新，这一步已不在清单中。",
        "The alert was just revised, and no longer suggests this step.",
    ),
    "refusal.label_of_others": (
        "这个标签只用于充值结果未知（D27）的预警。",
        "This label is only for alerts about a top-up without a result (D27).",
    ),
    "refusal.not_ahead": (
        "这个时间已过或太远，请另选。",
        "That time is past or too far ahead; choose another one.",
    ),
    "refusal.deadline_first": (
        "这条预警有时限在一小时内到期，不能稍后提醒。",
        "A deadline of this alert is less than an hour away, so it cannot be snoozed.",
    ),
    "refusal.not_snoozed": (
        "这条预警没有设为稍后提醒，或已回到列表。",
        "This alert is not snoozed, or has come back already.",
    ),
    "refusal.assignee_first": ("请填写转交给谁。", "Please say to whom."),
    "refusal.reason_first": ("充值失败请填写原因。", "Please give the reason why it failed."),
    "problem.conflict": (
        "这条预警刚刚有更新，您的操作没有执行。下面是最新状态。",
        "This alert has just changed, so your step was not taken. This is the state now.",
    ),
    "problem.last_step": ("最近一步：{at} {who} {what}", "The last step: {at} {who} {what}"),
    "problem.kept": (
        "您填写的内容没有保存，需要时请复制：",
        "What you typed was not stored; copy it if it is still needed:",
    ),
    "problem.signed_out": (
        "登录已过期，没有执行任何操作。请登录后再试。",
        "The session is over and nothing was done. Sign in and try again.",
    ),
    "problem.no_page": ("没有这个页面", "There is no such page"),
    "problem.missing": ("没有这条预警", "There is no such alert"),
    "problem.missing_hint": (
        "请检查预警号；它可能属于另一个环境。",
        "Check the id; it may belong to another environment.",
    ),
    "problem.forbidden": (
        "请求未通过安全校验，没有执行任何操作。请返回后刷新页面再试。",
        "The request did not pass the security check and nothing was done. Go back, reload the "
        "page and try again.",
    ),
    "problem.too_many_tries": (
        "错误的口令尝试过多，请一分钟后再试。",
        "Too many wrong tokens. Please wait a minute and try again.",
    ),
    "problem.bad_request": (
        "请求不完整，没有执行任何操作。",
        "The request is incomplete; nothing was done.",
    ),
    "problem.request_id": (
        "request_id 须为8至64个字符，不含冒号。",
        "request_id has 8 to 64 characters and no colon.",
    ),
    "problem.store": (
        "数据库暂时无法使用，没有执行任何操作。请稍后再试；若持续如此，请告知系统管理员，原因见日志。",
        "The database cannot be used at the moment and nothing was done. Please try again; if it stays so, "
        "tell whoever runs this console: its log says why.",
    ),
    "login.title": ("登录", "Sign in"),
    "login.name": ("您的姓名（记入操作记录）", "Your name (kept with each step)"),
    "login.token": ("访问口令", "Access token"),
    "login.submit": ("进入", "Enter"),
    "login.wrong": ("口令不正确", "The token is wrong"),
    "login.local": ("本机", "this computer"),
    "login.change": ("更换", "Change"),
    "language.other": ("English", "中文"),
}


@dataclass(frozen=True)
class Words:
    """The texts in one language, with the time at which the page was made.

    Times are by the clocks of `zone`; with `is_dated` each has its date and its seconds.
    """

    language: Language
    now: datetime
    zone: tzinfo = CHINA
    is_dated: bool = False

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key; a key that does not exist is a bug and raises KeyError."""
        return self._in(TEXTS[key]).format(**values)

    def phrase(self, kind: str, code: str) -> str:
        """The word for a member of a closed set, or the code itself for one that is new."""
        return self(f"{kind}.{code}") if f"{kind}.{code}" in TEXTS else code

    def detector(self, code: str) -> str:
        """What a detector is called, or its id if it is unknown here."""
        return self._in(wording_of(code).title)

    def who(self, name: str) -> str:
        """Whoever works here; where nobody signed in, the computer that they sit at."""
        return self("login.local") if name == LOCAL_OPERATOR else name

    def threshold(self, detector: str, name: str) -> str:
        """What a detector calls one of its thresholds; two may mean different things by one name."""
        return self._in(wording_of(detector).thresholds.get(name, (name, name)))

    def rule(self, code: str, field: str) -> str:
        """What a number of the rules is called, in the block of a detector or a deadline."""
        return self._in(name_of(field, wording_of(code)) or (field, field))

    def rule_value(self, field: str, value: object, currency: str) -> str:
        """A value of the rules, with its unit; `currency` is that of its block, or empty."""
        if isinstance(value, bool):
            return self("detail.yes" if value else "detail.no")
        return self._in(value_of(field, value, currency))

    def deadline(self, code: str) -> str:
        """What a deadline is about."""
        return self._in(DEADLINES[code])

    def measure(self, detector: str, value: int, unit: str) -> tuple[str, str]:
        """A number as a person says it, and the word for its unit, which may be the detector's own.

        Lengths of time and amounts of money are said in larger units, with these.
        """
        if unit == "s" and value >= _MINUTE_S:
            return self._span(timedelta(seconds=value)), ""
        if unit.startswith(MINOR_UNITS_OF):
            currency = unit.removeprefix(MINOR_UNITS_OF)
            return f"{in_whole_units(value, currency)}", currency
        own = wording_of(detector).units.get(unit)
        return str(value), self._in(own) if own else self.phrase("unit", unit)

    def of(self, text: Text) -> str:
        """The sentence of an alert in this language."""
        return text.zh if self.language == "zh" else text.en

    def said(self, detail: Mapping[str, Scalar], detector: str = "") -> Iterator[tuple[str, str]]:
        """What a fact says, without what it does not know; times by the clock of the whole page.

        An amount is said in whole units with its currency: at a glance 50000 cents are fifty thousand.
        `detector` is the one of the alert, which may have names of its own.
        """
        own = wording_of(detector).details
        amount = money(detail)
        for name, value in detail.items():
            if amount and name == "currency":
                continue
            # Empty, -1, and 0 as a time or an amount stand for what nobody told.
            is_unknown = value in ("", -1) or (name.endswith(("_ms", "amount_minor")) and not value)
            plain = name.removesuffix("_ms")
            word = self._in(own.get(plain) or NAMES.get(plain, (plain, plain)))
            if isinstance(value, bool):
                yield word, self("detail.yes" if value else "detail.no")
            elif amount and name == "amount_minor":
                yield word, " ".join(map(str, amount)).strip()
            elif name == "found" and value:
                yield word, self("place.next").join(map(self._placed, places(str(value))))
            elif not is_unknown:
                at = _time_of(name, value)
                yield word, self.phrase("code", str(value)) if at is None else self.clock(at)

    def clock(self, at: datetime) -> str:
        """A time to the minute, with the date unless it is today's."""
        local, today = at.astimezone(self.zone), self.now.astimezone(self.zone)
        if self.is_dated:
            return local.strftime("%Y-%m-%d %H:%M:%S")
        if local.date() == today.date():
            return local.strftime("%H:%M")
        if local.year == today.year:
            return local.strftime("%m-%d %H:%M")
        return local.strftime("%Y-%m-%d %H:%M")

    def later(self, later: timedelta | date) -> str:
        """After what time, or on the morning of which day, something comes back."""
        if isinstance(later, timedelta):
            return self("span.later", span=self._span(later))
        return f"{later:%m-%d} {MORNING:%H:%M}"

    def time_left(self, due_at: datetime) -> str:
        """How long until a deadline, or since it."""
        span = due_at - self.now
        key = "time.left" if span >= timedelta() else "time.past"
        return self(key, span=self._span(abs(span)))

    def age(self, at: datetime) -> str:
        """How long ago something was."""
        span = self.now - at
        if span < timedelta(minutes=1):
            return self("time.now")
        return self("time.ago", span=self._span(span, is_coarse=True))

    def _placed(self, signal: Place | str) -> str:
        """A signal of a text, and where to look for its words."""
        if isinstance(signal, str):
            return signal
        where = [] if signal.sentence is None else [self("place.sentence", n=signal.sentence)]
        key = "place.characters" if signal.first < signal.last else "place.character"
        where.append(self(key, first=signal.first, last=signal.last))
        what = self._in(SIGNALS.get(signal.code, (signal.code, signal.code)))
        return self("place.signal", what=what, where=self("place.comma").join(where))

    def _in(self, pair: tuple[str, str]) -> str:
        return pair[0 if self.language == "zh" else 1]

    def _span(self, span: timedelta, *, is_coarse: bool = False) -> str:
        minutes = int(span.total_seconds() // 60)
        hours, days = minutes // 60, minutes // (60 * 24)
        if days:
            key = "span.days" if hours % 24 and not is_coarse else "span.whole_days"
            return self(key, d=days, h=hours % 24)
        if hours:
            key = "span.hours" if minutes % 60 and not is_coarse else "span.whole_hours"
            return self(key, h=hours, m=minutes % 60)
        return self("span.minutes", m=minutes)


def _time_of(name: str, value: int | str) -> datetime | None:
    """The time that a fact tells; None for everything else, also for an id that looks like one."""
    try:
        if isinstance(value, int):
            return datetime.fromtimestamp(value / 1000, CHINA) if name.endswith("_ms") else None
        return datetime.fromisoformat(value).astimezone(CHINA) if _TIME.fullmatch(value) else None
    except (ValueError, OverflowError, OSError):
        return None
