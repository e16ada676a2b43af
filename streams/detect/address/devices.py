"""Ids of devices that tell no device from another: placeholders, and what systems give to all of theirs.

What a newcomer gets wrong: a connector that hashes what it has hashes the empty text too.
"""

from __future__ import annotations

from hashlib import md5, sha1, sha256

_WORDS = frozenset(
    {
        *("n/a", "na", "nan", "nil", "none", "null", "(null)", "undefined", "unknown", "empty"),
        *("default", "test", "guest", "device", "deviceid", "device_hash", "未知", "无", "空"),
        *("web", "h5", "wap", "pc", "app", "mobile", "browser", "wechat", "miniprogram"),
        *("android", "ios", "iphone", "ipad", "mac", "windows"),
    }
)
# The first of many Android emulators and of the phones of a faulty version 2.2; the second of every phone
# whose system hides its hardware (Android 6 and iOS 7 on).
_OF_MANY = frozenset({"9774d56d682e549c", "02:00:00:00:00:00", "020000000000"})
_HASHED = frozenset(
    made(word.encode(), usedforsecurity=False).hexdigest()
    for made in (md5, sha1, sha256)
    for word in ("", "0", "null", "none", "None", "undefined", "unknown", *_OF_MANY)
)
_NAME_NONE = _WORDS | _OF_MANY | _HASHED


def names_none(device: str) -> bool:
    """Whether an id is a placeholder, or the same on devices of strangers: also 0000… and ffff…"""
    text = device.strip().lower()
    if text in _NAME_NONE or not text:
        return True
    # Every order is asked about its device, and hardly any ends as it begins.
    if text[0] != text[-1] and text.isalnum():
        return False
    letters = text.replace("-", "").replace(":", "")
    return letters == letters[:1] * len(letters)
