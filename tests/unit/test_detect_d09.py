"""D09: what it says, and above all what may be filed, is what was found."""

from __future__ import annotations

import pytest

from tests.oracle.seller_story import SellerStory
from tests.oracle.story import DAY, HOUR, ms
from tests.pipeline import run


def told(*, mismatch: bool, odd_refunds: bool) -> tuple[str, str, str]:
    """Title and summary in English, and the draft of a complaint."""
    story = SellerStory()
    for number in range(5):
        story.created(f"o{number}", 0)
        story.paid(f"o{number}", 0)
        if odd_refunds:
            story.requested(f"o{number}", DAY + number * HOUR, reason="quality", refund_only=False)
    if mismatch:
        story.inspected("o0", 2 * DAY)
    found = run(story.events, ms(3 * DAY)).standing.values()
    (alert,) = [a for a in found if a["detector"] == "D09"]
    (draft,) = [a["draft"] for a in alert["suggested_actions"] if a["draft"]]
    return alert["title"]["en"], alert["summary"]["en"], draft


MISMATCH, ODD = (
    "returned parcels that did not match what was sold: 1",
    "refunds for quality, effect and the like on 5",
)


@pytest.mark.parametrize(("mismatch", "odd_refunds"), [(True, False), (False, True), (True, True)])
def test_texts_and_draft_name_only_what_was_found(mismatch: bool, odd_refunds: bool) -> None:
    title, summary, draft = told(mismatch=mismatch, odd_refunds=odd_refunds)
    assert ("do not match" in title) is mismatch
    assert ((MISMATCH in summary), (ODD in summary)) == (mismatch, odd_refunds)
    assert ("与售出商品不符" in draft) is mismatch
    assert ("多数订单以质量、无效等理由申请退款" in draft) is odd_refunds
