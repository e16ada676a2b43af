"""D25 on shops: what ties accounts together, what does not, and what is said of them."""

from __future__ import annotations

import json
from typing import Any

from schemas.alerts import Alert
from streams.detect.acts import ACTED, MAX_TOLD_A_DAY, TIED
from streams.detect.facts import Signal
from streams.detect.state import unpack
from tests.oracle.story import DAY, HOUR, MINUTE, ms
from tests.pipeline import Pipeline, build_engine, run
from tests.talk_stories import Talk

AD = "返利网,下载返利APP"
PHONE = {"receiver": {"phone": "13800138000"}}
DEVICE = {"device": "dev-a"}


def latest(pipeline: Pipeline) -> list[Alert]:
    """The last revision of each campaign of a shop, but for those that were retracted."""
    alerts = [a for a in pipeline.alerts if a.detector == "D25" and a.subject.kind == "shop"]
    last = {alert.alert_id: alert for alert in alerts}
    return [alert for alert in last.values() if alert.status != "retracted"]


def burst(story: Talk, buyer: str, at: float = 0, orders: int = 6, **who: Any) -> None:
    story.buyer = buyer
    for number in range(orders):
        story.created(f"{buyer}-{number}", at + MINUTE * number, **who)


def advertises(story: Talk, buyer: str, at: float = 5 * DAY, **who: Any) -> None:
    """A paid order, and an ad in its review."""
    story.buyer = buyer
    story.created(f"r{buyer}", at - DAY, **who)
    story.paid(f"r{buyer}", at - DAY + 10)
    story.reviewed("posted", f"r{buyer}", at, "bad", AD)


def two_accounts() -> Talk:
    story = Talk()
    burst(story, "anna", **PHONE)
    advertises(story, "bert", **PHONE)
    return story


def test_two_accounts_of_one_phone_are_a_warning_that_names_both_alerts() -> None:
    pipeline = run(two_accounts().events, ms(6 * DAY))
    (campaign,) = latest(pipeline)
    of_buyers = {a.alert_id: (a.detector, a.subject.id) for a in pipeline.alerts}
    assert campaign.severity == "warn"
    assert {of_buyers[child] for child in campaign.groups} == {("D01", "s:anna"), ("D18", "s:bert")}
    assert [f.detail["buyer"] for f in campaign.evidence.facts] == ["anna", "bert"]
    # When each of them did it, not when the orders were placed that tie them.
    assert [f.at for f in campaign.evidence.facts] == [
        next(a.opened_at for a in pipeline.alerts if a.alert_id == child)
        for child in campaign.groups
    ]
    assert campaign.window.end == campaign.opened_at
    assert campaign.cluster_id is not None and campaign.cluster_id in campaign.summary.zh
    assert "可能是同一人或一家人的2个账号" in campaign.summary.zh
    assert "大量拍下未付款→违规评价" in campaign.summary.zh
    assert "13800138000" not in campaign.model_dump_json()
    # No ban, for each account has an alert of its own; and two of one family are not one actor.
    assert [action.code for action in campaign.suggested_actions] == ["A6_evidence_pack"]


def test_a_third_account_makes_it_critical() -> None:
    story = two_accounts()
    advertises(story, "carl", 6 * DAY, **PHONE)
    (campaign,) = latest(run(story.events, ms(7 * DAY)))
    assert (campaign.severity, len(campaign.groups)) == ("critical", 3)
    assert "疑似同一人的3个账号" in campaign.summary.zh
    codes = {action.code for action in campaign.suggested_actions}
    assert codes == {"A6_evidence_pack", "A10_draft_complaint", "A13_draft_police_report"}
    # By the number of accounts, which is what is compared.
    checks = {check.name: check.crossed for check in campaign.evidence.thresholds}
    assert checks == {"acts": "warn", "accounts": "critical"}


