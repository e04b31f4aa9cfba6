"""Finds what is wrong with a strategy: conditions that are none, people and roles that are not there, measures nobody starts."""

from collections.abc import Iterator

from server.config.catalog import Catalog
from server.config.findings import expected, formula, twice, unknown, warning, wrong
from server.config.names import pointer
from server.errors import Problem, Text
from server.expressions.types import BOOLEAN
from server.features.objects.kind import ObjectType
from server.features.strategies.kind import Strategy
from server.features.strategies.scopes import subject_scope


def check(it: Strategy, catalog: Catalog) -> Iterator[Problem]:
    yield from twice((pointer("measures", i, "key"), m.key) for i, m in enumerate(it.measures))
    yield from _alerts(it, catalog)
    if not it.when and not it.alerts:
        yield warning("/when", "没有启动条件，也没有可启动它的预警", "It has no condition and no alert to start it from", "never_starts")
    yield from expected("/object", "object", it.object, catalog)
    object_type: ObjectType | None = catalog.get("object", it.object)
    if object_type is None:
        return
    if not object_type.assessed:
        yield wrong(
            "/object", f"“{it.object}” 不参与评估", f"“{it.object}” is not assessed", "not_assessed", Text('给对象加上 "assess"', 'Give the object "assess"')
        )
    names = subject_scope(catalog, it.object)
    yield from formula("/when", it.when, names, BOOLEAN)
    yield from formula("/stop", it.stop, names, BOOLEAN)
    people = [f.key for f in object_type.fields.values() if f.type == "user"]
    roles = catalog.parsed.get("role", {})
    for i, measure in enumerate(it.measures):
        yield from formula(pointer("measures", i, "when"), measure.when, names, BOOLEAN)
        if measure.assignee not in people and measure.assignee not in roles:
            what = Text("人员字段或角色", "field of type user, or role,")
            problem = unknown(pointer("measures", i, "assignee"), "assignee", measure.assignee, [*people, *roles])
            yield Problem(
                problem.path, Text(f"没有{what.zh} “{measure.assignee}”", f"There is no {what.en} “{measure.assignee}”"), problem.hint, code=problem.code
            )
        if measure.approver:
            yield from expected(pointer("measures", i, "approver"), "role", measure.approver, catalog)


def _alerts(it: Strategy, catalog: Catalog) -> Iterator[Problem]:
    for i, key in enumerate(it.alerts):
        yield from expected(pointer("alerts", i), "alert", key, catalog)
        alert = catalog.get("alert", key)
        if alert is not None and alert.object != it.object:
            yield wrong(
                pointer("alerts", i), f"预警 “{key}” 属于对象 “{alert.object}”", f"The alert “{key}” is about the object “{alert.object}”", "other_object"
            )
