"""Event files: JSON Lines, one `{"topic": …, "value": {…}}` a line; plain, gzip, zstd, or stdin.

Owns bytes and lines, not their meaning: nothing here parses JSON. Reading goes by the content's
first bytes, not by the file's name; writing goes by the suffix. The trap: a blank line is skipped
but still counts, so ask a chunk for the position of a line and never count lines yourself.
"""

from __future__ import annotations

import gzip
import os
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self, cast

import zstandard

from streams.errors import ConfigurationError, TransientError

STDIN = "-"
# Small enough that a chunk and its events stay in the processor's cache: 1 MiB took a tenth longer.
DEFAULT_CHUNK_BYTES = 1 << 17
# Compressed events shrink ten to twenty times, so this is about a chunk of them.
_COMPRESSED_READ_BYTES = 1 << 14
# What is made to fill the memory shrinks a thousand times in gzip and 32,768 times in zstd: pieces of so
# many bytes become 8 MiB at most. zstd gives nothing before a block is whole, so small ones cost little.
_GZIP_PIECE_BYTES = 1 << 13
_ZSTD_PIECE_BYTES = 1 << 8
# A file that is not made of lines (a database, an image) must not be read into memory whole.
MAX_LINE_BYTES = 64 * 1024 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_UTF8_BOM = b"\xef\xbb\xbf"
# As Windows PowerShell writes what is redirected. Such lines cannot even be told apart as bytes.
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_ANY_CONTAINER = zlib.MAX_WBITS | 16


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive lines of one file, without line ends and without blank lines."""

    name: str
    lines: list[bytes]
    first_line: int
    # Only when blank lines were skipped: the true line number of each line.
    numbers: Sequence[int] | None = None

    def line_number(self, index: int) -> int:
        """Line number in the file, from 1, of `lines[index]`."""
        return self.numbers[index] if self.numbers is not None else self.first_line + index

    def position(self, index: int) -> str:
        """`file:line` of `lines[index]`, for messages."""
        return f"{self.name}:{self.line_number(index)}"


Progress = Callable[["EventReader"], None]


class EventReader:
    """Iterates over the chunks of several event files, in the order in which they are named.

    `bytes_read` counts bytes of the files as they lie on disk (compressed ones too), so that
    `bytes_read / bytes_total` is a progress; `bytes_total` is None when stdin is among the sources.
    Missing files are refused at construction, before anything was read.
    Raises ConfigurationError for a file that cannot be opened or is damaged, with its position.
    """

    def __init__(
        self,
        sources: Sequence[str | Path],
        *,
        chunk_bytes: int = DEFAULT_CHUNK_BYTES,
        progress: Progress | None = None,
    ) -> None:
        if not sources:
            raise ConfigurationError("no event file was named; expected at least one path, or '-'")
        self._sources = [str(source) for source in sources]
        if self._sources.count(STDIN) > 1:
            raise ConfigurationError("'-' (stdin) was named twice; it can be read only once")
        if STDIN in self._sources and sys.stdin is None:
            raise ConfigurationError(
                "'-' is stdin, which is closed; name a file, or redirect stdin"
            )
        self._chunk_bytes = chunk_bytes
        self._progress = progress
        self.bytes_read = 0
        self.lines_read = 0
        self.current: str | None = None
        self.bytes_total = self._total()

    def _total(self) -> int | None:
        total = 0
        for source in self._sources:
            if source == STDIN:
                continue
            if not source:
                raise ConfigurationError(
                    "an event file has no name; expected a path, or '-' for stdin"
                )
            path = Path(source)
            if path.is_dir():
                raise ConfigurationError(f"{source} is a directory; expected an event file")
            if not path.exists():
                raise ConfigurationError(f"{source} does not exist; expected an event file")
            total += path.stat().st_size
        return None if STDIN in self._sources else total

    def __iter__(self) -> Iterator[Chunk]:
        for source in self._sources:
            self.current = "<stdin>" if source == STDIN else source
            with ExitStack() as stack:
                is_stdin = source == STDIN
                raw = sys.stdin.buffer if is_stdin else stack.enter_context(_open(source))
                yield from self._chunks(self.current, raw)

    def _chunks(self, name: str, raw: BinaryIO) -> Iterator[Chunk]:
        line_number = 1
        # The beginning of a line, block by block: put together at once, a long line costs its square.
        rest: list[bytes] = []
        rest_bytes = 0
        for block in self._blocks(name, raw):
            if line_number == 1 and not rest:
                if block.startswith(_UTF16_BOMS):
                    raise ConfigurationError(
                        f"{name} is text in UTF-16; expected JSON Lines in UTF-8. Save or write it anew "
                        "as UTF-8"
                    )
                block = block.removeprefix(_UTF8_BOM)
            head, newline, tail = block.rpartition(b"\n")
            if not newline:
                rest.append(block)
                rest_bytes += len(block)
                if rest_bytes > MAX_LINE_BYTES:
                    raise ConfigurationError(
                        f"{name}:{line_number} is longer than {MAX_LINE_BYTES} bytes; "
                        "expected JSON Lines, one event a line"
                    )
                continue
            chunk = _chunk(name, b"".join([*rest, head]), line_number)
            line_number += head.count(b"\n") + 1
            rest, rest_bytes = [tail], len(tail)
            self.lines_read += len(chunk.lines)
            if chunk.lines:
                yield chunk
            if self._progress is not None:
                self._progress(self)
        last = b"".join(rest)
        if last.strip():
            self.lines_read += 1
            yield Chunk(name, [last], line_number)
        if self._progress is not None:
            self._progress(self)

    def _blocks(self, name: str, raw: BinaryIO) -> Iterator[bytes]:
        """Decompressed blocks; a container is told by its first bytes."""
        first = self._read(name, raw, self._chunk_bytes)
        if first.startswith(_GZIP_MAGIC):
            pieces = self._pieces(name, raw, first, _GZIP_PIECE_BYTES)
            yield from self._decompressed(name, pieces, _gzip_decoder, "gzip")
        elif first.startswith(_ZSTD_MAGIC):
            pieces = self._pieces(name, raw, first, _ZSTD_PIECE_BYTES)
            yield from self._decompressed(name, pieces, _zstd_decoder, "zstd")
        else:
            while first:
                yield first
                first = self._read(name, raw, self._chunk_bytes)

    def _pieces(self, name: str, raw: BinaryIO, block: bytes, size: int) -> Iterator[bytes]:
        while block:
            for at in range(0, len(block), size):
                yield block[at : at + size]
            block = self._read(name, raw, _COMPRESSED_READ_BYTES)

    def _decompressed(
        self, name: str, pieces: Iterator[bytes], new_decoder: Callable[[], _Decoder], kind: str
    ) -> Iterator[bytes]:
        decoder = new_decoder()
        started = False
        for piece in pieces:
            # Members may follow one another (`cat a.gz b.gz`), and gzip may pad with zeros.
            while piece := piece if started else piece.lstrip(b"\0"):
                try:
                    data = decoder.decompress(piece)
                except (zlib.error, zstandard.ZstdError) as error:
                    raise ConfigurationError(
                        f"{name} is damaged: its {kind} data cannot be read near byte "
                        f"{self.bytes_read} ({error}); write the file again"
                    ) from error
                started = True
                if data:
                    yield data
                piece = b""
                if decoder.eof:
                    piece = decoder.unused_data
                    decoder, started = new_decoder(), False
        if started:
            raise ConfigurationError(
                f"{name} is cut off: its {kind} data ends in the middle; write or copy it again"
            )

    def _read(self, name: str, raw: BinaryIO, size: int) -> bytes:
        try:
            block = raw.read(size)
        except OSError as error:
            raise TransientError(f"{name} could not be read: {error.strerror or error}") from error
        self.bytes_read += len(block)
        return block


class _Decoder(Protocol):
    """What zlib's and zstandard's decompression objects have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


