"""The file store: whole or not at all, once for the same bytes, on a disk and behind fsspec."""

import hashlib
import io
import os
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.storage.blobs import INCOMING, BlobStore, BlobTooLargeError

LATER = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture(params=["disk", "fsspec"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    return BlobStore(str(tmp_path / "files") if request.param == "disk" else f"memory://{uuid.uuid4().hex}/files")


def test_the_same_bytes_are_kept_once(store: BlobStore) -> None:
    data = os.urandom(600_000)
    first, second = store.put(io.BytesIO(data), 10**6), store.put(io.BytesIO(data), 10**6)
    assert first == second and first.digest == hashlib.sha256(data).hexdigest() and first.size == len(data)
    assert b"".join(store.chunks(first.digest)) == data
    assert list(store.digests(LATER)) == [first.digest]
    assert list(store.digests(datetime.now(UTC) - timedelta(hours=1))) == []
    store.put_thumb(first.digest, b"small")
    assert store.has(first.digest, "thumbs")
    store.remove(first.digest)
    store.remove(first.digest)
    assert not store.has(first.digest) and not store.has(first.digest, "thumbs")


def test_too_much_leaves_nothing(store: BlobStore) -> None:
    with pytest.raises(BlobTooLargeError):
        store.put(io.BytesIO(b"x" * 101), 100)
    assert list(store.digests(LATER)) == []
    assert store.clear_incoming(LATER) == 0
    assert store.put(io.BytesIO(b"x" * 100), 100).size == 100


def test_nothing_but_a_digest_is_an_address(store: BlobStore) -> None:
    for name in ("../../etc/passwd", "", "A" * 64, "a" * 63, "a" * 64 + "/.."):
        with pytest.raises(ValueError, match="digest"):
            store.has(name)


def test_an_address_without_its_driver_is_told_at_once() -> None:
    with pytest.raises((ImportError, ValueError), match="nowhere"):
        BlobStore("nowhere://bucket")


def test_a_process_killed_while_writing_leaves_a_half_that_is_swept(tmp_path: Path) -> None:
    store = BlobStore(str(tmp_path))
    child = os.fork()
    if child == 0:  # dies in the middle of a file: no cleaning up, as after kill -9

        class Dying(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                data = super().read(size)
                return data if data else os._exit(9)

        store.put(Dying(b"x" * 300_000), 10**6)
    os.waitpid(child, 0)
    assert len(list((tmp_path / INCOMING).iterdir())) == 1
    assert list(store.digests(LATER)) == []
    assert store.clear_incoming(datetime.now(UTC) - timedelta(days=1)) == 0  # it may still be written
    assert store.clear_incoming(LATER) == 1
