"""The expression editor of the studio: a condition as rows, as text and in words, checked as it is typed, tried on a record."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from admin_ui.area import Area
from admin_ui.documents import form_of
from admin_ui.edge import reading
from admin_ui.expression_state import state_of
from admin_ui.pages.document import body_of, editor_of, problems_of
from admin_ui.places import locate
from admin_ui.posted import posted, whole
from server.config.findings import expressions_placed
from server.errors import AppError, Invalid, Problem, Text
from server.expressions.checked import Checked
from server.expressions.explain import Trace, explain, sentence, show
from server.expressions.nearest import nearest
from server.expressions.types import BOOLEAN, Scope, Type
from server.feature import Work
from server.features.access import service as access
from server.features.assessment.replay import read_values
from server.features.records import service as records

router = APIRouter()
AREA = Area(router)
FOUND = 8  # records offered to try on


@dataclass(frozen=True)
class Place:
    """An expression of a document that is being edited: what it may name, what it must give, whose records it is about."""

    scope: Scope
    expect: Type | None
    object_key: str


@router.post("/studio/doc/{kind}/{key}/expression")
def expression(request: Request, kind: str, key: str, form: Mapping[str, str] = Depends(posted)) -> JSONResponse:
    """The state of one expression as it is typed or built; nothing is saved. Beside the document's form: `expression.path` (name of
    the input), `expression.text` or `expression.tree`, and `expression.names`, `expression.search`, `expression.record` when wanted."""
    with reading(request, "studio") as work:
        place = _place(work, kind, key, form)
        found, checked = state_of(work, form, place.scope, place.expect, can_try=_is_tried(work, place))
        if "expression.search" in form:
            found["records"] = _records(work, place, form["expression.search"])
        if checked is not None and form.get("expression.record"):
            found["trial"] = _trial(work, place, checked, form["expression.record"])
        return JSONResponse(found)


def _place(work: Work, kind: str, key: str, form: Mapping[str, str]) -> Place:
    editor, path = editor_of(work, kind, key), form.get("expression.path", "")
    body = body_of(work, editor, {**form, path: "True"})  # what is looked for is the place; the text itself is checked there later
    with expressions_placed() as placed:
        problems_of(work, kind, key, body)
    engine = form_of(work, editor.kind, body)
    for pointer, (scope, expect) in placed.items():
        if locate(engine, body, pointer) == path:
            return Place(scope, expect, _object(work, kind, key, body, pointer))
    hint = Text("先改正文档里的其他问题", "Correct the other problems of the document first")
    raise Invalid([Problem(path, Text("还不知道这里能用哪些名称", "It is not known yet what may be named here"), hint, code="no_scope")])


def _object(work: Work, kind: str, key: str, body: Mapping[str, Any], pointer: str) -> str:
    """Whose fields are named: an indicator looks at its source, but for what is worked out from other indicators."""
    if kind == "object":
        return key
    of_source = kind == "indicator" and pointer in ("/filter", "/value", "/divisor", "/match") and not body.get("over_population")
    found = body.get("source") if of_source else body.get("object")
    return found if isinstance(found, str) and work.catalog.get("object", found) else ""


# -- On a record -------------------------------------------------------------------------------------------------------------


def _is_tried(work: Work, place: Place) -> bool:
    found = work.catalog.get("object", place.object_key) if place.object_key else None
    return found is not None and found.assessed and access.allowed(work, place.object_key, "read")


def _records(work: Work, place: Place, search: str) -> list[dict[str, Any]]:
    if not _is_tried(work, place):
        return []
    return [{"id": i, "name": name} for i, name in records.options(work, place.object_key, search[:100], FOUND)]


def _trial(work: Work, place: Place, checked: Checked, record: str) -> dict[str, Any]:
    """The value on one record, of every part, with the nearest change that would make a condition hold."""
    locale = work.actor.locale
    try:
        number = whole(record)
        if not _is_tried(work, place) or number is None:
            raise Invalid([Problem("", Text("没有这条记录", "There is no such record"))])
        name = records.get(work, place.object_key, number).name
        hidden = sorted(n for n in checked.names if n.partition(".")[0] in access.hidden_fields(work, place.object_key))
        if hidden:
            raise Invalid([Problem("", Text(f"您无权查看 {hidden[0]}", f"You may not see {hidden[0]}"))])
        values = read_values(work, place.object_key, [number], checked.names).get(number)
        if values is None:
            raise Invalid([Problem("", Text("这条记录不参与评估", "This record is not assessed"))])
    except AppError as refused:
        said = refused.problems[0].message if isinstance(refused, Invalid) else refused.message
        return {"refused": said.of(locale)}
    titles = {n: known.title for n, known in place.scope.names.items() if known.title}
    trace = explain(checked, values, work.at)
    found = {"name": name, "value": show(trace.value, locale), "lines": _lines(trace, locale), "sentence": ""}
    if checked.type == BOOLEAN:
        found["met"] = trace.value
        found["sentence"] = sentence(checked, titles, values, locale, work.at)
        changes = None if trace.value is True else nearest(checked, values, work.at)
        found["nearest"] = [change.text(titles, locale) for change in changes or ()]
    return found


def _lines(trace: Trace, locale: str, depth: int = 0) -> list[dict[str, Any]]:
    """The parts, outermost first; literals say nothing of their own."""
    own = {"text": trace.text, "value": show(trace.value, locale), "depth": depth, "cause": trace.cause.of(locale) if trace.cause else ""}
    return [own, *(line for part in trace.children if part.children or part.name for line in _lines(part, locale, depth + 1))]
