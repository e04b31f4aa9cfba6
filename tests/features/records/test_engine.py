"""Validation and the live form, as rows a business person can add to: tests/cases/records/validation.json."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from server.expressions.types import At
from server.features.records.engine import validate
from server.fields.base import JSON
from server.fields.registry import FIELD_TYPES
from tests.features.records.company import CASES, NOW, ZONE, catalog_of

ROWS = json.loads((CASES / "records" / "validation.json").read_text(encoding="utf-8"))
CATALOG = catalog_of("records/objects")


def stored(case: dict[str, Any]) -> dict[str, Any] | None:
    if "before" not in case:
        return None
    fields = CATALOG.get("object", case["object"]).fields
    values = {key: FIELD_TYPES[f.type].parse(f, case["before"].get(key), JSON) for key, f in fields.items()}
    return {"id": 1, "version": 1, "created_at": datetime(2026, 1, 1, tzinfo=UTC), **values}


@pytest.mark.parametrize("case", ROWS, ids=lambda c: c["name"])
def test_validation(case: dict[str, Any]) -> None:
    object_type = CATALOG.get("object", case["object"])
    values, problems = validate(
        CATALOG,
        object_type,
        case["raw"],
        stored(case),
        case.get("references", {}),
        At(NOW, ZONE),
        case.get("channel", "form"),
        frozenset(case.get("locked", ())),
    )
    assert sorted(f"{p.path} {p.code}" + ("" if p.severity == "error" else f" {p.severity}") for p in problems) == sorted(case.get("problems", []))
    shown = {key: FIELD_TYPES[object_type.fields[key].type].json(object_type.fields[key], values[key]) for key in case.get("values", {})}
    assert shown == case.get("values", {})
