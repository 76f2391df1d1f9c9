"""Uploads crash dumps of a development kit to the bucket ``qa-crash-dumps``.

Runs on the machine beside the kit, not on the kit. A dump is deleted from the kit's disk only after the bucket has confirmed
its checksum.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import logging
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

log = logging.getLogger("crash-uploader")

BUCKET = "qa-crash-dumps"
POLL_SECONDS = 20
#: A dump whose size has not changed for this long is complete.
SETTLED_SECONDS = 30
#: Larger ones are left where they are, since one request takes no more than 5 GB; a person has to fetch them.
MAX_DUMP_BYTES = 4 * 1024**3


def settled_dumps(folder: Path, now: float) -> Iterator[Path]:
    """Dumps that the kit has finished writing, the oldest first."""
    for path in sorted(folder.glob("*.dmp"), key=lambda p: p.stat().st_mtime):
        state = path.stat()
        if now - state.st_mtime < SETTLED_SECONDS:
            continue
        if state.st_size > MAX_DUMP_BYTES:
            log.warning("%s has %d bytes and is left on the disk", path.name, state.st_size)
            continue
        yield path


def object_key(kit: int, path: Path, digest: bytes) -> str:
    """The name in the bucket: the same dump always gets the same one, so that a second upload changes nothing."""
    day = time.strftime("%Y/%m/%d", time.gmtime(path.stat().st_mtime))
    return f"kit-{kit:02d}/{day}/{digest.hex()[:16]}.dmp.gz"


def compress(path: Path, target: Path) -> bytes:
    """Packs the dump and returns the SHA-256 of the packed file. ``mtime=0`` keeps the result the same each time."""
    with path.open("rb") as source, target.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
        shutil.copyfileobj(source, packed, 1024 * 1024)
    with target.open("rb") as packed_file:
        return hashlib.file_digest(packed_file, "sha256").digest()


def upload(s3, kit: int, path: Path) -> str:
    """Uploads one dump and deletes it. Returns the identifier that goes into the bug."""
    with tempfile.TemporaryDirectory(prefix="dump-") as scratch:
        packed = Path(scratch) / "dump.gz"
        digest = compress(path, packed)
        key = object_key(kit, path, digest)
        with packed.open("rb") as body:
            s3.put_object(
                Bucket=BUCKET,
                Key=key,
                Body=body,
                ChecksumSHA256=base64.b64encode(digest).decode(),
                # Symbols in a dump are the maker's secret.
                ServerSideEncryption="aws:kms",
                Metadata={"kit": str(kit), "original-name": path.name},
            )
    path.unlink()
    return key


def run(folder: Path, kit: int) -> None:
    """Looks for dumps for ever. One that fails stays on the disk and is tried again in the next round."""
    s3 = boto3.client("s3", config=Config(connect_timeout=5, read_timeout=60, retries={"max_attempts": 3}))
    while True:
        for path in settled_dumps(folder, time.time()):
            try:
                log.info("uploaded %s", upload(s3, kit, path))
            except (BotoCoreError, ClientError, OSError):
                log.exception("%s could not be uploaded", path.name)
        time.sleep(POLL_SECONDS)
