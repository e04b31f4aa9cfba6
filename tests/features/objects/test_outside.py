"""Outside JSON Schemas become forms that judge as jsonschema does (tests/cases/schemas: each with documents that fit and some that do not)."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema
import pytest

from server.config.catalog import Catalog
from server.config.check import check
from server.config.document import Document
from server.feature import SYSTEM, Hooks, Work
from server.features.objects.contract import FORMATS, assemble
from server.features.objects.contract_check import contract_of
from server.features.objects.contract_reading import take_apart
from server.features.objects.outside.importing import import_schema
from server.features.records import together
from server.fields.registry import FIELD_TYPES
from server.registry import KINDS

CASES = sorted((Path(__file__).parents[2] / "cases" / "schemas").glob("*.json"))
EMPTY = Catalog(1, {}, KINDS)
AT = datetime(2026, 3, 10, tzinfo=UTC)


def case_of(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def reference(schema: Any, document: Any) -> bool:
    """What jsonschema itself says, in the draft that the schema names."""
    draft = jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator)
    return bool(draft(schema, format_checker=FORMATS).is_valid(document))


class Imported:
    """A schema made to objects, and a desk to try records on. Nothing of it touches a database."""

    def __init__(self, schema: Any) -> None:
        made = import_schema(json.dumps(schema, ensure_ascii=False), "thing", EMPTY)
        assert made.bodies, [(p.path, p.message.en) for p in made.problems]
        self.bodies = made.bodies
        self.catalog = EMPTY.with_documents([Document("object", b["key"], b) for b in made.bodies])
        self.work = Work(None, SYSTEM, self.catalog, AT, ZoneInfo("Asia/Shanghai"), Hooks(), "form")  # type: ignore[arg-type]
        self.object_type = self.catalog.get("object", "thing")
        contract = contract_of(self.catalog, self.object_type)
        assert contract
        self.contract = contract
        self.children = {key: self.catalog.get("object", key) for key in contract.rows}

    def json_verdict(self, document: Any) -> list[Any]:
        apart = take_apart(self.contract, document)
        rows = {k: [together.Row(f"n{i + 1}", raw) for i, raw in enumerate(items)] for k, items in apart.rows.items()}
        found, _, _ = together.check(replace(self.work, cause="api"), "thing", apart.raw, rows)
        return [*apart.problems, *found]

    def form(self, document: Any) -> tuple[list[Any], Any]:
        """The document typed into the form: what is wrong, and the document that the record then is."""
        apart = take_apart(self.contract, document)
        rows = {k: [together.Row(f"n{i + 1}", self.typed(self.children[k], raw)) for i, raw in enumerate(items)] for k, items in apart.rows.items()}
        found, values, kept = together.check(self.work, "thing", self.typed(self.object_type, apart.raw), rows)
        given = {key: [(f"n{i}", row) for i, row in enumerate(items)] for key, items in kept.items()}
        return found, assemble(self.object_type, self.contract, values, given, self.children)

    def typed(self, object_type: Any, raw: dict[str, Any]) -> dict[str, Any]:
        """As a browser sends it: every input of the form, what was not said empty."""
        typed = {}
        for key, field in object_type.fields.items():
            value = raw.get(key)
            if isinstance(value, bool):
                typed[key] = "true" if value else "false"
            elif field.type == "datetime" and isinstance(value, str) and "T" in value:
                parsed = FIELD_TYPES["datetime"].parse(field, value)
                typed[key] = FIELD_TYPES["datetime"].entry(field, parsed) if isinstance(parsed, datetime) else value
            else:
                typed[key] = value if isinstance(value, list) else "" if value is None else str(value)
        return typed


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 80
    assert all(len(case["valid"]) >= 2 and len(case["invalid"]) >= 3 for case in map(case_of, CASES))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_judges_as_jsonschema_does(path: Path) -> None:
    case = case_of(path)
    schema = case["schema"]
    it = Imported(schema)
    assert [(p.file, p.path, p.message.en) for p in check(it.catalog, KINDS)] == []
    for document in case["valid"]:
        assert reference(schema, document), document
        assert it.json_verdict(document) == [], document
        found, now = it.form(document)
        assert [(p.path, p.message.en) for p in found] == [], document
        assert now == document, "what is typed in is what it was"
    for document in case["invalid"]:
        assert not reference(schema, document), document
        found = it.json_verdict(document)
        assert found, document
        assert all(p.message.zh and p.message.en for p in found)
        found, now = it.form(document)
        assert found or reference(schema, now), f"the form took {now}, which does not fit"


REFUSED = json.loads((Path(__file__).parents[2] / "cases" / "schemas_refused.json").read_text("utf-8"))


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["about"])
def test_what_cannot_be_kept_is_refused_with_its_place(case: dict[str, Any]) -> None:
    made = import_schema(json.dumps(case["schema"]), "thing", EMPTY)
    assert made.bodies == ()
    assert (case["path"], case["code"]) in {(p.path, p.code) for p in made.problems}
    assert all(p.message.zh and p.message.en for p in made.problems)
    assert any(case.get("says", "") in p.message.en for p in made.problems)


def test_a_contract_is_checked_when_it_is_published() -> None:
    it = Imported({"type": "object", "properties": {"code": {"type": "string", "pattern": "^[0-9]+$"}}})
    (body,) = it.bodies
    contract = {**body["contract"], "schema": {"type": "object", "properties": {"code": {"type": "string", "pattern": "(a)\\1"}}}, "places": {"cod": "/code"}}
    changed = EMPTY.with_documents([Document("object", "thing", {**body, "contract": contract})])
    assert {(p.path, p.code) for p in check(changed, KINDS)} == {
        ("/contract/schema/properties/code/pattern", "pattern"),
        ("/contract/places/cod", "unknown_field"),
    }


def test_steps_are_decimal_and_patterns_take_linear_time() -> None:
    it = Imported(
        {"type": "object", "properties": {"price": {"type": "number", "multipleOf": 0.01}, "text": {"type": "string", "pattern": "^(a+)+$", "maxLength": 900}}}
    )
    assert it.json_verdict({"price": 19.99}) == []  # a float division says 1998.9999999999998
    assert [p.path for p in it.json_verdict({"price": 19.999})]
    assert it.json_verdict({"text": "a" * 800 + "!"})  # Python's re would not come back


def test_conditions_read_as_people_write_them() -> None:
    condition = {"if": {"properties": {"kind": {"const": "b"}}, "required": ["kind"]}, "then": {"properties": {"why": {"type": "string"}}, "required": ["why"]}}
    it = Imported({"type": "object", "properties": {"kind": {"enum": ["a", "b"]}}, **condition})
    why = it.object_type.fields["why"]
    assert (why.visible, why.required_if) == ('kind == "b"', 'kind == "b"')
