"""The short ways through a field type say what the long ones say."""

import json
from datetime import date
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import Problem
from server.fields.base import FieldType, Reading
from server.fields.registry import FIELD_TYPES, TYPES
from server.storage.dialects import canonical
from tests.fields.test_fields import CASES, READINGS, VALUES, field

LENGTHS = {"min_length": 2, "max_length": 6}
BOUNDS = {"minimum": 1, "maximum": 99.5}
VARIANTS: tuple[dict[str, Any], ...] = ({}, {"decimals": 2}, BOUNDS, {"decimals": 2, **BOUNDS}, {"max_length": 6}, LENGTHS, {"minimum": -5, "maximum": -1})
TEXTS = (
    "", " ", "0", "-0", "+7", "007", "12", "12.", ".5", "12.5", "12.50", "12.345", "1e3", "99.5", "100", "٣", "１２", "1" * 15, "1" * 16, "9" * 30, "0.0",
    "0.00",     "true", "Yes", "否", "on", "gold", "Gold tier", " gold", "金牌", "普通", "2024-01-05", "2024-02-30", "2024-W01-5",
    "20240105", "2024-1-5", " 2024-01-05 ",
    "a@b.cn", "a\x01@b.cn", "a@b.cn\n", "+86 138-0013-8000", "138\t0013800", "text", " text ", "te\x00xt", "te\ud800xt", "e\u0301", "\u3000全角\u3000", "a\nb",
    "'=1",     "https://a.cn", "<b>x</b>", "1:30",
)  # fmt: skip
VALUES_OF_JSON = (0, 1, -1, 7, 12.0, 0.5, 1e300, 1e-300, -0.0, True, False, None, 2**63, 2**63 - 1, [], ["gold"], {}, date(2024, 1, 5), Decimal("1.50"))
CASE_TEXTS = tuple(dict.fromkeys(c["raw"] for c in CASES if isinstance(c.get("raw"), str)))


def agrees(kind: FieldType, reading: Reading, variant: dict[str, Any], raw: Any) -> bool:
    """Whether the short way took the value; it must be the long way's then."""
    it = field(kind.key, **variant)
    quick = kind.quick(it, reading)
    if quick is None:
        return False
    test, value, names = quick.written("raw", "q")
    lines = f"def run(raw):\n  try:\n    if {test}: return True, {value}\n  except ValueError: pass\n  return False, None"
    exec(lines, names)  # noqa: S102 our own source
    took, found = names["run"](raw)
    if took:
        expected = kind.parse(it, raw, reading)
        assert (found, type(found), str(found)) == (expected, type(expected), str(expected)), (raw, variant)
    return bool(took)


@pytest.mark.parametrize("kind", TYPES, ids=lambda t: t.key)
def test_a_short_way_reads_what_the_long_one_does(kind: FieldType) -> None:
    took = sum(agrees(kind, reading, variant, raw) for reading in READINGS.values() for variant in VARIANTS for raw in (*TEXTS, *VALUES_OF_JSON, *CASE_TEXTS))
    assert took or kind.quick(field(kind.key), READINGS["import"]) is None


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(TYPES), st.sampled_from(list(READINGS.values())), st.sampled_from(VARIANTS), st.from_regex(r"\A[ +0-9.eE-]{0,17}\Z") | st.text(max_size=8)
)
def test_a_short_way_reads_what_the_long_one_does_of_anything(kind: FieldType, reading: Reading, variant: dict[str, Any], raw: str) -> None:
    agrees(kind, reading, variant, raw)


@pytest.mark.parametrize("kind", TYPES, ids=lambda t: t.key)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_values_are_told_as_canonical_json(kind: FieldType, data: st.DataObject) -> None:
    it = field(kind.key, decimals=2 if kind.key in {"decimal", "percent"} else 0, max_files=3)
    value = data.draw(VALUES[kind.key] if kind.key in VALUES else st.text(min_size=1, max_size=20))
    said = kind.json_text(it)
    if said and not isinstance(kind.parse(it, value), Problem):
        assert eval(said.format(v="v"), {"v": value, "quote": encode_basestring, "canonical": canonical}) == canonical(kind.json(it, value))  # noqa: S307


def test_long_decimals_are_told_without_an_exponent() -> None:
    it, kind = field("decimal", decimals=9), FIELD_TYPES["decimal"]
    said = eval(kind.json_text(it).format(v="v"), {"v": Decimal("0").quantize(Decimal("1e-9"))})  # noqa: S307
    assert json.loads(said) == "0.000000000"
