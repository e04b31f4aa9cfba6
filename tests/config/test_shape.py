"""The meta-schemas, and what is said of documents that do not fit them."""

import json
import socket
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from server.config.document import Document
from server.config.names import key_problem, option_problem
from server.config.shape import check_shape, meta_kinds, meta_schema
from server.fields.registry import FIELD_TYPES
from server.registry import KINDS

KEYWORDS = {
    "$schema", "$defs", "$ref", "type", "properties", "required", "additionalProperties", "propertyNames", "items", "enum", "const", "format", "pattern",
    "default", "uniqueItems", "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minimum", "maximum", "exclusiveMinimum",
    "x-title", "x-help", "x-widget", "x-options", "x-kind",
}  # fmt: skip
WIDGETS = {"text", "expression", "i18n", "number", "choice", "list", "object-ref", "json", "yes_no", "hidden", "fields", "grants", "grid"}


def parts(schema: Any) -> list[dict[str, Any]]:
    """Every schema inside a schema that is drawn: what is edited as JSON is one input."""
    if schema.get("x-widget") == "json":
        return [{key: value for key, value in schema.items() if key != "properties"}]
    found = [schema]
    for key in ("properties", "$defs"):
        for inner in schema.get(key, {}).values():
            found += parts(inner)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            found += parts(schema[key])
    return found


def test_each_kind_has_a_meta_schema_and_each_meta_schema_a_kind() -> None:
    assert set(meta_kinds()) == set(KINDS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_meta_schema_is_one_that_forms_can_be_made_of(kind: str) -> None:
    schema = meta_schema(kind)
    assert schema is not None
    jsonschema.Draft202012Validator.check_schema(schema)
    for part in parts(schema):
        assert set(part) <= KEYWORDS, f"unknown keyword {set(part) - KEYWORDS}"
        assert part.get("type") != "object" or part.get("additionalProperties") is not True and "additionalProperties" in part
        assert part.get("x-widget", "text") in WIDGETS
        for name, inner in part.get("properties", {}).items():
            titled = inner.get("x-title") or name in {"zh_CN", "en", "type"}
            assert titled, f"{name} has no title"
        if "x-options" in part:
            assert [o["key"] for o in part["x-options"]] == part["enum"]
    for text in [t for p in parts(schema) for t in (p.get("x-title"), p.get("x-help")) if t]:
        assert text.keys() == {"zh_CN", "en"}


def test_the_field_types_of_documents_are_those_of_the_product() -> None:
    schema = meta_schema("object")
    assert schema and schema["$defs"]["field"]["properties"]["x-type"]["enum"] == list(FIELD_TYPES)


CASES = [(path.stem, case) for path in sorted(Path(__file__).parents[1].glob("cases/documents/*.json")) for case in json.loads(path.read_text("utf-8"))]


@pytest.mark.parametrize(("kind", "case"), CASES, ids=[f"{kind}: {case['name']}" for kind, case in CASES])
def test_what_does_not_fit_is_said_with_its_place_and_a_hint(kind: str, case: dict[str, Any]) -> None:
    """Cases in tests/cases/documents: a document, and path, code, and a part of the message and of the hint of each problem."""
    found = check_shape(Document(kind, str(case["document"].get("key", "x")), case["document"]))
    assert [(p.path, p.code) for p in found] == [(w["path"], w["code"]) for w in case["problems"]]
    for problem, wanted in zip(found, case["problems"], strict=True):
        assert wanted.get("says", "") in problem.message.en and problem.message.zh
        assert wanted.get("hint", "") in (problem.hint.en if problem.hint else "")


def test_a_remote_reference_is_refused_and_never_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def no(*_: Any, **__: Any) -> Any:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "socket", no)
    body = {"kind": "object", "key": "a", "title": {"en": "A"}, "schema": {"$ref": "http://example.com/x.json", "properties": {"name": {"x-type": "text"}}}}
    [problem] = check_shape(Document("object", "a", body))
    assert (problem.path, problem.code) == ("/schema/$ref", "unknown_member")
    assert problem.hint and "refers to nothing elsewhere" in problem.hint.en


@pytest.mark.parametrize("key", ["customer", "x2", "o_x", "近90天订单数", "客户", "type", "match", "date"])
def test_keys(key: str) -> None:
    assert key_problem(key) is None


@pytest.mark.parametrize(
    "key", ["", "2x", "Customer", "客户a", "a客户", "a b", "a-b", "a\n", "x" * 49, "客" * 21, "ａｂ", "a__b", "lambda", "not", "_a", "a.b", '"', "客\u200b户"]
)
def test_keys_that_are_none(key: str) -> None:
    assert key_problem(key) is not None


@pytest.mark.parametrize(
    ("key", "good"), [("cn", True), ("A1", True), ("010", True), ("中国", True), ("", False), (" a", False), ('a"b', False), ("a,b", False), ("a\\", False)]
)
def test_option_keys(key: str, good: bool) -> None:
    assert (option_problem(key) is None) is good
