"""D24 cashback_bait (返现诱导): one message mixes cashback, an address to confirm and a split invoice.

The definition is docs/detectors/D24.md. What a newcomer gets wrong: each of the three is an ordinary
question. Together they make an agent say yes to one and so, as it reads later, to all.
"""

from __future__ import annotations

from schemas.alerts import Severity
from streams.detect import cases
from streams.detect.detector import (
    Count,
    Detector,
    Facts,
    Presentation,
    RuleBlock,
    Seconds,
    Step,
    Wording,
)
from streams.detect.episodes import NOTHING, Crossing, Episode, Run, Threshold, Verdict, runs
from streams.detect.facts import NEVER, ChatSaid, OrderPaid, PromisedCashback
from streams.detect.playbooks import NO_CASHBACK_NO_ADDRESS

_THEMES = {
    "cashback": ("返现", "cashback"),
    "address.": ("地址确认", "an address to confirm"),
    "invoice.": ("发票分寄", "a split invoice"),
}


class Rules(RuleBlock):
    """Thresholds of D24, all proposed."""

    themes: Count
    cooldown_s: Seconds
    expire_after_s: Seconds


class CashbackBait(Detector[Rules]):
    """D24 on buyers. Cost: linear in the messages that carry signals."""

    id = "D24"
    name = "cashback_bait"
    subject = "buyer"
    triggers = (ChatSaid,)
    # Who has paid has ordinary questions.
    topics = ("chats", "payments")
    rules = Rules
    wording = Wording(
        title=("返现诱导", "Cashback bait"),
        thresholds={"themes": ("诱导主题", "Themes of the bait")},
        units={"themes": ("个", "themes")},
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        baits = [m for m in facts.of(ChatSaid) if len(themes(m)) >= rules.themes]
        if not baits:
            return NOTHING
        ordinary = _Ordinary(facts)
        crossings = [Crossing(m.at_ms, ordinary.level_of(m, horizon_ms), (m,)) for m in baits]
        found = [_case(run, rules) for run in runs(crossings, rules.cooldown_s * 1000)]
        wakes = [m.at_ms for m in baits]
        return cases.verdict(self.id, found, horizon_ms, rules.expire_after_s, wakes)

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        return Presentation(
            title=(
                ("一条消息问了几件事,请逐项答复", "Several questions in one message")
                if episode.severity == "info"
                else ("疑似诱导话术", "Bait message")
            ),
            summary=(
                f"同一消息含{d['themes_zh']}。勿承诺返现,勿复述地址;发票可以开具,也可以分开邮寄。",
                f"One message holds {d['themes_en']}. Promise no cashback and don't repeat the "
                "address; an invoice is possible and may go elsewhere.",
            ),
            not_if=(
                f"同一消息只含返现、地址、发票三者中不足{rules.themes}项",
                f"fewer than {rules.themes} of cashback, address and invoice in one message",
            ),
            ended=("之后没有新的诱导消息", "No further bait message since then"),
            steps=(
                Step(
                    "A11_warn_agent",
                    "提醒客服:逐项分开答复,不用“好的”“可以”笼统回答",
                    "Warn the agent: answer each question by itself, never all with one yes",
                ),
                NO_CASHBACK_NO_ADDRESS,
            ),
        )


class _Ordinary:
    """What makes the questions of one message ordinary ones."""

    def __init__(self, facts: Facts) -> None:
        self._paid_ms = min((paid.at_ms for paid in facts.of(OrderPaid)), default=NEVER)
        self._promised_ms = min((said.at_ms for said in facts.of(PromisedCashback)), default=NEVER)

    def level_of(self, message: ChatSaid, horizon_ms: int) -> Severity:
        """Information of a customer who wants no cashback, or to whom the shop had promised it.

        Whoever has paid has an address to confirm, and an invoice to ask for. That nobody has is not known
        beyond the horizon, and the agent must hear of it at once.
        """
        if "cashback" in themes(message):
            return "info" if self._promised_ms <= message.at_ms else "warn"
        return "info" if min(self._paid_ms, horizon_ms + 1) <= message.at_ms else "warn"


def themes(message: ChatSaid) -> tuple[str, ...]:
    """Which of the three themes a message carries, as prefixes of codes."""
    return tuple(theme for theme in _THEMES if theme in message.found)


def _case(run: Run, rules: Rules) -> cases.Case:
    messages = [m for m in run.members if isinstance(m, ChatSaid)]
    # What one message holds is said, so it is that of the fullest: together they may hold more.
    found = [_THEMES[t] for t in max((themes(m) for m in messages), key=len)]
    return cases.Case(
        anchor=run.anchor,
        level=run.level,
        members=run.members,
        opened_at_ms=run.opened_at_ms,
        details={
            "themes_zh": "、".join(zh for zh, _ in found),
            "themes_en": ", ".join(en for _, en in found),
            # As an act beside others it counts as before.
            "level": "warn",
        },
        thresholds=(Threshold("themes", len(found), "themes", rules.themes),),
        counter=(
            (
                "单独的返现、地址或发票询问都是正常咨询",
                "each question by itself is an ordinary one",
            ),
        ),
        cooldown_s=rules.cooldown_s,
    )


DETECTORS = (CashbackBait(),)