def test_it_keeps_its_name_while_more_ties_become_known() -> None:
    """Anna and Bert share a device; that she shares a phone with Carl comes later."""
    story = Talk()
    burst(story, "anna", **PHONE, **DEVICE)
    advertises(story, "bert", 2 * DAY, **DEVICE)
    known = len(story.events)
    advertises(story, "carl", 5 * DAY, **PHONE)
    pipeline = Pipeline()
    pipeline.send(story.events[:known])
    pipeline.read_to_end(ms(3 * DAY))
    (before,) = latest(pipeline)
    pipeline.send(story.events[known:])
    (after,) = latest(pipeline.finish(ms(6 * DAY)))
    assert (before.severity, after.severity) == ("warn", "critical")
    assert before.cluster_id == after.cluster_id


def test_who_has_done_nothing_wrong_is_told_to_nobody() -> None:
    story = Talk()
    for buyer in ("anna", "bert", "carl"):
        story.buyer = buyer
        story.created(f"o{buyer}", 0, **PHONE)
        story.paid(f"o{buyer}", 60)
    pipeline = run(story.events, ms(DAY))
    assert signals(pipeline) == []
    assert not any(partition.states for partition in pipeline.subjects)


def test_one_who_acts_alone_is_known_to_an_identity_and_not_to_the_shop() -> None:
    story = Talk()
    advertises(story, "bert", **PHONE)
    pipeline = run(story.events, ms(6 * DAY))
    assert [(told.name, told.values["buyer"]) for told in signals(pipeline)] == [(ACTED, "bert")]


def signals(pipeline: Pipeline) -> list[Signal]:
    """All that identities and shops were told, and that nobody took back."""
    return [
        fact
        for partition in pipeline.subjects
        for packed in partition.states.values()
        for fact in unpack(packed).facts
        if isinstance(fact, Signal) and fact.values
    ]


def test_an_account_that_only_left_orders_unpaid_ties_two_others_together() -> None:
    """Anna's phone is Mona's too, and Mona's device is Bert's."""
    story = Talk()
    burst(story, "anna", **PHONE)
    burst(story, "mona", HOUR, orders=1, **PHONE, **DEVICE)
    advertises(story, "bert", **DEVICE)
    (campaign,) = latest(run(story.events, ms(6 * DAY)))
    assert {f.detail["buyer"] for f in campaign.evidence.facts} == {"anna", "bert"}
    # She is no part of it, for she did nothing that has an alert.
    assert campaign.severity == "warn"


def test_it_comes_apart_when_she_pays_after_all_in_time() -> None:
    story = Talk()
    burst(story, "anna", **PHONE)
    burst(story, "mona", HOUR, orders=1, **PHONE, **DEVICE)
    advertises(story, "bert", **DEVICE)
    pipeline = run(story.events, ms(6 * DAY))
    assert len(latest(pipeline)) == 1
    story.buyer = "mona"
    story.paid("mona-0", HOUR + 30)
    pipeline.send(story.events[-1:])
    assert latest(pipeline.finish(ms(6 * DAY))) == []


def test_a_phone_of_many_who_pay_ties_nobody() -> None:
    """A reception desk: five others pay with it, if late."""
    story = two_accounts()
    for number in range(5):
        story.buyer = f"payer{number}"
        story.created(f"p{number}", DAY, **PHONE)
        story.paid(f"p{number}", DAY + HOUR)
    assert latest(run(story.events, ms(6 * DAY))) == []
    assert len(latest(run(story.events[:-2], ms(6 * DAY)))) == 1


def test_a_shop_names_what_ties_nobody() -> None:
    (campaign,) = latest(run(two_accounts().events, ms(6 * DAY)))
    shared = campaign.evidence.facts[0].detail["identity"]
    engine = build_engine(shops={"s": {"D25": {"hubs": [shared]}}})
    pipeline = Pipeline(engine)
    pipeline.send(two_accounts().events)
    assert latest(pipeline.finish(ms(6 * DAY))) == []


def left_out(campaign: Alert) -> list[tuple[str, str]]:
    return [(text.zh, text.en) for text in campaign.evidence.counter_evidence[1:]]


