"""Administrative divisions of mainland China: which names exist, and which of them exclude each other.

What a newcomer gets wrong: a name proves nothing by itself. 朝阳区 is in four cities, 南京路 in a hundred,
and people go on writing counties that became districts years ago; only full names are believed.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

from streams.detect.text.folding import fold

_SUFFIXES = ("壮族自治区", "回族自治区", "维吾尔自治区", "自治区", "特别行政区", "省", "市")
# A prefecture by its short name: 杭州市 杭州, 凉山彝族自治州 凉山.
_OF_PREFECTURE = re.compile(
    r"(?:(?:土家|苗|藏|羌|彝|布依|侗|哈尼|壮|傣|白|景颇|傈僳|回|朝鲜|蒙古)族|蒙古|哈萨克|柯尔克孜)*"
    r"(?:自治州|市|地区|盟|林区)$"
)
# 台湾 and the two regions are provinces of an address form, and abroad for a parcel.
OUTSIDE = {
    "香港": "HK",
    "HONG KONG": "HK",
    "澳门": "MO",
    "MACAO": "MO",
    "MACAU": "MO",
    "台湾": "TW",
    "TAIWAN": "TW",
}


# 上海市民花园, 沈阳市场街, 四川省驻沪办事处, 安徽省建工集团: named after another place, and not in it.
_NAMED_AFTER = re.compile(
    r"[^省市\d]{2,6}(?:市(?=[民场井])|[省市]?驻"
    r"|[省市](?:(?![路街道巷区县镇乡村])[^\d市省])"
    r"{0,8}(?:集团|公司|银行|项目部|商会|办事处|设计院|研究院|饭店|酒店|餐厅|菜馆|小吃))"
)


class Table(NamedTuple):
    """`provinces` and `cities` map every spelling to its place; `places` a full name to where it may be.

    A place is a province, or a province and a prefecture. `places` holds prefectures and counties.
    `head` finds a full name of a province or a prefecture, `begins` are the first two characters of these.
    """

    provinces: dict[str, str]
    cities: dict[str, tuple[str, str]]
    places: dict[str, frozenset[tuple[str, str]]]
    head: re.Pattern[str]
    begins: frozenset[str]


@cache
def table() -> Table:
    """The divisions that ship with the package; source and licence stand in the file."""
    text = files("streams.detect.address").joinpath("divisions.tsv").read_text(encoding="utf-8")
    provinces: dict[str, str] = {}
    cities: dict[str, tuple[str, str]] = {}
    places: dict[str, set[tuple[str, str]]] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        province, city, counties = line.lstrip("~").split("\t")
        provinces[province] = provinces[_short(province)] = province
        place = province, city
        cities[city] = cities[_OF_PREFECTURE.sub("", city)] = place
        places.setdefault(city, set()).add(place)
        for county in counties.split():
            places.setdefault(county, set()).add(place)
    full = sorted({*provinces, *cities} & {*provinces.values(), *places}, key=len, reverse=True)
    return Table(
        provinces,
        cities,
        {name: frozenset(where) for name, where in places.items()},
        re.compile("|".join(map(re.escape, full))),
        frozenset(name[:2] for name in full),
    )


def _short(province: str) -> str:
    for suffix in _SUFFIXES:
        if province.endswith(suffix):
            return province.removesuffix(suffix)
    return province


def is_written_in_chinese(name: str) -> bool:
    """Whether a name has a Chinese character, so that the tables can know it."""
    return any("一" <= char <= "鿿" for char in name)


@lru_cache(maxsize=4096)
def outside(state: str) -> str:
    """The code of a region outside mainland China that stands where the province should, or empty."""
    written = _simplified(state.strip()).upper().removeprefix("中国")
    for name, code in OUTSIDE.items():
        if written.startswith(name):
            return code
    return ""


@lru_cache(maxsize=4096)
def _simplified(name: str) -> str:
    """A name in the characters of the tables: phones set to traditional ones write 廣東省 and 東莞市.

    What the tables know stays as it is, for 乾县 would become 干县.
    """
    if not is_written_in_chinese(name) or name in table().places:
        return name
    return fold(name).text


@lru_cache(maxsize=1024)
def province_of(state: str) -> str | None:
    """The full name of a province by any spelling of it, or None.

    People write the prefecture there, or behind the province (浙江省杭州市): that is no other province.
    """
    known = table()
    state = _simplified(state)
    if state in known.provinces:
        return known.provinces[state]
    if state in known.cities:
        return known.cities[state][0]
    return next((full for name, full in known.provinces.items() if state.startswith(name)), None)


@lru_cache(maxsize=4096)
def short_names(state: str, city: str) -> tuple[str, str]:
    """Province and prefecture in their short spelling; what the table does not know stays as it is.

    A municipality is written as its own prefecture, whatever stands there (市辖区, 北京市, nothing).
    """
    city = _simplified(city)
    province = _short(province_of(state) or state)
    if province in {"北京", "天津", "上海", "重庆"}:
        return province, province
    known = table().cities.get(city)
    return province, _OF_PREFECTURE.sub("", known[1] if known else city)


@lru_cache(maxsize=4096)
def doubt(state: str, city: str) -> str:
    """What is wrong with the declared province and city: a code, or empty.

    `province_unknown`: written in Chinese, and no province. `city_elsewhere`: the city exists, but only in
    other provinces. A city that the table does not know is believed.
    """
    if not is_written_in_chinese(state):
        return ""
    province = province_of(state)
    if province is None:
        return "province_unknown"
    where = table().places.get(_simplified(city))
    if where and all(place[0] != province for place in where):
        return "city_elsewhere"
    return ""


def is_contradicted(state: str, city: str, detail: str) -> bool:
    """Whether the detail begins with another province or prefecture, and never names the declared one.

    Only full names at the very beginning count (浙江省, 杭州市; not 南京路), and a county-level city
    of the declared prefecture is no contradiction.
    """
    known = table()
    # Most details begin with a road; four hundred names need not be tried then.
    found = known.head.match(detail) if detail[:2] in known.begins else None
    if found is None or _NAMED_AFTER.match(detail):
        return False
    city = _simplified(city)
    declared = _declared(state, city)
    named = known.provinces.get(found.group())
    if named is None:
        is_other = _is_other_city(city, found.group())
    elif named == province_of(state):
        # Behind the right province there may still be a wrong prefecture.
        behind = known.head.match(detail, found.end())
        is_other = behind is not None and _is_other_city(city, behind.group())
    else:
        is_other = bool(declared)
    return is_other and not any(name in detail for name in declared)


@lru_cache(maxsize=4096)
def _declared(state: str, city: str) -> tuple[str, ...]:
    """The names by which a detail says that it does mean the declared region."""
    known = table()
    if city in known.cities:
        name = known.cities[city][1]
        return name, _OF_PREFECTURE.sub("", name)
    province = province_of(state)
    return (province, _short(province)) if province is not None else ()


def _is_other_city(city: str, name: str) -> bool:
    """Whether a full name is that of a prefecture or a county elsewhere than the declared prefecture."""
    known = table()
    declared, where = known.cities.get(city), known.places.get(name)
    return declared is not None and where is not None and declared not in where
