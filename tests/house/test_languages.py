"""Both languages are complete: no sentence of a page, a message or the template is missing in one of them, or stands in the wrong one."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.features.audit.actions import ACTIONS

ROOT = Path(__file__).parents[2]
HAN = re.compile("[\u3400-\u9fff]")
TEMPLATES = sorted((ROOT / "admin_ui" / "templates").rglob("*.html"))
CALL = re.compile(r"""\bt\(\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*\)""")  # t("one sentence")
LITERAL = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'""")
# Where Chinese stands on an English page on purpose: the switch names the other language, amounts in capitals are Chinese only.
BOTH = ("中 / EN", "EN / 中", "切换到", "English", "大写", "壹")


def literals(node: ast.expr) -> str:
    """The words of a text that is written out, also inside f-strings and sums."""
    return "".join(n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str))


def is_empty(node: ast.expr) -> bool:
    """Neither words nor a name that brings them."""
    return not literals(node) and not any(isinstance(n, ast.Name | ast.Attribute | ast.Call) for n in ast.walk(node))


def texts() -> Iterator[tuple[str, ast.expr, ast.expr]]:
    for path in sorted([*ROOT.glob("server/**/*.py"), *ROOT.glob("admin_ui/**/*.py")]):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Text" and len(node.args) == 2:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.args[0], node.args[1]


def test_every_message_is_said_in_both() -> None:
    found = list(texts())
    assert len(found) > 500
    assert [place for place, zh, en in found if is_empty(zh) != is_empty(en)] == []
    english = [(place, literals(en)) for place, _, en in found]
    assert [f"{place}: {en}" for place, en in english if HAN.search(en) and not any(word in en for word in BOTH)] == []


def test_every_action_of_the_audit_has_words() -> None:
    used = set()
    for path in sorted([*ROOT.glob("server/**/*.py"), *ROOT.glob("admin_ui/**/*.py")]):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute) and len(node.args) > 1:
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                if name in {"audit", "record", "record_many", "_note"} and isinstance(node.func, ast.Name) or ast.unparse(node.func).startswith("audit."):
                    used |= {n.value for n in ast.walk(node.args[1]) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    assert len(used) > 30
    assert used - ACTIONS.keys() <= {"alert.", "task_"}, "these need words in server/features/audit/actions.py"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: str(p.relative_to(ROOT / "admin_ui" / "templates")))
def test_no_template_says_something_in_one_language(path: Path) -> None:
    """`t` gets both sentences (or a Text), and no Chinese stands outside of it."""
    text = re.sub(r"\{#.*?#\}", "", path.read_text("utf-8"), flags=re.DOTALL)
    assert CALL.findall(text) == []
    outside = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", text, flags=re.DOTALL)
    assert [line.strip() for line in outside.splitlines() if HAN.search(line) and not any(word in line for word in BOTH)] == []


def pairs(value: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        if {"zh_CN", "en"} & value.keys() and all(isinstance(v, str) for v in value.values()):
            yield place, value
        for key, inner in value.items():
            yield from pairs(inner, f"{place}/{key}")
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from pairs(inner, f"{place}/{i}")


def test_every_document_of_the_template_is_written_in_both() -> None:
    paths = sorted([*ROOT.glob("schemas/**/*.json"), *ROOT.glob("workflows/**/*.json")])
    found = [pair for path in paths for pair in pairs(json.loads(path.read_text("utf-8")), str(path.relative_to(ROOT)))]
    assert len(found) > 1000
    assert [place for place, text in found if not text.get("zh_CN", "").strip() or not text.get("en", "").strip()] == []
    assert [f"{place}: {text['en']}" for place, text in found if HAN.search(text["en"])] == []
