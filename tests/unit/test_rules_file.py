"""The rules file as people write it: what cannot be meant is refused with its line, as exit code 2."""

from __future__ import annotations

import os
from importlib.resources import files
from io import BytesIO
from pathlib import Path, PosixPath
from typing import Any, ClassVar

import pytest
from structlog.testing import capture_logs

from schemas.alerts import Subject
from streams.detect.detector import find_detectors
from streams.detect.rules import RuleSet
from streams.errors import ConfigurationError
from streams.rules import RulesFile, load_rules
from streams.settings import Settings

SHIPPED = files("streams.detect").joinpath("rules.yaml").read_text("utf-8")
LINES = SHIPPED.count("\n")


@pytest.mark.parametrize(
    ("appended", "told"),
    [
        # Of two `shops` the first would be gone, and with it the rules of its shops.
        ("shops: {s1: {}}\nshops: {s2: {}}\n", f"the key shops .*second time.*line {LINES + 2}"),
        ("shops:\n  s1: {D01: {warn_orders: 8, warn_orders: 9}}\n", "warn_orders .*second time"),
        # Taobao's shops are numbers.
        ("shops:\n  123456: {}\n", f"the key 123456 is no text.*quotes.*line {LINES + 2}"),
        ("shops:\n  no: {}\n", "the key no is no text"),
        ("? [a, b]\n: 1\n", "key of several values is no text"),
        ("as_of: 2026-02-30\n", f"day is out of range.*line {LINES + 1}"),
        ("x: 010\n", f"begins with 0 is octal.*line {LINES + 1}"),
        ("x: " + "[" * 3000, "recursion"),
        ("\tshops: {}\n", f"cannot start any token.*line {LINES + 1}"),
    ],
    ids=["shops twice", "rule twice", "number", "no", "list", "date", "octal", "depth", "tab"],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, appended: str, told: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(SHIPPED + appended, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=rf"rules\.yaml: cannot be read as YAML: .*{told}"):
        load_rules(path, find_detectors())


@pytest.mark.parametrize("written", ["12:30", "-1:00", "1:30.5", "190:20:30"])
def test_a_number_with_a_colon_is_none(tmp_path: Path, written: str) -> None:
    """To YAML 1.1 it counts sixties: half past twelve would be 750 orders."""
    path = tmp_path / "rules.yaml"
    path.write_text(f"{SHIPPED}shops: {{s1: {{D01: {{warn_orders: {written}}}}}}}\n", "utf-8")
    told = rf"shops\.s1\.D01\.warn_orders: .*integer.*found '{written}'"
    with pytest.raises(ConfigurationError, match=told):
        load_rules(path, find_detectors())


def test_an_id_with_a_colon_is_the_one_that_events_write(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    allowed = "shops: {s1: {allow: [{buyer: 12:30, why: 12:45}]}}\n"
    path.write_text(SHIPPED + allowed, encoding="utf-8")
    rules = load_rules(path, find_detectors())
    subject = Subject(kind="buyer", id="s1:12:30")
    assert rules.of("s1")["D01"].suppressed_by(subject) == "allow: 12:45"


def test_one_shop_may_take_over_the_rules_of_another(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    shops = "shops:\n  s1: &s1 {D01: {warn_orders: 8}}\n  s2: {<<: *s1, shop_type: tmall}\n"
    path.write_text(SHIPPED + shops, encoding="utf-8")
    rules = load_rules(path, find_detectors())
    assert rules.of("s2")["D01"].block.model_dump()["warn_orders"] == 8
    assert rules.shop_type("s2") == "tmall"


def test_mappings_that_take_over_each_other_take_over_each_key_once(tmp_path: Path) -> None:
    """Twenty times twenty times … eight times over: text of two kilobytes that would fill any memory."""
    path = tmp_path / "rules.yaml"
    lines = ["shops:", "  s0: &s0 {D01: {warn_orders: 8}, shop_type: taobao}"]
    for number in range(1, 9):
        before = ", ".join([f"*s{number - 1}"] * 20)
        lines.append(f"  s{number}: &s{number} {{<<: [{before}], shop_type: tmall}}")
    path.write_text(SHIPPED + "\n".join(lines) + "\n", encoding="utf-8")
    rules = load_rules(path, find_detectors())
    assert rules.of("s8")["D01"].block.model_dump()["warn_orders"] == 8
    assert (rules.shop_type("s0"), rules.shop_type("s8")) == ("taobao", "tmall")


@pytest.mark.parametrize("where", ["D01: {warn_orders: ", "shop_type: ", "allow: [{buyer: "])
def test_what_stands_for_more_than_fits_the_memory_is_refused_without_being_written_out(
    tmp_path: Path, where: str
) -> None:
    path = tmp_path / "rules.yaml"
    bomb = ["&a0 [x, x]", *(f"&a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 40))]
    closed = where.count("{") * "}" + where.count("[") * "]"
    text = f"{SHIPPED}shops: {{s: {{{where}[{', '.join(bomb)}]{closed}}}}}\n"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"shops\.s\..*, found ") as refused:
        load_rules(path, find_detectors())
    assert len(str(refused.value)) < 1000


def test_a_file_of_any_size_is_refused_before_it_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    with path.open("wb") as sparse:
        sparse.truncate(1 << 40)
    with pytest.raises(ConfigurationError, match=r"more than 4,194,304 bytes; expected a file of"):
        load_rules(path, find_detectors())


@pytest.mark.parametrize(
    ("kind", "told"), [("pipe", "it is a pipe or a device"), ("folder", "Is a directory")]
)
def test_what_is_no_file_is_refused_and_waited_for_by_nobody(
    tmp_path: Path, kind: str, told: str
) -> None:
    path = tmp_path / "rules.yaml"
    (os.mkfifo if kind == "pipe" else os.mkdir)(path)
    with pytest.raises(ConfigurationError, match=rf"rules\.yaml: cannot be read: {told}; expected"):
        load_rules(path, find_detectors())


def test_a_device_that_never_ends_is_no_file_of_rules() -> None:
    with pytest.raises(ConfigurationError, match="/dev/zero: cannot be read: it is a pipe or a de"):
        load_rules(Path("/dev/zero"), find_detectors())


@pytest.mark.parametrize("mark", ["\N{BYTE ORDER MARK}", ""])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_files_of_any_editor_are_read(tmp_path: Path, mark: str, end: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_bytes((mark + rules_of("s1").replace("\n", end)).encode())
    assert load_rules(path, find_detectors()).shops == ("s1",)


def rules_of(shop: str) -> str:
    return f"{SHIPPED}\nshops: {{{shop}: {{D01: {{warn_orders: 8}}}}}}\n"


class Looked:
    """A rules file and what a service takes from it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "rules.yaml"
        self.path.write_text(SHIPPED, encoding="utf-8")
        self.taken: list[RuleSet] = []
        self.file = RulesFile(Settings(rules_path=self.path), self.taken.append)

    def write(self, text: str, looks: int = 2) -> None:
        self.path.write_text(text, encoding="utf-8")
        for _ in range(looks):
            self.file.look()


def test_new_rules_are_taken_once_the_file_is_found_whole(tmp_path: Path) -> None:
    looked = Looked(tmp_path)
    looked.write(SHIPPED)
    assert not looked.taken
    # Valid as it is, but more of it may be on its way.
    looked.write(f"{SHIPPED}\nshops: {{}}\n", looks=1)
    looked.write(rules_of("s1"), looks=1)
    assert not looked.taken
    looked.file.look()
    looked.file.look()
    (rules,) = looked.taken
    assert rules.of("s1") is not rules.of("s2")
    assert not looked.file.is_refused


@pytest.mark.parametrize(
    "text",
    [
        "D01: {}",
        "\t",
        f"{SHIPPED}\nshops: {{s1: {{D01: {{x: 1}}}}}}",
        f"{SHIPPED}\nshops: {{s1: {{D01: {{warn_orders: 0x{'f' * 6000}}}}}}}",
        f'{SHIPPED}\nshops: {{s1: {{D01: {{source: "\\ud800"}}}}}}',
    ],
)
def test_a_file_that_cannot_be_used_changes_nothing_and_is_told_until_it_can(
    tmp_path: Path, text: str
) -> None:
    looked = Looked(tmp_path)
    looked.write(text)
    assert looked.file.is_refused and not looked.taken
    looked.path.unlink()
    pipe, end = (lambda: os.mkfifo(looked.path)), looked.path.unlink
    for make in (looked.path.mkdir, looked.path.rmdir, pipe, end, looked.path.touch):
        make()
        looked.file.look()
        looked.file.look()
        assert looked.file.is_refused and not looked.taken
    looked.write(rules_of("s1"))
    assert not looked.file.is_refused and len(looked.taken) == 1


def test_why_a_file_is_refused_is_logged_without_phones(tmp_path: Path) -> None:
    looked = Looked(tmp_path)
    with capture_logs() as logged:
        looked.write(f"{SHIPPED}\nshops: {{s1: {{allow: [{{buyer: 13800138000, why: x}}]}}}}\n")
    (refusal,) = logged
    assert "shops.s1.allow.0.buyer: expected an id" in refusal["reason"]
    assert "13800138000" not in refusal["reason"]


class Replaced(PosixPath):
    """A file that is replaced whenever it has been read."""

    next: ClassVar[list[bytes]] = []

    def open(self, mode: str = "r", *args: Any, **named: Any) -> Any:
        found = super().open(mode, *args, **named)
        if mode != "rb":
            return found
        with found:
            content = found.read()
        if self.next:
            self.write_bytes(self.next.pop(0))
        return BytesIO(content)


def test_what_was_found_twice_is_taken_though_the_file_is_another_one_by_then(
    tmp_path: Path,
) -> None:
    path = Replaced(tmp_path / "rules.yaml")
    path.write_text(SHIPPED, encoding="utf-8")
    taken: list[RuleSet] = []
    file = RulesFile(Settings(rules_path=path), taken.append)
    path.write_text(rules_of("s1"), encoding="utf-8")
    file.look()
    path.next.append(rules_of("s2").encode())
    file.look()
    (rules,) = taken
    assert rules.shops == ("s1",)


def test_a_config_map_of_kubernetes_is_followed(tmp_path: Path) -> None:
    # The kubelet writes a new folder and swaps one link; the file in use is a link through it.
    for number, text in enumerate((SHIPPED, rules_of("s1"))):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "rules.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "..data").symlink_to("0")
    (tmp_path / "rules.yaml").symlink_to("..data/rules.yaml")
    taken: list[RuleSet] = []
    file = RulesFile(Settings(rules_path=tmp_path / "rules.yaml"), taken.append)
    (tmp_path / "..next").symlink_to("1")
    (tmp_path / "..next").rename(tmp_path / "..data")
    file.look()
    file.look()
    assert [rules.shops for rules in taken] == [("s1",)]


def test_a_service_without_a_rules_file_looks_at_none() -> None:
    RulesFile(Settings(rules_path=None), lambda _: pytest.fail("nothing can have changed")).look()
