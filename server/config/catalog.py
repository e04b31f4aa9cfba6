"""All documents of one release (or of a draft, or of a folder), parsed: what every feature works from."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from server.config.document import Document
from server.config.kind import Kind


@dataclass(frozen=True)
class Catalog:
    """Frozen. `release` 0 means nothing was published. Lookups give parsed values: `catalog.get("score", "risk_score")`.

    `memo` keeps what features derive from the documents (scopes, compiled pipelines, form layouts): it lives as long as the catalog.
    """

    release: int
    documents: Mapping[tuple[str, str], Document]
    kinds: Mapping[str, Kind]
    memo: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def parsed(self) -> Mapping[str, Mapping[str, Any]]:
        """kind -> key -> the feature's value, each kind in the order of its keys."""
        values: dict[str, dict[str, Any]] = {kind: {} for kind in self.kinds}
        for (kind, key), document in sorted(self.documents.items()):
            if kind in self.kinds:
                values[kind][key] = self.kinds[kind].parse(document)
        return {kind: self.kinds[kind].settle(found) if kind in self.kinds else found for kind, found in values.items()}

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """What `make` gives, made at the first time it is asked for: statements above all, which cost more to make than to run."""
        if key not in self.memo:
            self.memo[key] = make()
        return self.memo[key]

    def all(self, kind: str) -> tuple[Any, ...]:
        return tuple(self.parsed.get(kind, {}).values())

    def get(self, kind: str, key: str) -> Any:
        """The value, or None."""
        return self.parsed.get(kind, {}).get(key)

    def document(self, kind: str, key: str) -> Document | None:
        return self.documents.get((kind, key))

    def with_documents(self, changed: Iterable[Document], removed: Iterable[tuple[str, str]] = ()) -> "Catalog":
        """A candidate: this catalog with some documents replaced, added or removed."""
        gone = set(removed)
        documents = {k: d for k, d in self.documents.items() if k not in gone}
        documents.update({(d.kind, d.key): d for d in changed})
        return Catalog(self.release, documents, self.kinds)
