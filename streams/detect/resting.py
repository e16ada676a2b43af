"""The states of a partition by stored key; those of subjects that rest are kept compressed.

A buyer is heard of for some days and then kept for weeks, so nearly all states rest. What they hold
repeats itself within a state and from state to state: a dictionary learnt from the partition's own
states leaves a third of it. Only in memory; what is stored elsewhere, and what is read here, is as it
was packed. The header stays in front as it is, so that expiry and timers need no look inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableMapping

import zstandard

from streams.detect.state import BODY, oldest_kept

# The first byte of a Zstandard frame. A packed state never has it there: see `state`.
COMPRESSED = 0x28
# So many states teach enough; fewer than that take no room worth the trouble.
LEARN_FROM = 500
_DICTIONARY_BYTES = 4096
# About 15 ms of work: a batch must not wait for a million states.
MOST_AT_ONCE = 2000


class States(MutableMapping[str, bytes]):
    """Packed states by stored key. `size_bytes` is what they take, compressed or not.

    `kept` is what lies behind it, for the hot loop. That must make `plain` what it takes out if the first
    byte behind the header is `COMPRESSED`, and count what it puts in.
    """

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.size_bytes = 0
        self._compressor: zstandard.ZstdCompressor | None = None
        self._decompressor = zstandard.ZstdDecompressor()
        # Whom we have heard of since the last turn, and before it; who rests, but is not compressed yet.
        self._lately: set[str] = set()
        self._before: set[str] = set()
        self._resting: dict[str, None] = {}

    def __getitem__(self, key: str) -> bytes:
        return self.plain(self.kept[key])

    def __setitem__(self, key: str, packed: bytes) -> None:
        self.size_bytes += len(packed) - len(self.kept.get(key, b""))
        self.kept[key] = packed

    def __delitem__(self, key: str) -> None:
        self.size_bytes -= len(self.kept.pop(key))

    def __iter__(self) -> Iterator[str]:
        return iter(self.kept)

    def __len__(self) -> int:
        return len(self.kept)

    def __contains__(self, key: object) -> bool:
        return key in self.kept

    def plain(self, kept: bytes) -> bytes:
        """A state as it was packed, whether it is compressed or not. Cost: 3 µs if it is."""
        if kept[BODY] != COMPRESSED:
            return kept
        return kept[:BODY] + self._decompressor.decompress(kept[BODY:])

    def older_than(self, at_ms: int) -> Iterator[tuple[str, bytes]]:
        """The states whose newest fact is older, as they are kept: their headers can be read."""
        limit = oldest_kept(at_ms)
        return ((key, kept) for key, kept in self.kept.items() if kept < limit)

    def heard_of(self, keys: Iterable[str]) -> None:
        """These have just changed."""
        self._lately.update(keys)

    def turn(self) -> None:
        """Some time has passed: who was not heard of in it rests, and `rest` compresses it."""
        self._resting |= dict.fromkeys(key for key in self._before if key not in self._lately)
        self._before, self._lately = self._lately, set()
        if self._compressor is None:
            self._learn()

    def _learn(self) -> None:
        known = [key for key in self._resting if key in self.kept]
        if len(known) < LEARN_FROM:
            return
        sample = known[:: len(known) // LEARN_FROM]
        learnt = zstandard.train_dictionary(
            _DICTIONARY_BYTES, [self.kept[key][BODY:] for key in sample]
        )
        # The fastest level is as good as any other with such a dictionary.
        self._compressor = zstandard.ZstdCompressor(
            level=1, dict_data=learnt, write_checksum=False, write_dict_id=False
        )
        self._decompressor = zstandard.ZstdDecompressor(dict_data=learnt)

    def rest(self) -> None:
        """Compress some of the states that rest. Cost: 6 µs for each."""
        if self._compressor is None:
            return
        compress = self._compressor.compress
        for _ in range(min(MOST_AT_ONCE, len(self._resting))):
            key, _ = self._resting.popitem()
            packed = self.kept.get(key)
            if packed is None or packed[BODY] == COMPRESSED:
                continue
            if key not in self._before and key not in self._lately:
                self[key] = packed[:BODY] + compress(packed[BODY:])
