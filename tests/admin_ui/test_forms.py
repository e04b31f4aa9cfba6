"""The form engine: what is opened and saved by form comes back as it was, and every button does what it says."""

import json
from pathlib import Path
from typing import Any

import pytest

from admin_ui.forms import Form, Node, summary_of
from admin_ui.places import act, locate, words
from server.errors import Text

ROOT = Path(__file__).parents[2]

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["kind", "key", "title", "factors"],
    "properties": {
        "kind": {"const": "score"},
        "key": {"type": "string", "x-title": {"zh_CN": "键", "en": "Key"}},
        "title": {"$ref": "#/$defs/text"},
        "better": {"enum": ["", "up", "down"]},
        "schema_type": {"const": "object"},
        "decimals": {"type": "integer"},
        "main": {"type": "boolean"},
        "default": {},
        "roles": {"type": "array", "items": {"type": "string"}},
        "weekdays": {"type": "array", "items": {"enum": ["mon", "tue", "sun"]}},
        "begins": {"type": "string", "format": "date"},
        "when": {"type": "string", "x-widget": "expression"},
        "fields": {"type": "object", "additionalProperties": {"$ref": "#/$defs/field"}},
        "factors": {"type": "array", "items": {"$ref": "#/$defs/factor"}},
        "cells": {"type": "array", "x-widget": "grid", "items": {"type": "array", "items": {"type": "string"}}},
    },
    "$defs": {
        "text": {"type": "object", "properties": {"zh_CN": {"type": "string"}, "en": {"type": "string"}}},
        "field": {
            "type": "object",
            "required": ["x-type"],
            "properties": {"x-type": {"enum": ["text", "number"]}, "x-checks": {"type": "array", "items": {"$ref": "#/$defs/check"}}},
        },
        "check": {"type": "object", "required": ["when"], "properties": {"when": {"type": "string", "x-widget": "expression"}}},
        "factor": {
            "type": "object",
            "required": ["key", "weight"],
            "properties": {
                "key": {"type": "string"},
                "weight": {"type": "number"},
                "bands": {"type": "array", "items": {"type": "object", "properties": {"value": {}, "points": {"type": "number"}}}},
            },
        },
    },
}
BODY: dict[str, Any] = {
    "kind": "score",
    "key": "s",
    "title": {"zh_CN": "评分", "en": "Score"},
    "better": "down",
    "decimals": 0,
    "main": False,
    "default": {"a": [1, None]},
    "roles": ["staff", "admin"],
    "weekdays": ["sun", "mon"],
    "begins": "2026-10-01",
    "when": "a > 1 and\nb",
    "fields": {"b/c": {"x-type": "text", "x-checks": [{"when": "x"}]}, "a": {"x-type": "number"}},
    "factors": [
        {
            "key": "f1",
            "weight": 2.5,
            "bands": [
                {"value": 3, "points": 0},
                {"value": "low", "points": 100},
                {"value": True, "points": 1},
                {"value": "3", "points": 2},
                {"value": "true", "points": 2},
            ],
        },
        {"key": "f2", "weight": 0},
    ],
    "cells": [["low", "high"], ["low", "low"]],
}


def posted(node: Node) -> dict[str, str]:
    """What a browser sends for a drawn form."""
    sent: dict[str, str] = {}
    if node.extra:
        sent[node.path + "?"] = node.extra
    for child in (*node.children, *node.folded):
        sent.update(posted(child))
    if node.widget in {"list", "map"}:
        sent[node.path + "#"] = str(len(node.children))
        if node.value is not None:
            sent[node.path + "!"] = "1"
        if node.widget == "map":
            sent.update({f"{child.path}@": child.key for child in node.children})
    elif node.widget == "i18n":
        sent.update({f"{node.path}/{name}": text for name, text in (node.value or {}).items()})
    elif node.widget == "grid" and node.value is not None:
        sent[node.path + "#"] = str(len(node.value))
        for i, row in enumerate(node.value):
            sent[f"{node.path}/{i}#"] = str(len(row))
            sent.update({f"{node.path}/{i}/{j}": cell for j, cell in enumerate(row)})
    elif node.widget == "keys":
        sent[node.path] = ", ".join(node.value or ())
        if node.value == []:
            sent[node.path + "!"] = "1"
    elif node.widget == "ticks":
        sent[node.path] = ",".join(node.value or ())
        sent.update({f"{node.path}:{key}": "1" for key in node.value or ()})
        if node.value == []:
            sent[node.path + "!"] = "1"
    elif node.widget == "yes_no":
        if node.value is not None:
            sent[node.path] = "true" if node.value else "false"
    elif node.widget == "fixed":
        if node.value is not None:
            sent[node.path] = ""
    elif node.widget != "object":
        if node.value == "":
            sent[node.path + "!"] = "1"
        name = node.path + ("~" if node.misfit else "")
        sent[name] = "" if node.value is None else str(node.value)
    return sent


def test_a_document_comes_back_as_it_was() -> None:
    form = Form(SCHEMA)
    assert form.read(posted(form.build(BODY))) == BODY


def test_a_blank_that_stood_there_stays_and_one_that_did_not_is_not_made() -> None:
    form = Form(SCHEMA)
    assert form.read(posted(form.build({**BODY, "better": ""})))["better"] == ""
    assert "better" not in form.read({**posted(form.build(BODY)), "/better": ""})


