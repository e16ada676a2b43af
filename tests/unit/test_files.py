"""Event files: every container reads the same lines, positions are exact, damage is named."""

from __future__ import annotations

import gzip
import io
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.errors import ConfigurationError, TransientError
from streams.replay.files import EventReader, LineWriter, event_line, overwrites

SUFFIXES = ["", ".gz", ".zst"]
LINES = [b'{"topic":"orders","value":{"n":%d}}' % n for n in range(2000)]


def write(path: Path, lines: list[bytes]) -> Path:
    with LineWriter(path) as writer:
        writer.write_all(line + b"\n" for line in lines)
    return path


def read(*paths: Path, chunk_bytes: int = 997) -> list[bytes]:
    reader = EventReader(paths, chunk_bytes=chunk_bytes)
    return [line for chunk in reader for line in chunk.lines]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_was_written_is_read_back(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"events.jsonl{suffix}", LINES)
    assert read(path) == LINES
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_compressed_output_is_the_same_bytes_each_time(tmp_path: Path, suffix: str) -> None:
    first = write(tmp_path / f"a{suffix}", LINES).read_bytes()
    assert first == write(tmp_path / f"b{suffix}", LINES).read_bytes()
    assert len(first) < sum(map(len, LINES)) / 4


def test_several_files_are_read_in_the_order_named(tmp_path: Path) -> None:
    a = write(tmp_path / "a.zst", LINES[:3])
    b = write(tmp_path / "b.gz", LINES[3:5])
    assert read(b, a) == LINES[3:5] + LINES[:3]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_file_in_utf_16_is_refused_by_its_name(
    tmp_path: Path, encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    """As Windows writes what is redirected there: its lines would be refused one by one as no JSON."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(compress("\ufeff{}\n".encode(encoding)))
    with pytest.raises(ConfigurationError, match=r"events\.jsonl is text in UTF-16; expected"):
        read(path)


def test_the_container_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    disguised = tmp_path / "events.jsonl"
    disguised.write_bytes(gzip.compress(b"\n".join(LINES)))
    assert read(disguised) == LINES


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_members_that_follow_one_another_are_one_file(tmp_path: Path, compress) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "joined"
    path.write_bytes(b"".join(compress(line + b"\n") for line in LINES[:50]))
    assert read(path, chunk_bytes=64) == LINES[:50]


def test_gzip_padding_with_zeros_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "padded.gz"
    path.write_bytes(gzip.compress(b"{}\n") + bytes(1000))
    assert read(path, chunk_bytes=16) == [b"{}"]


@given(
    lines=st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b""))),
    chunk_bytes=st.integers(1, 200),
    ends_with_newline=st.booleans(),
)
@settings(max_examples=200)
def test_every_line_keeps_its_position_whatever_the_chunks(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[bytes],
    chunk_bytes: int,
    ends_with_newline: bool,
) -> None:
    path = tmp_path_factory.mktemp("chunks") / "events.jsonl"
    # A leading brace keeps a random first line from looking like a compressed file.
    path.write_bytes(b"\n".join([b"{", *lines]) + (b"\n" if ends_with_newline else b""))
    expected = [(1, b"{")] + [(n, line) for n, line in enumerate(lines, 2) if line.strip()]
    reader = EventReader([path], chunk_bytes=chunk_bytes)
    found = [(chunk.line_number(i), line) for chunk in reader for i, line in enumerate(chunk.lines)]
    assert found == expected
    assert reader.lines_read == len(expected)
    assert reader.bytes_read == reader.bytes_total == path.stat().st_size


def test_blank_lines_are_skipped_and_still_counted(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    path.write_bytes(b"\xef\xbb\xbf{}\r\n\r\n\n  \n{}")
    chunks = list(EventReader([path]))
    lines = [(c.position(i), line.strip()) for c in chunks for i, line in enumerate(c.lines)]
    assert lines == [(f"{path}:1", b"{}"), (f"{path}:5", b"{}")]


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert read(tmp_path / "empty") == []


def test_progress_ends_at_the_total(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"e{s}", LINES) for s in SUFFIXES]
    seen: list[int] = []
    reader = EventReader(paths, chunk_bytes=500, progress=lambda r: seen.append(r.bytes_read))
    assert sum(len(chunk.lines) for chunk in reader) == 3 * len(LINES)
    assert seen == sorted(seen)
    assert seen[-1] == reader.bytes_total


def test_stdin_is_a_source_without_a_total(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(zstandard.compress(b"\n".join(LINES))))
    monkeypatch.setattr("sys.stdin", stdin)
    reader = EventReader(["-"])
    assert [line for chunk in reader for line in chunk.lines] == LINES
    assert reader.bytes_total is None
    assert reader.current == "<stdin>"


@pytest.mark.parametrize("sources", [[], ["-", "-"]])
def test_impossible_sources_are_refused(sources: list[str]) -> None:
    with pytest.raises(ConfigurationError):
        EventReader(sources)


def test_a_missing_file_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    present = write(tmp_path / "present", LINES)
    with pytest.raises(ConfigurationError, match=r"gone\.jsonl does not exist"):
        EventReader([present, tmp_path / "gone.jsonl"])
    with pytest.raises(ConfigurationError, match="is a directory"):
        EventReader([tmp_path])


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("kept", [0.2, 0.95])
def test_a_cut_off_file_is_refused_by_name(tmp_path: Path, suffix: str, kept: float) -> None:
    path = write(tmp_path / f"e{suffix}", LINES)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(ConfigurationError, match=rf"e\{suffix} is cut off"):
        read(path)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_flipped_bytes_are_refused_by_name(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"e{suffix}", LINES)
    data = bytearray(path.read_bytes())
    for i in range(len(data) // 2, len(data) // 2 + 40):
        data[i] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(ConfigurationError, match=rf"e\{suffix} is (damaged|cut off)"):
        read(path)


def _rle_frame(blocks: int) -> bytes:
    """A zstd frame whose blocks of four bytes are 128 KiB of line ends each."""
    sizes = [131_072 << 3 | 1 << 1 | (block == blocks - 1) for block in range(blocks)]
    window_of_128_kib = b"\x00\x38"
    return (
        b"\x28\xb5\x2f\xfd"
        + window_of_128_kib
        + b"".join(size.to_bytes(3, "little") + b"\n" for size in sizes)
    )


@pytest.mark.parametrize(
    "bomb", [gzip.compress(b"\n" * (32 << 20)), _rle_frame(256)], ids=["gzip", "zstd"]
)
def test_what_grows_enormously_is_never_in_memory_as_a_whole(tmp_path: Path, bomb: bytes) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(bomb)
    reader = EventReader([path])
    with path.open("rb") as raw:
        blocks = [len(block) for block in reader._blocks("bomb", raw)]
    assert sum(blocks) == 32 << 20
    assert max(blocks) <= 8.5 * (1 << 20)


class _Watched(bytes):
    """A block that counts how many bytes stood before it whenever it was put behind others."""

    copied = 0

    def __radd__(self, before: bytes) -> bytes:
        _Watched.copied += len(before)
        return before + bytes(self)


def test_a_long_line_is_put_together_once(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = [_Watched(b"x" * 1000) for _ in range(200)]
    monkeypatch.setattr(_Watched, "copied", 0)
    monkeypatch.setattr(EventReader, "_blocks", lambda *_: iter([*blocks, b"\n"]))
    (chunk,) = EventReader(["-"])
    assert chunk.lines == [b"x" * 200_000]
    assert _Watched.copied == 0


def test_an_error_while_writing_leaves_no_file(tmp_path: Path) -> None:
    def broken() -> None:
        with LineWriter(tmp_path / "e.gz") as writer:
            writer.write(b"{}\n")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        broken()
    assert list(tmp_path.iterdir()) == []


@contextmanager
def disk_with_room_for(size: int) -> Iterator[None]:
    """A limit on the length of files fails in the same calls as a full disk does."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("name", ["e.jsonl", "e.jsonl.gz", "e.jsonl.zst"])
@pytest.mark.parametrize("lines", [600, 60_000], ids=["while closing", "while writing"])
def test_a_full_disk_is_no_bug_and_leaves_nothing(tmp_path: Path, name: str, lines: int) -> None:
    rng = Random(1)
    with (
        disk_with_room_for(4096),
        pytest.raises(TransientError, match=rf"{name} could not be written.*room"),
        LineWriter(tmp_path / name) as writer,
    ):
        writer.write_all(rng.randbytes(100) + b"\n" for _ in range(lines))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_does_not_hide_what_ended_the_block(tmp_path: Path) -> None:
    with (
        disk_with_room_for(0),
        pytest.raises(KeyboardInterrupt),
        LineWriter(tmp_path / "e.gz") as writer,
    ):
        writer.write(b"{}\n")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_place_is_a_configuration_error(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigurationError, match="cannot be written"),
        LineWriter(tmp_path / "no" / "such" / "folder.jsonl"),
    ):
        pass


