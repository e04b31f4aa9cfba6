"""A document: one thing an admin edits, as it stands in a file, a draft or a release."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Document:
    """`body` is the whole JSON object, `kind` and `key` included."""

    kind: str
    key: str
    body: Mapping[str, Any]
    file: str = ""  # where it was read from, for problems

    @property
    def text(self) -> str:
        """Canonical text: the same document is the same text."""
        return json.dumps(self.body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()