def _gzip_decoder() -> _Decoder:
    return cast(_Decoder, zlib.decompressobj(wbits=_ANY_CONTAINER))


def _zstd_decoder() -> _Decoder:
    return cast(_Decoder, zstandard.ZstdDecompressor().decompressobj())


def _open(source: str) -> BinaryIO:
    try:
        return Path(source).open("rb")
    except OSError as error:
        raise ConfigurationError(f"{source} cannot be read: {error.strerror}") from error


def _chunk(name: str, text: bytes, first_line: int) -> Chunk:
    lines = text.split(b"\n")
    if b"" not in lines and not any(map(bytes.isspace, lines)):
        return Chunk(name, lines, first_line)
    numbered = [(first_line + i, line) for i, line in enumerate(lines) if line.strip()]
    return Chunk(
        name, [line for _, line in numbered], first_line, numbers=[number for number, _ in numbered]
    )


def event_line(topic: str, value: bytes) -> bytes:
    """One line of an event file, with its line end, from a topic and an encoded JSON body."""
    return b'{"topic":"%b","value":%b}\n' % (topic.encode(), value)


def overwrites(target: str | Path, other: str | Path) -> bool:
    """Whether writing `target` takes `other` away, by whatever name it goes; '-' is no file.

    Neither needs to exist. The trap: lines first go to `<target>.part`, which may be `other` too.
    """
    if STDIN in (str(target), str(other)):
        return False
    return any(_is_same_file(path, Path(other)) for path in (Path(target), _part(Path(target))))


