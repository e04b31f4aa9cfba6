"""Field types: the input policy as a table, round trips as properties."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from babel.dates import format_date
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from server.errors import Problem, Text
from server.features.files.engine import clean_name
from server.features.objects.kind import Field, Option
from server.fields.base import FORM, JSON, Reading
from server.fields.file import FileRef
from server.fields.registry import FIELD_TYPES, TYPES

SHANGHAI = ZoneInfo("Asia/Shanghai")
OPTIONS = (Option("gold", Text("金牌", "Gold tier")), Option("silver", Text("银牌", "Silver")), Option("普通", Text("普通客户", "Plain, simple")))
PLACES = (
    Option("zj", Text("浙江", "Zhejiang")),
    Option("hz", Text("杭州", "Hangzhou"), parent="zj"),
    Option("zj_gl", Text("鼓楼", "Gulou"), parent="hz"),
    Option("js", Text("江苏", "Jiangsu")),
    Option("js_gl", Text("鼓楼", "Gulou"), parent="js"),
)
CASES = json.loads((Path(__file__).parents[1] / "cases" / "fields" / "input.json").read_text(encoding="utf-8"))
READINGS = {"form": Reading(naive=SHANGHAI), "json": JSON, "import": Reading(titles=True), "bare": FORM}


def field(type_key: str, **more: Any) -> Field:
    return Field("f", type_key, Text("字段", "Field"), **{"options": OPTIONS if "choice" in type_key else PLACES if type_key == "region" else (), **more})


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['type']} {c.get('channel', 'form')} {str(c['raw'])[:30]!r}")
def test_input_policy(case: dict[str, Any]) -> None:
    it = field(case["type"], **case.get("field", {}))
    raw = "x" * case["repeat"] if "repeat" in case else case["raw"]
    result = FIELD_TYPES[case["type"]].parse(it, raw, READINGS[case.get("channel", "form")])
    if "problem" in case:
        assert isinstance(result, Problem), result
        assert result.code == case["problem"]
        assert result.path == "f"
    else:
        assert not isinstance(result, Problem), result
        assert FIELD_TYPES[case["type"]].json(it, result) == case["value"]


text_values = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).map(lambda s: s.strip())
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).map(clean_name)


def _files(*types: str) -> st.SearchStrategy[Any]:
    one = st.builds(FileRef, st.uuids().map(lambda u: u.hex), NAMES, st.sampled_from(types), st.integers(0, 10**12))
    return st.lists(one, min_size=1, max_size=3)


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.integers(-(2**63), 2**63 - 1),
    "number": st.floats(-9e99, 9e99, allow_subnormal=False).filter(lambda x: x == 0 or abs(x) > 1e-99).map(lambda x: x + 0.0),
    "decimal": st.integers(-(2**63) + 1, 2**63 - 1).map(lambda n: Decimal(n).scaleb(-2)),
    "date": st.dates(),
    "datetime": st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 30), timezones=st.just(UTC)),
    "yes_no": st.booleans(),
    "choice": st.sampled_from([o.key for o in OPTIONS]),
    "multi_choice": st.sets(st.sampled_from([o.key for o in OPTIONS]), min_size=1).map(lambda s: [o.key for o in OPTIONS if o.key in s]),
    "percent": st.integers(-(10**13), 10**13).map(lambda n: Decimal(n).scaleb(-2)),
    "rating": st.integers(1, 5),
    "duration": st.integers(0, 10**12),
    "region": st.sampled_from([["zj"], ["zj", "hz"], ["zj", "hz", "zj_gl"], ["js", "js_gl"]]),
    "reference": st.integers(1, 2**63 - 1),
    "email": st.just("a.b@example.com"),
    "phone": st.just("+86 138-0013-8000"),
    "link": st.just("https://example.com/a?b=c"),
    "file": st.lists(
        st.builds(FileRef, st.uuids().map(lambda u: u.hex), NAMES, st.sampled_from(["text/plain", ""]), st.integers(0, 10**12)), min_size=1, max_size=3
    ),
    "image": st.lists(st.builds(FileRef, st.uuids().map(lambda u: u.hex), NAMES, st.just("image/png"), st.integers(0, 10**12)), min_size=1, max_size=3),
}


def _parsed_texts(type_key: str) -> st.SearchStrategy[Any]:
    """What a text field stores is what it made of some text."""
    it = field(type_key)
    parsed = st.text(max_size=60).map(lambda s: FIELD_TYPES[type_key].parse(it, s))
    return parsed.filter(lambda v: v is not None and not isinstance(v, Problem))


@pytest.mark.parametrize("kind", TYPES, ids=lambda t: t.key)
@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_round_trips(kind: Any, data: st.DataObject) -> None:
    it = field(kind.key, decimals=2 if kind.key in {"decimal", "percent"} else 0, max_files=3)
    value = data.draw(VALUES[kind.key] if kind.key in VALUES else _parsed_texts(kind.key))
    assert kind.parse(it, kind.entry(it, value)) == value
    assert kind.parse(it, value) == value
    back = kind.from_expression(it, json.loads(json.dumps(kind.to_expression(it, value)))) if isinstance(value, list) else value
    assert back == value
    through_json = json.loads(json.dumps(kind.json(it, value), allow_nan=False))
    assert kind.parse(it, through_json, JSON) == value
    assert isinstance(kind.text(it, value, "zh_CN", SHANGHAI), str)
    back = kind.from_expression(it, kind.to_expression(it, value))
    assert back == value or (kind.key == "decimal" and abs(value) > 10**13)


@pytest.mark.parametrize("kind", TYPES, ids=lambda t: t.key)
@settings(max_examples=150, deadline=None)
@given(
    raw=st.one_of(
        st.text(max_size=30),
        st.integers(),
        st.floats(),
        st.booleans(),
        st.lists(st.text(max_size=3), max_size=3),
        st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
        st.decimals(),
        st.binary(max_size=4),
    )
)
def test_nothing_raises(kind: Any, raw: Any) -> None:
    it = field(kind.key, decimals=2)
    for reading in READINGS.values():
        value = kind.parse(it, raw, reading)
        if value is not None and not isinstance(value, Problem):
            assert kind.parse(it, kind.json(it, value), JSON) == value


@settings(max_examples=300, deadline=None)
@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2090, 1, 1), timezones=st.just(UTC)), st.sampled_from(["Asia/Shanghai", "UTC"]))
def test_a_form_gives_a_local_time_back(value: datetime, zone: str) -> None:
    """In an hour that comes twice a typed time means the first one; what comes back untouched is not read anew (records.engine.parse)."""
    assume(not value.astimezone(ZoneInfo(zone)).fold)
    reading, it, kind = Reading(naive=ZoneInfo(zone)), field("datetime"), FIELD_TYPES["datetime"]
    assert kind.parse(it, kind.entry(it, value, reading), reading) == value


def test_what_people_read() -> None:
    def shown(type_key: str, value: Any, locale: str = "en", **more: Any) -> str:
        return FIELD_TYPES[type_key].text(field(type_key, **more), value, locale, SHANGHAI)

    assert shown("decimal", Decimal("1234567.50"), decimals=2) == "1,234,567.50"
    assert shown("integer", 1234567, unit="days") == "1,234,567"
    assert shown("integer", 2026) == "2026"
    assert shown("number", 0.1 + 0.2) == "0.3"
    assert shown("yes_no", False, "zh_CN") == "否"
    assert shown("choice", "gold", "zh_CN") == "金牌"
    assert shown("choice", "left over") == "left over"
    assert shown("multi_choice", ["gold", "silver"], "zh_CN") == "金牌、银牌"
    assert shown("datetime", datetime(2024, 1, 1, 16, 30, tzinfo=UTC)) == "2 Jan 2024 00:30"
    assert shown("date", date(2024, 1, 2)) == "2 Jan 2024"
    assert shown("date", date(2024, 1, 2), "zh_CN") == "2024-01-02"
    assert shown("datetime", datetime(2024, 1, 1, 16, 30, tzinfo=UTC), "zh_CN") == "2024-01-02 00:30"
    for month in range(1, 13):
        day = date(2026, month, 16)
        assert shown("date", day) == format_date(day, "d MMM yyyy", locale="en").replace("Sept", "Sep")
    assert [shown(t.key, None) for t in TYPES] == [""] * len(TYPES)


def test_expression_results_are_fitted_to_the_field() -> None:
    def fitted(type_key: str, value: Any, **more: Any) -> Any:
        return FIELD_TYPES[type_key].from_expression(field(type_key, **more), value)

    assert fitted("decimal", 2.675, decimals=2) == Decimal("2.68")  # half away from zero of the decimal that was meant
    assert fitted("decimal", -0.004, decimals=2) == Decimal("0.00")
    assert fitted("decimal", 1e300, decimals=2) is None
    assert fitted("integer", 2.5) == 3
    assert fitted("integer", -2.5) == -3
    assert fitted("integer", 1e300) is None
    assert fitted("number", float("inf")) is None
    assert fitted("yes_no", 1) is True
    assert fitted("date", "2024-01-02") == date(2024, 1, 2)


def test_the_registry_is_complete() -> None:
    assert [t.key for t in TYPES] == list(FIELD_TYPES)
    for t in TYPES:
        assert t.title.zh and t.title.en and t.widget
        assert t.expression_type(field(t.key)) and t.column_type(field(t.key))