def test_a_campaign_names_the_phone_of_payers_that_its_accounts_used() -> None:
    """They share a device besides; two others are tied by a device alone."""
    story = Talk()
    burst(story, "anna", **PHONE, **DEVICE)
    advertises(story, "bert", **PHONE, **DEVICE)
    burst(story, "cleo", device="dev-c")
    advertises(story, "dora", device="dev-c")
    known = len(story.events)
    for number in range(5):
        story.buyer = f"payer{number}"
        story.created(f"p{number}", DAY, **PHONE)
        story.paid(f"p{number}", DAY + HOUR)
    before = latest(run(story.events[:known], ms(6 * DAY)))
    assert [left_out(campaign) for campaign in before] == [[], []]
    after = latest(run(story.events, ms(6 * DAY)))
    said = {str(c.evidence.facts[0].detail["buyer"]): left_out(c) for c in after}
    identities = {str(f.detail["identity"]) for c in before for f in c.evidence.facts}
    (phone,) = (one for one in identities if one.startswith("phone:"))
    assert said == {
        "anna": [
            (
                f"未计入的共用身份:{phone}(另有至少5个买家用它付了款)",
                f"Shared identities left out: {phone} (5 or more other buyers paid with it)",
            )
        ],
        "cleo": [],
    }


def test_a_campaign_names_what_the_shop_declared() -> None:
    story = Talk()
    burst(story, "anna", **PHONE, **DEVICE)
    advertises(story, "bert", **PHONE, **DEVICE)
    (before,) = latest(run(story.events, ms(6 * DAY)))
    shown = str(before.evidence.facts[0].detail["identity"])
    pipeline = Pipeline(build_engine(shops={"s": {"D25": {"hubs": [shown]}}}))
    pipeline.send(story.events)
    (campaign,) = latest(pipeline.finish(ms(6 * DAY)))
    assert left_out(campaign) == [
        (
            f"未计入的共用身份:{shown}(店铺已声明为公用)",
            f"Shared identities left out: {shown} (declared by the shop)",
        )
    ]


def test_what_was_settled_as_it_began_never_counts() -> None:
    story = Talk()
    burst(story, "anna", **PHONE)
    advertises(story, "bert", **PHONE)
    story.taken_down("rbert", 5 * DAY)
    assert latest(run(story.events, ms(6 * DAY))) == []


def test_one_matter_that_two_detectors_saw_is_one_act_of_its_account() -> None:
    """Complaints about stockout, and the money of one order asked back again and again: D10 and D08."""
    story = Talk()
    story.buyer = "anna"
    for order in ("c0", "c1"):
        story.created(order, 0, ship_by=2 * DAY, **PHONE)
        story.paid(order, 5)
        story.shipped(order, HOUR)
        story.filed(f"k-{order}", order, DAY)
    for attempt in (1, 2, 3):
        story.requested("c0", (1 + attempt) * DAY, attempt=attempt)
        story.refund_step("refused", "c0", (1 + attempt) * DAY + HOUR, attempt=attempt)
    pipeline = run(story.events, ms(6 * DAY))
    assert {a.detector for a in pipeline.alerts if a.severity != "info"} >= {"D08", "D10"}
    told = {fact.values["act"] for fact in signals(pipeline) if fact.name == ACTED}
    assert told == {"claims"}


def test_what_retention_lets_go_takes_no_campaign_back() -> None:
    """Anna's orders are let go before Bert's review is; the alert that was over stays as it was."""
    story = two_accounts()
    story.buyer = "anna"
    story.created("much later", 50 * DAY, **PHONE)
    story.paid("much later", 50 * DAY + 5)
    pipeline = Pipeline()
    pipeline.send(story.events[:-2])
    pipeline.finish(ms(36 * DAY))
    assert [a.status for a in latest(pipeline)] == ["expired"]
    pipeline.send(story.events[-2:])
    assert [a.status for a in latest(pipeline.finish(ms(60 * DAY)))] == ["expired"]


def test_a_tie_that_is_let_go_before_the_act_takes_no_campaign_back() -> None:
    """Bert's review comes 44 days after his order, which is let go two days later; nothing was wrong."""
    story = Talk()
    story.buyer = "bert"
    story.created("rbert", 0, **PHONE)
    story.paid("rbert", 10)
    burst(story, "anna", 43 * DAY, **PHONE)
    story.buyer = "bert"
    story.reviewed("posted", "rbert", 44 * DAY, "bad", AD)
    for order in ("lets go", "is looked at"):
        story.created(order, 46 * DAY)
    pipeline = Pipeline()
    pipeline.send(story.events[:-2])
    pipeline.finish(ms(45 * DAY))
    assert [a.status for a in latest(pipeline)] == ["open"]
    pipeline.send(story.events[-2:-1])
    pipeline.send(story.events[-1:])
    assert [a.status for a in latest(pipeline.finish(ms(47 * DAY)))] == ["open"]


