"""D25: alerts are put together by their ids, and honest combinations stay single."""

from __future__ import annotations

import json

from schemas.alerts import Alert
from tests.oracle.story import DAY, HOUR, MINUTE, Story, ms
from tests.pipeline import Pipeline, build_engine, run
from tests.talk_stories import Talk


def latest(pipeline: Pipeline, detector: str = "D25") -> list[Alert]:
    last = {alert.alert_id: alert for alert in pipeline.alerts if alert.detector == detector}
    return list(last.values())


def burst(story: Story, orders: int = 6, units: int = 1) -> Story:
    for number in range(orders):
        story.created(f"u{number}", MINUTE * number, units)
    return story


def false_claims(story: Story, begin: float = 2 * DAY, claims: int = 2) -> Story:
    """Claims of stockout on parcels that shipped in time."""
    for number in range(claims):
        order = f"c{number}"
        story.created(order, begin, ship_by=begin + 2 * DAY)
        story.paid(order, begin + 5)
        story.shipped(order, begin + HOUR)
        story.requested(order, begin + DAY + HOUR * number, reason="stockout", goods="not_received")
    return story


def test_the_alerts_that_it_puts_together_exist_under_these_ids() -> None:
    pipeline = run(false_claims(burst(Story())).events, ms(5 * DAY))
    (campaign,) = latest(pipeline)
    children = {
        alert.alert_id: alert.detector
        for alert in pipeline.alerts
        if alert.detector in ("D01", "D10") and alert.subject.kind == "buyer"
    }
    assert campaign.severity == "critical"
    assert {children[child] for child in campaign.groups} == {"D01", "D10"}
    assert len(campaign.groups) == 2


def test_the_stages_are_told_in_the_order_in_which_they_came() -> None:
    """S3 「买家的收货地址也核实不到,电话也打不通」, and only then the claims."""
    story = burst(Story(), orders=12)
    story.contact(HOUR)
    story.contact(2 * HOUR)
    (campaign,) = latest(run(false_claims(story).events, ms(5 * DAY)))
    assert "大量拍下未付款→联系不上→缺货或延迟发货索赔" in campaign.summary.zh
    late = false_claims(burst(Story(), orders=12))
    late.contact(4 * DAY)
    late.contact(4 * DAY + HOUR)
    (campaign,) = latest(run(late.events, ms(5 * DAY)))
    assert "大量拍下未付款→缺货或延迟发货索赔→联系不上" in campaign.summary.zh


def test_it_is_complained_about_what_was_done() -> None:
    """Who asked for refunds and threatened filed no complaint that proofs of shipping would answer."""
    talk = Talk()
    talk.created("o", 0)
    talk.paid("o", MINUTE)
    talk.shipped("o", HOUR)
    for attempt in (1, 2, 3):
        talk.requested("o", attempt * DAY, attempt=attempt)
        talk.refund_step("refused", "o", attempt * DAY + HOUR, attempt=attempt)
    talk.said("不给我2000元就给差评", 4 * DAY)
    (campaign,) = latest(run(talk.events, ms(5 * DAY)))
    (draft,) = (a for a in campaign.suggested_actions if a.code == "A10_draft_complaint")
    assert draft.text.zh.endswith("投诉:异常退款")
    (claims,) = latest(run(false_claims(burst(Story())).events, ms(5 * DAY)))
    (draft,) = (a for a in claims.suggested_actions if a.code == "A10_draft_complaint")
    assert draft.text.zh.endswith("投诉:异常拍下")


def test_a_burst_that_is_paid_in_the_end_settles_the_campaign() -> None:
    story = false_claims(burst(Story()))
    pipeline = Pipeline()
    pipeline.send(story.events)
    pipeline.read_to_end(ms(3.5 * DAY))
    told = len(story.events)
    for number in range(6):
        story.paid(f"u{number}", 2.9 * DAY)
    assert [a.status for a in latest(pipeline)] == ["open"]
    pipeline.send(story.events[told:])
    # The burst was settled before the second claim made two acts of it.
    assert [a.status for a in latest(pipeline.finish(ms(5 * DAY)))] == ["retracted"]


