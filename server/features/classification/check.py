"""What the meta-schema cannot say about a classification: names, types, rows that are never reached."""

from collections.abc import Iterable, Iterator

from server.config.catalog import Catalog
from server.errors import Problem, Text
from server.expressions.types import BOOLEAN, Scope
from server.features.classification.kind import Classification, Row
from server.features.objects.findings import name_problems, object_problem, text_problems, unknown
from server.features.objects.results import scope


def check(classification: Classification, catalog: Catalog) -> Iterator[Problem]:
    if found := object_problem(catalog, classification.object):
        yield found
        return
    yield from name_problems("classification", classification.key, catalog, classification.object)
    keys = [c.key for c in classification.classes]
    for i, key in enumerate(keys):
        if key in keys[:i]:
            yield Problem(f"/classes/{i}/key", Text(f"类别 {key} 重复", f"The class {key} is there twice"), code="duplicate")
    yield from row_problems(classification.rows, keys, scope(catalog, classification.object), "/rows")
    for i, key in enumerate(keys):
        if all(r.value != key for r in classification.rows):
            yield Problem(f"/classes/{i}", Text(f"没有一行给出类别 {key}", f"No row gives the class {key}"), severity="warning", code="unused")


def row_problems(rows: tuple[Row, ...], values: Iterable[str], names: Scope, path: str) -> Iterator[Problem]:
    known = tuple(values)
    for i, row in enumerate(rows):
        if row.value not in known:
            yield unknown(f"{path}/{i}/value", Text("类别或标签", "class or label"), row.value, known)
        yield from text_problems(row.when, names, f"{path}/{i}/when", BOOLEAN)
        if row.when and any(row.when.strip() == r.when.strip() for r in rows[:i]):
            yield Problem(f"{path}/{i}/when", Text("与前面的一行条件相同,永远不会命中", "The same condition stands above: never reached"), code="unreachable")
    if not rows or rows[-1].when:
        yield Problem(path, Text("最后一行须不带条件(其余)", "The last row must have no condition (else)"), code="no_else")
    if any(not r.when for r in rows[:-1]):
        yield Problem(path, Text("“其余”行之后的行永远不会命中", "Rows after the else row are never reached"), code="unreachable")
