"""From the text of an outside JSON Schema to drafts of object documents; conditions that the language refuses are left to the contract."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server.config.catalog import Catalog
from server.config.document import Document
from server.config.names import MAX_DOCUMENT_BYTES, key_problem
from server.errors import Problem
from server.features.objects.check import check
from server.features.objects.outside.making import Maker
from server.features.objects.outside.schema import read_outside

CONDITIONS = ("x-visible", "x-required", "default")


@dataclass(frozen=True)
class Imported:
    """The bodies of the documents, the record's own first; none when something is not supported."""

    bodies: tuple[dict[str, Any], ...]
    problems: tuple[Problem, ...]


def import_schema(text: str, key: str, catalog: Catalog, title: str = "") -> Imported:
    """Object documents that keep the schema exactly, or why that cannot be, with places in the schema."""
    why = key_problem(key, MAX_DOCUMENT_BYTES)
    if why is not None:
        return Imported((), (Problem("/key", why, code="format"),))
    schema, problems = read_outside(text)
    if schema is None:
        return Imported((), tuple(problems))
    maker = Maker(schema, key, title)
    bodies = maker.make()
    if maker.problems or not bodies:
        return Imported((), tuple(maker.problems))
    _without_refused(bodies, catalog)
    return Imported(tuple(bodies), ())


def _without_refused(bodies: list[dict[str, Any]], catalog: Catalog) -> None:
    """Conditions and defaults that the check refuses (a circle of visibility, a type that does not fit) go: the contract judges all the same."""
    for _ in range(4):
        documents = [Document("object", b["key"], b) for b in bodies]
        candidate = catalog.with_documents(documents)
        is_done = True
        for body in bodies:
            for problem in check(candidate.get("object", body["key"]), candidate):
                parts = problem.path.split("/")
                if len(parts) == 5 and parts[4] in CONDITIONS and problem.severity == "error":
                    field: Mapping[str, Any] = body["schema"]["properties"].get(parts[3], {})
                    is_done = is_done and field.pop(parts[4], None) is None  # type: ignore[attr-defined]
        if is_done:
            return
