"""Hashes of audit rows and of the blocks that chain them."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from json.encoder import encode_basestring
from typing import Any

GENESIS = "0" * 64


@dataclass(frozen=True)
class Block:
    number: int
    sealed_at: datetime
    prev_hash: str
    members: tuple[tuple[int, str], ...]  # (id, hash) of its rows, by id


def canonical(value: Any) -> str:
    """JSON that is the same text for the same value; what JSON does not know is written as text."""
    return _encode(value)


_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False, default=str).encode


def detail_text(detail: Mapping[str, Any] | None) -> str:
    return canonical(dict(detail)) if detail else "{}"


def row_hash(at: datetime, actor: str, action: str, object: str, record_id: int | None, detail: str) -> str:
    return row_hasher(at, actor, action, object)(record_id, detail)


def row_hasher(at: datetime, actor: str, action: str, object: str) -> Callable[[int | None, str], str]:
    """The same for many rows that differ in the record and the detail: the hash of the canonical list of all six."""
    begins = canonical([at.astimezone(UTC).isoformat(timespec="microseconds"), actor, action, object])[:-1]

    def hash_of(record_id: int | None, detail: str) -> str:
        text = f"{begins},{'null' if record_id is None else record_id},{encode_basestring(detail)}]"
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    return hash_of


def block_hash(block: Block) -> str:
    return _sha([block.number, block.sealed_at.astimezone(UTC).isoformat(timespec="microseconds"), block.prev_hash, block.members])


def _sha(parts: Sequence[Any]) -> str:
    return hashlib.sha256(canonical(parts).encode("utf-8", "surrogatepass")).hexdigest()
