"""Where complaints are filed, as data: `entries.yaml`, by type of shop and kind of complaint.

Entries move, and each says when it was seen. Nothing is ever filed from here.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field

# `other` is a shop on another platform (JD, Pinduoduo, Douyin, AliExpress), whose entries no document names.
ShopType = Literal["taobao", "tmall", "other"]
ComplaintKind = Literal[
    "异常拍下",
    "异常退款",
    "异常投诉",
    "不合理评价",
    "恶意敲诈",
    "广告评价",
    "欺诈举报",
    "盗图投诉",
    "盗图申诉",
]
SHOP_TYPES: tuple[ShopType, ...] = get_args(ShopType)


class Entry(BaseModel):
    """One place for complaints: a path through the platform's pages, an address, or both."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    zh: str
    en: str
    path: str = ""
    url: str = ""
    shop_types: tuple[ShopType, ...] = Field(min_length=1)
    kinds: tuple[ComplaintKind, ...] = Field(min_length=1)
    source: str
    as_of: str

    @property
    def where(self) -> str:
        """The name, and how to get there."""
        return " ".join(part for part in (self.zh, self.path, self.url) if part)


@cache
def registry() -> tuple[Entry, ...]:
    """All entries, in the order of the file. Raises pydantic's ValidationError for a broken one."""
    text = files("streams.detect").joinpath("entries.yaml").read_text(encoding="utf-8")
    return tuple(Entry.model_validate(entry) for entry in yaml.safe_load(text)["entries"])


def entries(kind: ComplaintKind, shop_type: ShopType | None = None) -> tuple[Entry, ...]:
    """Where that kind is filed by that type of shop; by any, where the type is not known.

    Nowhere that is known, for a shop on another platform.
    """
    return tuple(
        entry
        for entry in registry()
        if kind in entry.kinds and (shop_type is None or shop_type in entry.shop_types)
    )
