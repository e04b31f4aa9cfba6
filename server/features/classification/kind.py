"""The kind `classification`: ordered criteria, the first that is met gives the class."""

from dataclasses import dataclass

from server.config.document import Document
from server.config.kind import Kind, text_of, title_of
from server.errors import Text


@dataclass(frozen=True)
class Class:
    key: str
    title: Text
    color: str = ""  # good, warn, bad, accent or "": how the label is tinted


@dataclass(frozen=True)
class Row:
    when: str  # "" is the else row
    value: str  # key of a class
    reason: Text | None = None


@dataclass(frozen=True)
class Classification:
    key: str
    title: Text
    object: str
    classes: tuple[Class, ...]
    rows: tuple[Row, ...]
    main: bool = False  # the one the list, the header and the simulation lead with


def parse(document: Document) -> Classification:
    b = document.body
    return Classification(
        document.key,
        title_of(b),
        b["object"],
        tuple(Class(c["key"], title_of(c), c.get("color", "")) for c in b["classes"]),
        tuple(Row(r.get("when", ""), r["value"], text_of(r.get("reason"))) for r in b["rows"]),
        b.get("main", False),
    )


KIND = Kind("classification", Text("分类", "Classification"), "schemas/classification", parse)