def test_what_does_not_fit_the_schema_is_kept() -> None:
    body = {**BODY, "weird": {"x": 1}, "decimals": True, "factors": "none", "roles": [1]}
    form = Form(SCHEMA)
    assert form.read(posted(form.build(body))) == body


@pytest.mark.parametrize("odd", [{"weekdays": ["sun", "nonsense"]}, {"weekdays": [1]}, {"weekdays": "mon"}, {"begins": "2026-13-01"}, {"begins": 7}])
def test_no_tick_and_no_day_is_lost(odd: dict[str, Any]) -> None:
    form = Form(SCHEMA)
    assert form.read(posted(form.build({**BODY, **odd}))) == {**BODY, **odd}


def test_ticks_keep_their_order_and_new_ones_follow() -> None:
    form = Form(SCHEMA)
    sent = posted(form.build(BODY))
    assert form.read({**sent, "/weekdays:tue": "1"})["weekdays"] == ["sun", "mon", "tue"]
    assert form.read({k: v for k, v in sent.items() if k != "/weekdays:sun"})["weekdays"] == ["mon"]
    assert "weekdays" not in form.read({k: v for k, v in sent.items() if not k.startswith("/weekdays:")})


def test_optional_members_left_empty_are_left_out() -> None:
    body = {"kind": "score", "key": "s", "title": {"zh_CN": "评分"}, "factors": []}
    form = Form(SCHEMA)
    assert form.read(posted(form.build(body))) == body


def test_a_number_that_is_none_is_kept_for_the_check_to_name() -> None:
    form = Form(SCHEMA)
    sent = posted(form.build(BODY))
    sent["/factors/0/weight"] = "much"
    assert form.read(sent)["factors"][0]["weight"] == "much"


def test_buttons() -> None:
    form = Form(SCHEMA)
    assert act(form, BODY, "add:/factors")["factors"][2] == {"key": "", "weight": None}
    assert act(form, BODY, "add:/factors/1/bands")["factors"][1]["bands"] == [{}]
    assert [f["key"] for f in act(form, BODY, "down:/factors/0")["factors"]] == ["f2", "f1"]
    assert [f["key"] for f in act(form, BODY, "up:/factors/0")["factors"]] == ["f1", "f2"]
    assert [f["key"] for f in act(form, BODY, "remove:/factors/0")["factors"]] == ["f2"]
    assert list(act(form, BODY, "up:/fields/1")["fields"]) == ["a", "b/c"]
    assert list(act(form, BODY, "add:/fields")["fields"]) == ["b/c", "a", "new_1"]
    assert act(form, BODY, "add:/fields/1/x-checks")["fields"]["a"]["x-checks"] == [{"when": ""}]
    assert act(form, BODY, "remove:/fields/0/x-checks/0")["fields"]["b/c"]["x-checks"] == []


def test_a_problem_finds_its_input() -> None:
    form = Form(SCHEMA)
    assert locate(form, BODY, "/fields/b~1c/x-checks/0/when") == "/fields/0/x-checks/0/when"
    assert locate(form, BODY, "/factors/1/bands/0") == "/factors/1/bands"
    assert locate(form, BODY, "") == ""


def test_a_place_is_said_in_words() -> None:
    form = Form(json.loads((ROOT / "schemas/meta/score.schema.json").read_text()))
    body = json.loads((ROOT / "schemas/scoring/risk_score.json").read_text())
    assert words(form, body, "/factors/0/bands/1/points").zh == "因子 · 财务预警值 · 区间 · 第 2 项 · 分数"
    assert words(form, body, "/better").en == form.resolve(form.schema["properties"]["better"])["x-title"]["en"]
    assert words(form, body, "").en == ""


def test_a_closed_item_is_called_by_its_title_in_the_readers_language() -> None:
    assert summary_of({"key": "x", "title": {"zh_CN": "草稿", "en": "Draft"}}) == Text("草稿", "Draft")
    assert summary_of({"title": {"zh_CN": "草稿"}}) == Text("草稿", "草稿")
    assert summary_of({"when": "a > 1", "weight": 3}) == Text("a > 1", "a > 1")
    assert summary_of({}) == Text("", "")
    assert summary_of(7).en == "7"


def test_a_renamed_key_of_a_map_keeps_its_value_and_place() -> None:
    form = Form(SCHEMA)
    sent = posted(form.build(BODY))
    sent["/fields/0@"] = "renamed"
    assert list(form.read(sent)["fields"].items())[0] == ("renamed", BODY["fields"]["b/c"])


KINDS = sorted(p.name.removesuffix(".schema.json") for p in (ROOT / "schemas/meta").glob("*.schema.json"))


@pytest.mark.parametrize(
    "file", sorted(p for folder in ("schemas", "workflows") for p in (ROOT / folder).rglob("*.json") if "meta" not in p.parts), ids=lambda p: p.stem
)
def test_every_shipped_document_comes_back_as_it_was(file: Path) -> None:
    body = json.loads(file.read_text())
    form = Form(json.loads((ROOT / f"schemas/meta/{body['kind']}.schema.json").read_text()))
    assert form.read(posted(form.build(body))) == body


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_blank_document(kind: str) -> None:
    form = Form(json.loads((ROOT / f"schemas/meta/{kind}.schema.json").read_text()))
    assert form.blank()["kind"] == kind
    assert form.read(posted(form.build(form.blank())))["kind"] == kind