def _is_same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        # One of them is not there yet; links on the way to it count all the same.
        return os.path.realpath(one) == os.path.realpath(other)


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


class LineWriter:
    """Writes lines to `target`, compressed by its suffix (.gz, .zst); '-' is stdout.

    A file appears under its name only when the `with` block ends without an error, so that half a
    file is never taken for a whole one. The same lines give the same bytes.
    Raises ConfigurationError for a directory or a device at construction, before anything was
    written, and for a place that cannot be written when the block begins.
    """

    def __init__(self, target: str | Path) -> None:
        self._target = str(target)
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self.lines_written = 0
        self._stack = ExitStack()
        self._part: Path | None = None
        self._refuse_what_is_no_file()

    def _refuse_what_is_no_file(self) -> None:
        if not self._target:
            raise ConfigurationError(
                "the file to write has no name; expected one, or '-' for stdout"
            )
        if self._target == STDIN and sys.stdout is None:
            raise ConfigurationError(
                "'-' is stdout, which is closed; name a file, or redirect stdout"
            )
        path = Path(self._target)
        # A device such as /dev/null would be replaced like any other name.
        if self._target != STDIN and path.exists() and not path.is_file():
            kind = "a directory" if path.is_dir() else "no regular file"
            raise ConfigurationError(
                f"{self._target} is {kind}; expected the name of a file to write, or '-' for stdout"
            )

    def __enter__(self) -> Self:
        self._sink = self._open()
        return self

    def _open(self) -> BinaryIO:
        if self._target == STDIN:
            return sys.stdout.buffer
        path = Path(self._target)
        self._part = _part(path)
        try:
            file = cast(BinaryIO, self._stack.enter_context(self._part.open("wb")))
        except OSError as error:
            raise ConfigurationError(
                f"{self._target} cannot be written: {error.strerror}"
            ) from error
        if path.suffix == ".gz":
            # Neither name nor time goes into the header: the same events give the same bytes.
            zipped = gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0)
            return cast(BinaryIO, self._stack.enter_context(zipped))
        if path.suffix == ".zst":
            compressor = zstandard.ZstdCompressor(level=3, write_checksum=True)
            stream = compressor.stream_writer(file, closefd=False)
            return cast(BinaryIO, self._stack.enter_context(stream))
        return file

    def write(self, line: bytes) -> None:
        """Add one line, which must end with its line end."""
        self._pending.append(line)
        self._pending_bytes += len(line)
        self.lines_written += 1
        if self._pending_bytes >= DEFAULT_CHUNK_BYTES:
            self._flush()

    def write_all(self, lines: Iterable[bytes]) -> None:
        """Add many lines."""
        for line in lines:
            self.write(line)

    def _flush(self) -> None:
        with self._writing():
            self._sink.write(b"".join(self._pending))
        self._pending.clear()
        self._pending_bytes = 0

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            # Whoever read our output has seen enough.
            raise
        except OSError as error:
            name = "stdout" if self._target == STDIN else self._target
            raise TransientError(
                f"{name} could not be written: {error.strerror or error}. See that there is room, then "
                "run the command again."
            ) from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            # A container writes its end when it is closed, and the disk may be full by then.
            with self._writing(), self._stack:
                if kind is None:
                    self._flush()
                    self._sink.flush()
        except BaseException as failure:
            self._discard()
            # What ended the block says more than the end of a file that is thrown away.
            if kind is None or not isinstance(failure, TransientError):
                raise
        if kind is not None:
            self._discard()
        elif self._part is not None:
            self._appear(self._part)

    def _appear(self, part: Path) -> None:
        try:
            part.replace(self._target)
        except OSError as error:
            self._discard()
            raise TransientError(
                f"{self._target} could not be written: {error.strerror or error}; nothing of it is "
                "left. Check the path and its permissions, then write it again."
            ) from error

    def _discard(self) -> None:
        if self._part is not None:
            self._part.unlink(missing_ok=True)
