"""Files as one archive, with a manifest by which anybody sees whether one of them was changed since.

Pure. The trap: an archive keeps the time and the system on which it was made unless it is told not to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from streams.display.masking import visible

MANIFEST: Final = "MANIFEST.txt"
# The first day that the format knows; when the files were made is in the manifest.
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_UNIX: Final = 3
_READABLE: Final = 0o644 << 16


def packed(files: Mapping[str, bytes], heads: Sequence[str]) -> bytes:
    """A zip of the files, by their plain names, and of the manifest, which comes first.

    The manifest is what `sha256sum -c` reads: `heads` as comments, then a digest for each file.
    """
    digests = [f"{hashlib.sha256(body).hexdigest()}  {name}" for name, body in files.items()]
    manifest = "\n".join([*(f"# {visible(head)}" for head in heads), *digests, ""])
    archive = BytesIO()
    with ZipFile(archive, "w", ZIP_DEFLATED) as zipped:
        for name, body in {MANIFEST: manifest.encode(), **files}.items():
            entry = ZipInfo(name, _EPOCH)
            entry.create_system = _UNIX
            entry.external_attr = _READABLE
            entry.compress_type = ZIP_DEFLATED
            zipped.writestr(entry, body)
    return archive.getvalue()
