"""A kind of document, as its feature describes it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from server.config.document import Document
from server.config.output import Output
from server.errors import Problem, Text

if TYPE_CHECKING:
    from server.config.catalog import Catalog


def no_problems(value: Any, catalog: "Catalog") -> Iterable[Problem]:
    return ()


def no_change_problems(old: Any, new: Any, catalog: "Catalog") -> Iterable[Problem]:
    return ()


def no_outputs(value: Any, catalog: "Catalog", object_key: str) -> Iterable[Output]:
    return ()


def as_read(values: Mapping[str, Any]) -> Mapping[str, Any]:
    return values


@dataclass(frozen=True)
class Kind:
    """`parse` turns a document that passed its meta-schema into the feature's frozen value; it must not raise on such a document.
    `check` finds what the meta-schema cannot: names, types, meaning. It sees the whole candidate catalog and never raises.
    `gives(value, catalog, object_key)` lists the names a document adds to the records of that object, see features/objects/results.py.
    `check_change` finds what may not become of a published value: (published, candidate, the candidate catalog).
    `settle` gets the values of all documents of the kind and gives them complete: what one takes from another is filled in. It never raises.
    The meta-schema is schemas/meta/<key>.schema.json, the documents of the shipped template stand in `folder`.
    """

    key: str
    title: Text
    folder: str  # e.g. "schemas/indicators"
    parse: Callable[[Document], Any]
    check: Callable[[Any, "Catalog"], Iterable[Problem]] = no_problems
    check_change: Callable[[Any, Any, "Catalog"], Iterable[Problem]] = no_change_problems
    icon: str = "file"
    gives: Callable[[Any, "Catalog", str], Iterable[Output]] = no_outputs
    settle: Callable[[Mapping[str, Any]], Mapping[str, Any]] = as_read


def title_of(body: Any, fallback: str = "") -> Text:
    """The bilingual title of a document or a part of it; a missing language falls back to the other, then to the key."""
    title = body.get("title") or {}
    key = fallback or str(body.get("key", ""))
    return Text(title.get("zh_CN") or title.get("en") or key, title.get("en") or title.get("zh_CN") or key)


def text_of(value: Any) -> Text | None:
    """A bilingual member {"zh_CN", "en"} as Text; None when it is not there."""
    return None if not value else Text(value.get("zh_CN") or value.get("en", ""), value.get("en") or value.get("zh_CN", ""))