def test_acts_that_are_settled_afterwards_resolve_it() -> None:
    story = false_claims(burst(Story()))
    for number in range(6):
        story.paid(f"u{number}", 3.5 * DAY)
    (campaign,) = latest(run(story.events, ms(5 * DAY)))
    assert campaign.status == "resolved"
    # What was paid is put into no evidence against the buyer.
    said = [campaign.summary.zh, *(action.text.zh for action in campaign.suggested_actions)]
    assert not any("合并成" in text or "建议合并" in text for text in said)
    assert "不足以合并举证" in said[0]
    assert [action.code for action in campaign.suggested_actions] == ["A6_evidence_pack"]


def test_a_claim_that_is_withdrawn_takes_the_campaign_back() -> None:
    story = false_claims(burst(Story()))
    pipeline = Pipeline()
    pipeline.send(story.events)
    pipeline.read_to_end(ms(4 * DAY))
    story.refund_step("withdrawn", "c1", 4 * DAY)
    pipeline.send(story.events[-1:])
    assert [a.status for a in latest(pipeline.finish(ms(5 * DAY)))] == ["retracted"]


def test_acts_more_than_a_month_apart_are_two_stories() -> None:
    assert len(latest(run(false_claims(burst(Story()), 28 * DAY).events, ms(40 * DAY)))) == 1
    assert latest(run(false_claims(burst(Story()), 31 * DAY).events, ms(40 * DAY))) == []


def test_out_of_reach_counts_beside_a_critical_act_and_an_answer_ends_it() -> None:
    critical = burst(Story(), orders=12)
    critical.contact(HOUR)
    critical.contact(2 * HOUR)
    assert len(latest(run(critical.events, ms(DAY)))) == 1
    warning = burst(Story(), orders=6)
    warning.contact(HOUR)
    warning.contact(2 * HOUR)
    assert latest(run(warning.events, ms(DAY))) == []
    answered = burst(Story(), orders=12)
    answered.contact(HOUR)
    answered.contact(2 * HOUR, answered=True)
    assert latest(run(answered.events, ms(DAY))) == []


def test_out_of_reach_is_not_counted_twice_for_refunds() -> None:
    """D08 is critical because nobody answers; that is one act, not two."""
    story = Story()
    story.created("o", 0)
    for attempt in range(1, 4):
        story.requested("o", attempt * DAY, attempt=attempt)
        story.refund_step("refused", "o", attempt * DAY + HOUR, attempt=attempt)
        story.contact(attempt * DAY + 2 * HOUR)
    pipeline = run(story.events, ms(5 * DAY))
    assert [a.severity for a in latest(pipeline, "D08")] == ["critical"]
    assert latest(pipeline) == []


def test_which_acts_count_is_the_shops_to_say() -> None:
    engine = build_engine(shops={"s": {"D25": {"acts": {"unpaid": ["D01"]}}}})
    pipeline = Pipeline(engine)
    pipeline.send(false_claims(burst(Story())).events)
    assert latest(pipeline.finish(ms(5 * DAY))) == []


def test_it_threatens_nobody_and_closes_nothing() -> None:
    (campaign,) = latest(run(false_claims(burst(Story())).events, ms(5 * DAY)))
    texts = json.dumps([a.model_dump(mode="json") for a in campaign.suggested_actions])
    assert "close the order" not in texts.lower() and "refuse" not in texts.lower()
    ban = next(a for a in campaign.suggested_actions if a.code == "A8_propose_ban")
    assert ban.prerequisites


def test_complaints_that_name_no_order_are_not_one_matter() -> None:
    talk = Talk()
    talk.said("不给500元红包就差评", 0)
    talk.filed("k1", None, HOUR)
    talk.said("发票和商品分开发可以吗", 3 * DAY)
    talk.filed("k2", None, 3 * DAY + 5 * MINUTE, "invoice")
    pipeline = run(talk.events, ms(5 * DAY))
    acts = {a.alert_id: a.detector for a in pipeline.alerts if a.detector in ("D04", "D17")}
    (campaign,) = latest(pipeline)
    assert {acts[child] for child in campaign.groups} == {"D04", "D17"}
