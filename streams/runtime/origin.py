"""Under what the state of a partition was written: one record of its changelog, on which all others rest.

State of another format would be misread, under another tenant every alert would be taken back and told
again under another id, and under another key no account is linked with those that are known. None of
these shows by itself.
"""

from __future__ import annotations

import msgspec

from streams.detect.address import receivers
from streams.errors import ConfigurationError
from streams.settings import Settings

# Of everything in the two state topics; tests/unit/test_formats.py says when it has to be another one.
FORMAT = 2
# What this version goes on from. In 1 some facts lack fields that have a default, which whoever knows only
# that would leave out again.
READABLE = (1, FORMAT)
# The key of the record; no subject's key begins like it.
ORIGIN_KEY = "@origin"
_REBUILD = 'docs/operations.md, "Rebuilding the state"'


class Origin(msgspec.Struct, frozen=True):
    """What whoever takes over a partition must have in common with whoever wrote its state.

    `identities` tells keys apart and gives none away; it is empty where nobody reads receivers.
    """

    format: int
    tenant: str
    identities: str = ""

    def packed(self) -> bytes:
        """The value of the record."""
        return msgspec.json.encode(self)


def origin_of(settings: Settings) -> Origin:
    """That of this worker; extraction must be configured (`streams.rules.build_engine`)."""
    return Origin(FORMAT, settings.tenant, receivers.reader().device("which key is it"))


def is_said(found: bytes, ours: Origin, where: str) -> bool:
    """Whether the record of a partition says all that we would, after it was compared with that.

    Raises ConfigurationError when the state of that partition is not ours to go on with.
    """
    try:
        theirs = msgspec.json.decode(found, type=Origin)
    except msgspec.DecodeError:
        theirs = Origin(0, "")
    if theirs.format not in READABLE:
        raise ConfigurationError(
            f"{where} was written by another version of orderwatch, in format "
            f"{theirs.format or 'unknown'}; this version reads {' and '.join(map(str, READABLE))}. Start the "
            f"version that wrote it, or rebuild the state: {_REBUILD}."
        )
    if theirs.tenant != ours.tenant:
        raise ConfigurationError(
            f"{where} was written for the tenant {theirs.tenant!r} and ORDERWATCH_TENANT is "
            f"{ours.tenant!r}, which would take back every alert and tell it under another id. Set it "
            "back, or give the new tenant an ORDERWATCH_TOPIC_PREFIX and an ORDERWATCH_GROUP_ID of its own."
        )
    if theirs.identities and ours.identities and theirs.identities != ours.identities:
        raise ConfigurationError(
            f"{where} was written under another identity key, and accounts known from there would not "
            "be linked with new orders. Give this worker the key of the others, or of the one before "
            "(ORDERWATCH_IDENTITY_KEY, or identity.key in ORDERWATCH_DATA_DIR); if that is lost, rebuild "
            f"the state: {_REBUILD}."
        )
    return theirs.format == FORMAT and bool(theirs.identities or not ours.identities)
