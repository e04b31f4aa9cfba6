"""A document: one thing an admin edits, as it stands in a file, a draft or a release."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Document:
    """`body` is the whole JSON object, `kind` and `key` included."""

    kind: str
    key: str
    body: Mapping[str, Any]
    file: str = ""  # where it was read from, for problems

    @cached_property
    def text(self) -> str:
        """Canonical text: the same document is the same text, however its members were ordered in the file."""
        return json.dumps(_ordered(self.body), ensure_ascii=False, separators=(",", ":"))

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def _ordered(value: Any, keep: bool = False) -> Any:
    """Members by name; those of "properties" stay as they are, for they are the order of a form."""
    if isinstance(value, Mapping):
        return {k: _ordered(value[k], k == "properties") for k in (value if keep else sorted(value))}
    return [_ordered(v) for v in value] if isinstance(value, (list, tuple)) else value
