"""What the expression editor is told about one expression as it is typed or built: its text, its tree, what is wrong, what may be named."""

import json
from collections.abc import Mapping
from typing import Any

from admin_ui.formats import Formats
from server.errors import Problem, Text
from server.expressions.check import check
from server.expressions.checked import Checked
from server.expressions.conditions import OPERATORS, NotRepresentable, to_tree
from server.expressions.conditions_text import to_text
from server.expressions.registry import FUNCTIONS
from server.expressions.types import BOOLEAN, Scope, Type
from server.expressions.units import unit_problems
from server.feature import Work


def state_of(work: Work, form: Mapping[str, str], scope: Scope, expect: Type | None, *, can_try: bool = False) -> tuple[dict[str, Any], Checked | None]:
    """`expression.text` or `expression.tree` of the form, judged; with `expression.names` also all that the editor offers."""
    found: dict[str, Any] = offered(work, scope, can_try=can_try) if form.get("expression.names") else {}
    text, problems = _text(form, scope)
    checked, wrong = check(text, scope, expect) if text.strip() and not problems else (None, ())
    problems = (*problems, *wrong, *(unit_problems(checked) if checked else ()))
    found |= {"text": text, "ok": checked is not None, "problems": [_problem(work, p) for p in problems], "boolean": expect == BOOLEAN}
    if checked is not None and checked.type == BOOLEAN:
        found |= _tree(work, checked)
    return found, checked


def _text(form: Mapping[str, str], scope: Scope) -> tuple[str, tuple[Problem, ...]]:
    if "expression.tree" not in form:
        return form.get("expression.text", ""), ()
    try:
        tree = json.loads(form["expression.tree"])
    except (ValueError, RecursionError):
        return "", (Problem("", Text("条件无法读取", "The conditions cannot be read"), code="json"),)
    return to_text(tree, scope)


def _tree(work: Work, checked: Checked) -> dict[str, Any]:
    tree = to_tree(checked)
    if isinstance(tree, NotRepresentable):
        return {"tree": None, "odd": {"start": tree.start, "end": tree.end, "reason": tree.reason.of(work.actor.locale)}}
    return {"tree": tree}


def _problem(work: Work, p: Problem) -> dict[str, Any]:
    locale = work.actor.locale
    return {
        "path": p.path,
        "message": p.message.of(locale),
        "hint": p.hint.of(locale) if p.hint else "",
        "start": p.start,
        "end": p.end,
        "severity": p.severity,
    }


def offered(work: Work, scope: Scope, *, can_try: bool) -> dict[str, Any]:
    """Everything an editor offers: names with titles and types, operators, functions."""
    locale, formats = work.actor.locale, Formats(work.actor.locale, work.zone)
    return {
        "names": [
            {
                "name": name,
                "title": known.title.of(locale) if known.title else name,
                "type": known.type.name,
                "unit": formats.unit(known.unit) if known.unit else "",
                "options": [[key, known.words[key].of(locale) if key in known.words else key] for key in known.options],
            }
            for name, known in scope.names.items()
        ],
        "operators": [{"key": o.key, "title": o.title.of(locale), "types": sorted(o.types), "takes": o.takes} for o in OPERATORS.values()],
        "functions": [{"name": f.name, "signature": f.signature, "doc": f.doc.of(locale), "aliases": list(f.aliases)} for f in FUNCTIONS.values()],
        "can_try": can_try,
    }