def at_home(number: int, **receiver: str) -> dict[str, str]:
    """A receiver of whom nothing is anybody else's, but for what is told."""
    region = {"state": "浙江省", "city": "杭州市", "district": "西湖区"}
    detail = f"文三路{number}号3幢502室"
    return {**region, "name": f"收件人{number}", "detail": detail, **receiver}


def test_a_warning_of_a_ring_ties_nobody_for_it_may_rest_on_an_address() -> None:
    """Three in one flat leave six orders unpaid, and one of them has claims about late parcels."""
    story = Talk()
    for number in range(6):
        story.buyer = f"flat{number % 3}"
        receiver = {**at_home(1), "name": f"收件人{number % 3}"}
        story.created(f"u{number}", MINUTE * number, receiver=receiver)
    story.buyer = "flat0"
    for order in ("c0", "c1"):
        story.created(order, 3 * DAY, ship_by=5 * DAY)
        story.paid(order, 3 * DAY + 5)
        story.shipped(order, 3 * DAY + HOUR)
        story.filed(f"k-{order}", order, 4 * DAY)
    pipeline = run(story.events, ms(6 * DAY))
    levels = {a.detector: a.severity for a in pipeline.alerts if a.detector in ("D03", "D10")}
    assert levels == {"D03": "warn", "D10": "warn"}
    assert latest(pipeline) == []


def test_invented_addresses_do_not_hide_the_phone_behind_them() -> None:
    """Each order of the burst has an address and a name of its own: more of them than are told of a day."""
    story = Talk()
    story.buyer = "anna"
    for number in range(MAX_TOLD_A_DAY):
        receiver = at_home(number, **PHONE["receiver"])
        story.created(f"anna-{number}", MINUTE * number, receiver=receiver)
    advertises(story, "bert", **PHONE)
    (campaign,) = latest(run(story.events, ms(6 * DAY)))
    assert campaign.severity == "warn"


def test_who_has_many_acts_and_many_identities_tells_of_so_many_a_day() -> None:
    story = Talk()
    story.buyer = "bert"
    for number in range(MAX_TOLD_A_DAY + 5):
        receiver = at_home(number, phone=f"139{number:08}")
        story.created(f"o{number}", number, receiver=receiver)
        story.paid(f"o{number}", number + 0.5)
        story.reviewed("posted", f"o{number}", HOUR + number, "bad", AD)
    told = [fact for fact in signals(run(story.events, ms(DAY))) if fact.name == ACTED]
    strong = [fact for fact in told if fact.ref.startswith(f"{ACTED}/phone:")]
    assert len(strong) == len(told) - len(strong) == MAX_TOLD_A_DAY


def test_a_flood_of_acts_is_told_in_part() -> None:
    story = Talk()
    story.buyer = "bert"
    for number in range(MAX_TOLD_A_DAY + 5):
        story.created(f"o{number}", number, **PHONE)
        story.paid(f"o{number}", number + 0.5)
        story.reviewed("posted", f"o{number}", HOUR + number, "bad", AD)
    burst(story, "anna", 2 * HOUR, **PHONE)
    pipeline = run(story.events, ms(2 * DAY))
    told = [fact for fact in signals(pipeline) if fact.name == TIED]
    assert len([fact for fact in told if fact.values["buyer"] == "bert"]) == MAX_TOLD_A_DAY
    (campaign,) = latest(pipeline)
    assert campaign.severity == "warn"


def test_it_advises_nothing_that_we_never_do() -> None:
    (campaign,) = latest(run(two_accounts().events, ms(6 * DAY)))
    texts = json.dumps([a.model_dump(mode="json") for a in campaign.suggested_actions])
    assert "close the order" not in texts.lower() and "refuse" not in texts.lower()
