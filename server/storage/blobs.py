"""Bytes kept by their content: a folder beside the database, or whatever fsspec reaches (s3://bucket/folder, gcs://, ...).

The same bytes are kept once, under their SHA-256. A write becomes visible whole or not at all: on a disk by a temporary file, fsync and a
rename; object stores put an object at once. No name that a person gave is ever part of a path.
"""

import contextlib
import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from fsspec import get_filesystem_class
from fsspec.core import url_to_fs

CHUNK = 1 << 18
DIGEST = re.compile(r"[0-9a-f]{64}")
CONTENT, THUMBS, INCOMING = "content", "thumbs", "incoming"


class BlobTooLargeError(Exception):
    """More bytes came than were allowed; nothing is kept."""


@dataclass(frozen=True)
class Blob:
    digest: str
    size: int


class BlobStore:
    """`location`: a folder, or an address that fsspec knows. Nothing is made or connected to before the first write."""

    def __init__(self, location: str) -> None:
        self.location = location
        self.folder = None if "://" in location else Path(location).absolute()
        self._remote: tuple[Any, str] | None = None
        if self.folder is None:
            get_filesystem_class(location.partition("://")[0])  # ImportError names the driver to install, ValueError says that there is none

    @property
    def remote(self) -> tuple[Any, str]:
        """The file system behind an address, connected to when it is first needed."""
        if self._remote is None:
            self._remote = url_to_fs(self.location)
        return self._remote

    # -- Writing -------------------------------------------------------------------------------------------------------------

    def put(self, source: IO[bytes], most: int) -> Blob:
        """Keeps what `source` gives, at most that many bytes. When this returns, the bytes outlast a loss of power."""
        with self._incoming() as file:
            digest, size = hashlib.sha256(), 0
            while chunk := source.read(CHUNK):
                size += len(chunk)
                if size > most:
                    raise BlobTooLargeError
                digest.update(chunk)
                file.write(chunk)
            self._keep(file, self._key(CONTENT, digest.hexdigest()))
        return Blob(digest.hexdigest(), size)

    def put_thumb(self, digest: str, data: bytes) -> None:
        """The small picture of a content."""
        with self._incoming() as file:
            file.write(data)
            self._keep(file, self._key(THUMBS, digest))

    @contextlib.contextmanager
    def _incoming(self) -> Iterator[Any]:
        """A temporary file on the same disk; gone afterwards, unless it was renamed into its place."""
        if self.folder is None:
            with tempfile.NamedTemporaryFile() as file:
                yield file
            return
        folder = self.folder / INCOMING
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / secrets.token_hex(16)
        try:
            with path.open("xb") as file:
                yield file
        finally:
            path.unlink(missing_ok=True)

    def _keep(self, file: Any, key: str) -> None:
        file.flush()
        if self.folder is None:
            system, root = self.remote
            system.makedirs(f"{root}/{key.rpartition('/')[0]}", exist_ok=True)
            system.put_file(file.name, f"{root}/{key}")
            return
        os.fsync(file.fileno())
        target = self.folder / key
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(file.name, target)  # written again when it is there: its time says that it is wanted
        for folder in (target.parent, target.parent.parent, self.folder):
            _sync(folder)

    # -- Reading -------------------------------------------------------------------------------------------------------------

    def path(self, digest: str, kind: str = CONTENT) -> Path | None:
        """Where the bytes lie on this machine's disk; None when they are elsewhere."""
        return None if self.folder is None else self.folder / self._key(kind, digest)

    def has(self, digest: str, kind: str = CONTENT) -> bool:
        key = self._key(kind, digest)
        if self.folder is not None:
            return (self.folder / key).is_file()
        system, root = self.remote
        return bool(system.exists(f"{root}/{key}"))

    def open(self, digest: str, kind: str = CONTENT) -> IO[bytes]:
        """FileNotFoundError when it is not there."""
        key = self._key(kind, digest)
        if self.folder is not None:
            return (self.folder / key).open("rb")
        system, root = self.remote
        opened: IO[bytes] = system.open(f"{root}/{key}", "rb")
        return opened

    def chunks(self, digest: str, kind: str = CONTENT) -> Iterator[bytes]:
        with self.open(digest, kind) as file:
            while chunk := file.read(CHUNK):
                yield chunk

    # -- Clearing up ---------------------------------------------------------------------------------------------------------

    def digests(self, older_than: datetime) -> Iterator[str]:
        """Contents last written before then."""
        for key, moment in self._listed(CONTENT):
            name = key.rpartition("/")[2]
            if DIGEST.fullmatch(name) and moment < older_than:
                yield name

    def remove(self, digest: str) -> None:
        """A content and its small picture; not there is as good."""
        for kind in (THUMBS, CONTENT):
            key = self._key(kind, digest)
            if self.folder is not None:
                (self.folder / key).unlink(missing_ok=True)
                continue
            system, root = self.remote
            with contextlib.suppress(FileNotFoundError):
                system.rm_file(f"{root}/{key}")

    def clear_incoming(self, older_than: datetime) -> int:
        """What a process that was killed left half written; how many there were."""
        if self.folder is None:
            return 0
        left = [key for key, moment in self._listed(INCOMING) if moment < older_than]
        for key in left:
            (self.folder / key).unlink(missing_ok=True)
        return len(left)

    def _listed(self, kind: str) -> Iterator[tuple[str, datetime]]:
        if self.folder is not None:
            for path in sorted((self.folder / kind).glob("*" if kind == INCOMING else "??/*")):
                with contextlib.suppress(FileNotFoundError):  # somebody else was faster
                    yield str(path.relative_to(self.folder)), datetime.fromtimestamp(path.stat().st_mtime, UTC)
            return
        system, root = self.remote
        if system.exists(f"{root}/{kind}"):
            for name in system.find(f"{root}/{kind}"):
                yield str(name).removeprefix(f"{root}/"), system.modified(name)

    @staticmethod
    def _key(kind: str, digest: str) -> str:
        if not DIGEST.fullmatch(digest):
            raise ValueError("not a digest")
        return f"{kind}/{digest[:2]}/{digest}"


def _sync(folder: Path) -> None:
    """The names in a folder outlast a loss of power too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