@pytest.mark.parametrize("name", ["/dev/null", "."])
def test_what_is_no_file_is_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="expected the name of a file to write"):
        LineWriter(tmp_path / name)
    assert [path.name for path in tmp_path.parent.glob("*.part")] == []


def test_a_file_without_a_name_is_refused() -> None:
    """As `--out "$UNSET"` gives it."""
    with pytest.raises(ConfigurationError, match="the file to write has no name"):
        LineWriter("")
    with pytest.raises(ConfigurationError, match="an event file has no name"):
        EventReader([""])


def test_a_file_that_cannot_appear_under_its_name_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    with pytest.raises(TransientError, match=r"e\.jsonl could not be written"), LineWriter(path):
        path.mkdir()
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_overwritten_under_any_of_its_names(tmp_path: Path) -> None:
    path = write(tmp_path / "e.jsonl", LINES[:1])
    (tmp_path / "folder").mkdir()
    link, twin = tmp_path / "link", tmp_path / "twin"
    link.symlink_to(path)
    twin.hardlink_to(path)
    names = (path, str(path), tmp_path / "folder" / ".." / "e.jsonl", link, twin)
    assert all(overwrites(target, path) and overwrites(path, target) for target in names)
    assert not overwrites(tmp_path / "other", path)


def test_what_is_written_first_overwrites_too(tmp_path: Path) -> None:
    assert overwrites(tmp_path / "e", tmp_path / "e.part")
    assert not overwrites(tmp_path / "e.part", tmp_path / "e")


def test_files_that_are_not_there_yet_are_told_apart_by_their_place(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    assert overwrites(tmp_path / "link" / "e", tmp_path / "e")
    assert not overwrites(tmp_path / "d", tmp_path / "e")
    assert not overwrites("-", "-")


def test_stdout_is_left_open(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with LineWriter("-") as writer:
        writer.write(event_line("orders", b"{}"))
    assert capfdbinary.readouterr().out == b'{"topic":"orders","value":{}}\n'
