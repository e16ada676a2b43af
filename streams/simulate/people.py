"""Invented buyers: who they are follows from the seed and a key, so nothing need be remembered.

Names, numbers and houses are made up; regions exist so that address checks find them in order.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import orjson

_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
_GIVEN = "安宁文静子轩雨桐浩然欣怡俊杰思远嘉禾明月晓峰若兰家豪诗涵志强雅琪"
_REGIONS = (
    ("浙江省", "杭州市", "西湖区"),
    ("浙江省", "宁波市", "鄞州区"),
    ("江苏省", "南京市", "鼓楼区"),
    ("江苏省", "苏州市", "吴中区"),
    ("广东省", "广州市", "天河区"),
    ("广东省", "深圳市", "南山区"),
    ("上海市", "上海市", "浦东新区"),
    ("北京市", "北京市", "朝阳区"),
    ("四川省", "成都市", "武侯区"),
    ("湖北省", "武汉市", "洪山区"),
    ("山东省", "青岛市", "市南区"),
    ("河南省", "郑州市", "金水区"),
    ("湖南省", "长沙市", "岳麓区"),
    ("陕西省", "西安市", "雁塔区"),
    ("福建省", "厦门市", "思明区"),
    ("辽宁省", "大连市", "沙河口区"),
)
_ROADS = ("翠柏路", "青石街", "望江路", "银杏大道", "和平南路", "书院街", "松涛路", "云栖路")


class Person(NamedTuple):
    """A buyer: the account, the encoded receiver of an order, and the device."""

    buyer_id: str
    receiver: orjson.Fragment
    device_hash: str


@lru_cache(maxsize=65_536)
def person(seed: int, key: int | str) -> Person:
    """The buyer that belongs to `key` (a number for honest ones, a story's name for others)."""
    digest = blake2b(f"{seed}/{key}".encode(), digest_size=24).digest()
    given = _GIVEN[digest[1] % len(_GIVEN)] + _GIVEN[digest[18] % len(_GIVEN)]
    name = _SURNAMES[digest[0] % len(_SURNAMES)] + given
    state, city, district = _REGIONS[digest[2] % len(_REGIONS)]
    road = _ROADS[digest[3] % len(_ROADS)]
    room = f"{digest[6] % 30 + 1}{digest[7] % 4 + 1:02}"
    receiver = {
        "name": name,
        "phone": f"199{int.from_bytes(digest[8:12]) % 10**8:08}",
        "country": "CN",
        "state": state,
        "city": city,
        "district": district,
        "detail": f"{road}{digest[4] + 1}号{digest[5] % 20 + 1}幢{room}室",
    }
    return Person(
        buyer_id=digest[12:18].hex(),
        receiver=orjson.Fragment(orjson.dumps(receiver)),
        device_hash=digest[18:24].hex(),
    )
