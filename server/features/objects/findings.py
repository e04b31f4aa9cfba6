"""What the checks of documents share: a text checked at its place, a name that clashes, names that go in a circle."""

from collections.abc import Iterable, Iterator

from server.config.catalog import Catalog
from server.config.findings import formula
from server.config.names import did_you_mean, shown
from server.errors import Problem, Text
from server.expressions.types import Scope, Type
from server.features.objects import engine as objects
from server.features.objects.results import RESULT_COLUMNS, circle, given


def text_problems(source: str, scope: Scope, path: str, expect: Type | None = None) -> Iterator[Problem]:
    """The problems of one expression, placed in the document. An empty text has none: whether it may be empty the meta-schema says."""
    yield from formula(path, source, scope, expect)


def unknown(path: str, what: Text, key: str, known: Iterable[str]) -> Problem:
    return Problem(path, Text(f"没有{what.zh} “{shown(key)}”", f"There is no {what.en} “{shown(key)}”"), did_you_mean(key, known), code="unknown_name")


def object_problem(catalog: Catalog, key: str, path: str = "/object") -> Problem | None:
    objects_known = tuple(o.key for o in catalog.all("object"))
    return None if key in objects_known else unknown(path, Text("对象", "object"), key, objects_known)


def name_problems(kind: str, key: str, catalog: Catalog, object_key: str) -> Iterator[Problem]:
    """Names this document gives that something else has already, or that read themselves in a circle."""
    mine = [o for o in given(catalog, object_key) if (o.kind, o.document) == (kind, key)]
    fields = objects.scope(catalog, object_key).names
    others = {o.name: f"{o.kind} {o.document}" for o in given(catalog, object_key) if (o.kind, o.document) != (kind, key)}
    turning = circle(catalog, object_key)
    for output in mine:
        if output.name in fields:
            yield Problem(
                "/key", Text(f"名称 {output.name} 与 {object_key} 的字段重名", f"The name {output.name} is a field of {object_key} already"), code="name_taken"
            )
        elif output.name in RESULT_COLUMNS:
            yield Problem("/key", Text(f"名称 {output.name} 为系统保留", f"The name {output.name} is reserved"), code="name_taken")
        elif output.name in others:
            other = others[output.name]
            yield Problem("/key", Text(f"名称 {output.name} 已由 {other} 给出", f"The name {output.name} is given by {other} already"), code="name_taken")
    if round_about := sorted(o.name for o in mine if o.name in turning):
        names = ", ".join(round_about)
        yield Problem(
            "",
            Text(f"循环引用:{names} 直接或间接依赖自身", f"Circular: {names} depends on itself, directly or through others"),
            Text("改用不依赖它的名称", "Use names that do not depend on it"),
            code="cycle",
        )
