"""Every kind of document has an example that is right and some that are wrong (tests/cases/kinds).

The right ones make one small world together. A wrong one is the right one of its kind with a change (a JSON merge patch: null
removes a member), put into that world; what is found in it must be what the case says.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from server.config.catalog import Catalog
from server.config.check import check
from server.config.document import Document
from server.registry import KINDS

CASES = Path(__file__).parents[1] / "cases" / "kinds"


def example(kind: str, name: str) -> Any:
    return json.loads((CASES / f"{kind}.{name}.json").read_text("utf-8"))


def patched(value: Any, change: Any) -> Any:
    if not isinstance(change, dict) or not isinstance(value, dict):
        return change
    merged = {k: patched(value.get(k), c) for k, c in change.items() if c is not None}
    return {k: merged.get(k, v) for k, v in value.items() if change.get(k, v) is not None} | merged


def world(**changed: Any) -> Catalog:
    bodies = {kind: changed.get(kind) or example(kind, "good") for kind in KINDS}
    documents = {(kind, body["key"]): Document(kind, body["key"], body) for kind, body in bodies.items()}
    return Catalog(1, documents, KINDS)


def test_the_right_examples_have_no_problem() -> None:
    catalog = world()
    assert [(p.file, p.path, p.message.en) for p in check(catalog, KINDS, catalog)] == []


BAD = [(kind, case) for kind in sorted(KINDS) for case in example(kind, "bad")]


@pytest.mark.parametrize(("kind", "case"), BAD, ids=[f"{kind}: {case['name']}" for kind, case in BAD])
def test_a_wrong_example_has_its_problems(kind: str, case: dict[str, Any]) -> None:
    catalog = world(**{kind: patched(example(kind, "good"), case["change"])})
    mine = f"{kind}/{example(kind, 'good')['key']}"
    found = sorted((p for p in check(catalog, KINDS) if p.file == mine), key=lambda p: (p.path, p.code))
    assert found, "nothing was found"
    assert [(p.path, p.code) for p in found] == [(w["path"], w["code"]) for w in case["problems"]]
    for problem, wanted in zip(found, case["problems"], strict=True):
        assert wanted.get("says", "") in problem.message.en and problem.message.zh
        assert wanted.get("hint", "") in (problem.hint.en if problem.hint else "")


def test_every_kind_has_right_and_wrong_examples() -> None:
    assert {p.name.split(".")[0] for p in CASES.glob("*.good.json")} == {p.name.split(".")[0] for p in CASES.glob("*.bad.json")} == set(KINDS)
