"""What a person may read of free text: no phone, no street address, no hidden characters.

Alerts carry none of these; this is the second lock. The trap: ids are not free text. An order number
can look like a phone, and masking it would make it useless, so only sentences and notes go through.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from streams.display.masking import mask_phones, visible

# A street or estate with a house number. The coarse place (province, city) may stay.
_STREET: Final = re.compile(
    r"[\u4e00-\u9fff]{1,12}?(?:路|街|道|巷|弄|村|小区|花园|大厦|公寓)\s*"
    r"[0-9一二三四五六七八九十百]+\s*(?:号|弄|栋|幢|座|单元|室|楼|层)"
    r"(?:[-\s0-9A-Za-z一二三四五六七八九十百]*(?:号|栋|幢|座|单元|室|楼|层))*\d*"
)
_HIDDEN_ADDRESS: Final = "〔***〕"
# The keys of an alert under which sentences stand.
_SENTENCES: Final = frozenset({"zh", "en", "detail", "draft", "suppressed_by"})


def clean(text: str) -> str:
    """One sentence as it may be shown."""
    return _STREET.sub(_HIDDEN_ADDRESS, mask_phones(visible(text, keep_newlines=True)))


def clean_json(value: Any, *, is_sentence: bool = False) -> Any:
    """A copy of a decoded envelope in which the sentences are clean and the ids untouched."""
    if isinstance(value, dict):
        return {
            key: clean_json(item, is_sentence=is_sentence or key in _SENTENCES)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [clean_json(item, is_sentence=is_sentence) for item in value]
    return clean(value) if is_sentence and isinstance(value, str) else value


def clean_envelope(body: str) -> str:
    """An envelope as received, laid out, but for masked sentences: what is downloaded is read too."""
    return json.dumps(clean_json(json.loads(body)), ensure_ascii=False, indent=2)
