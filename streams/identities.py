"""The key of identity hashes and the list of disposable numbers, handed to extraction once.

What a newcomer gets wrong: there is no default key. One is made at the first start and kept in the data
directory, readable by its owner only; several machines need the setting, or their hashes differ.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import orjson
from pydantic import SecretStr

from streams.detect.address import phones, receivers
from streams.detect.address.identity import MAX_KEY_BYTES, MIN_KEY_BYTES
from streams.errors import ConfigurationError
from streams.settings import Settings

KEY_FILE = "identity.key"


def configure(settings: Settings, *, reads_receivers: bool = True) -> None:
    """Let receivers be read under the key and the list of the settings, or not at all.

    Raises ConfigurationError for a key of the wrong length and for files that cannot be used.
    """
    if reads_receivers:
        receivers.use(identity_key(settings), disposable_phones(settings.disposable_phones_path))
    else:
        receivers.ignore()


def with_some_key(settings: Settings) -> Settings:
    """The settings for who leaves nothing behind: where there is no key yet, with one for this run only.

    It is no fixed one: what a replay writes is handed on, and under a key that everybody knows eleven digits
    are tried out in seconds.
    """
    if settings.identity_key is not None or (settings.data_dir / KEY_FILE).exists():
        return settings
    return settings.model_copy(update={"identity_key": SecretStr(_drawn())})


def identity_key(settings: Settings) -> bytes:
    """The key of the settings, or the one in the data directory, which is made when there is none."""
    if settings.identity_key is not None:
        # A mounted secret often ends with a line break, and the same key from a file has none.
        key = settings.identity_key.get_secret_value().encode().strip()
        return _checked(key, "ORDERWATCH_IDENTITY_KEY")
    path = settings.data_dir / KEY_FILE
    try:
        if not path.exists():
            _make(path)
        return _checked(path.read_bytes().strip(), str(path))
    except OSError as error:
        raise ConfigurationError(
            f"{path}: the key of identity hashes cannot be kept there: {error}; make the directory "
            "writable or set ORDERWATCH_IDENTITY_KEY"
        ) from error


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(_drawn())
    try:
        # Fails where another process was faster; then its key is the one.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _drawn() -> str:
    return secrets.token_hex(24)


def _checked(key: bytes, where: str) -> bytes:
    if not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
        raise ConfigurationError(
            f"{where}: a key of {len(key)} bytes; expected {MIN_KEY_BYTES} to {MAX_KEY_BYTES}, for "
            "example from: openssl rand -hex 24"
        )
    return key


def disposable_phones(path: Path | None) -> frozenset[str]:
    """The normalised numbers of a data pack: one a line, or the keys of a JSON object."""
    if path is None:
        return frozenset()
    try:
        raw = path.read_bytes()
        written = (
            orjson.loads(raw) if raw.lstrip()[:1] in (b"{", b"[") else raw.decode().split("\n")
        )
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{path}: disposable numbers cannot be read: {error}; correct "
            "ORDERWATCH_DISPOSABLE_PHONES_PATH, or unset it to do without the list"
        ) from error
    # Such lists write the country code without a plus.
    numbers = {phones.normalise(f"+{str(number).strip().lstrip('+')}") for number in written}
    return frozenset(numbers - {""})
