"""One alert revision as one line of text, the same in the demo, in `tail` and in logs of tests.

The line begins with the detector's id and says what changed, so that `grep ^D01` works. It is made
from decoded JSON, because a terminal must show what is on the topic even if it breaks the contract.
"""

from __future__ import annotations

from typing import Any

from streams.display.masking import mask_phones, visible

STYLES = {"critical": "bold red", "warn": "yellow", "info": "cyan"}
ENDED = "green"


def alert_line(envelope: Any) -> str:
    """`D01 critical opened shop1:b42 …`: detector, severity, change, subject, text, revision."""
    alert = envelope["data"]
    # The title names the kind, the summary has the numbers; one language each keeps it short.
    texts = ((alert.get("title") or {}).get("zh"), (alert.get("summary") or {}).get("en"))
    said = " · ".join(text for text in texts if text)
    # To the second, with its zone: one's own clock shows other hours.
    told_at = str(alert["updated_at"])
    at = f"{told_at[:19].replace('T', ' ')}{'Z' if told_at.endswith('Z') else ''}"
    supersedes = f" supersedes {alert['supersedes']}" if alert.get("supersedes") else ""
    text = (
        f"{alert['detector']} {alert['severity']} {alert['change']} {alert['subject']['id']}"
        f"  {said}  [{at} rev {alert['revision']}{supersedes}]"
    )
    return visible(mask_phones(text))


def alert_style(envelope: Any) -> str:
    """The colour of the line: by severity while open, green once it is over."""
    alert = envelope["data"]
    return STYLES.get(alert["severity"], "") if alert["status"] == "open" else ENDED
