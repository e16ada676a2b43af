"""The key of identity hashes: never a default, one per installation, kept to its owner."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec
import pytest
from pydantic import SecretStr

from schemas.fast_types import Receiver
from streams.detect.address import phones, receivers
from streams.errors import ConfigurationError
from streams.identities import KEY_FILE, configure, disposable_phones, identity_key
from streams.settings import Settings
from tests.pipeline import IDENTITY_KEY

DATA = Path(os.environ.get("ORDERWATCH_DATA", Path(__file__).parents[3] / "shared" / "data"))


def test_a_key_is_made_once_and_kept_to_its_owner(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    first = identity_key(settings)
    path = tmp_path / "data" / KEY_FILE
    assert first == identity_key(settings) == path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == [KEY_FILE]
    assert first != identity_key(Settings(data_dir=tmp_path / "other"))


def test_a_key_that_is_given_makes_no_file(tmp_path: Path) -> None:
    for written in ("k" * 16, "k" * 16 + "\n"):
        settings = Settings(data_dir=tmp_path, identity_key=SecretStr(written))
        assert identity_key(settings) == b"k" * 16
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("key", ["short", "k" * 65])
def test_a_key_of_the_wrong_length_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ConfigurationError, match="IDENTITY_KEY") as refused:
        identity_key(Settings(identity_key=SecretStr(key)))
    assert key not in str(refused.value)


def test_a_directory_that_cannot_keep_a_key_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="ORDERWATCH_IDENTITY_KEY"):
        identity_key(Settings(data_dir=tmp_path / "file"))


@pytest.mark.parametrize(
    "text", ['{"8613800138000": "2024-01-01", "12025550100": ""}', "8613800138000\n+12025550100\n"]
)
def test_a_list_of_disposable_numbers_is_read_in_either_form(tmp_path: Path, text: str) -> None:
    pack = tmp_path / "numbers"
    pack.write_text(text)
    assert disposable_phones(pack) == {"13800138000", "+12025550100"}
    assert disposable_phones(None) == frozenset()


def test_a_list_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="ORDERWATCH_DISPOSABLE_PHONES_PATH"):
        disposable_phones(tmp_path / "missing")


def test_only_the_list_knows_real_disposable_numbers() -> None:
    """libphonenumber calls nearly all of them valid, so it cannot stand in for the list."""
    pack = DATA / "disposable_phones" / "number-list.json"
    if not pack.is_file():
        pytest.skip("no reference data: set ORDERWATCH_DATA to the folder that has the phones")
    listed = disposable_phones(pack)
    mainland = [number for number in listed if not number.startswith("+")]
    assert len(mainland) > 10_000
    # They are normalised already.
    assert {phones.doubt(number, number, listed) for number in mainland} == {"phone_disposable"}
    assert sum(phones.doubt(number, number) == "" for number in mainland) > 0.99 * len(mainland)


def test_configuring_hands_key_and_list_to_extraction(tmp_path: Path) -> None:
    pack = tmp_path / "numbers.txt"
    pack.write_text("8613800138000\n")
    given = ("", "13800138000", "", "", "", "", "")
    try:
        configure(Settings(identity_key=SecretStr("k" * 16), disposable_phones_path=pack))
        read = receivers.reader().read(*given)
        assert (read.phone_doubt, len(read.phone)) == ("phone_disposable", 12)
    finally:
        receivers.use(IDENTITY_KEY)
    assert receivers.reader().read(*given).phone_doubt == ""


def test_who_remembers_reads_a_receiver_once_until_it_forgets() -> None:
    reader = receivers.Reader(b"k" * 16)
    given = Receiver(
        name="王小明", phone="13800138000", city="杭州市", detail="文三路100号5幢301室"
    )
    other = msgspec.structs.replace(given, detail="文三路100号5幢302室")
    unaided = reader.of(given)
    assert reader.of(given) is not unaided
    reader.remember()
    first = reader.of(given)
    assert first == unaided
    assert reader.of(msgspec.structs.replace(given)) is first
    assert reader.of(other).address not in ("", first.address)
    reader.remember()
    assert reader.of(given) is not first
    reader.forget()
    assert reader.of(given) is not reader.of(given)
