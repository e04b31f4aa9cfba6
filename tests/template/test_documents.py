"""The shipped template: well-formed, complete in both languages, and without the mistakes a reader would not see."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from server.config.catalog import Catalog
from server.config.check import check
from server.config.load import load_folder
from server.registry import KINDS
from server.settings import data_folder


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    documents, problems = load_folder(data_folder("schemas"), data_folder("workflows"))
    assert not problems
    return Catalog(1, {(d.kind, d.key): d for d in documents}, KINDS)


def texts(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    if isinstance(value, dict):
        if set(value) & {"zh_CN", "en"}:
            yield path, value
            return
        for key, part in value.items():
            yield from texts(part, f"{path}/{key}")
    elif isinstance(value, list):
        for i, part in enumerate(value):
            yield from texts(part, f"{path}/{i}")


def test_no_problem_is_found(catalog: Catalog) -> None:
    assert [(p.file, p.path, p.message.en) for p in check(catalog, KINDS)] == []


def test_every_text_is_written_in_both_languages(catalog: Catalog) -> None:
    for document in catalog.documents.values():
        for path, text in texts(document.body):
            place = f"{document.file}{path}"
            assert text.get("zh_CN") and text.get("en"), place
            assert not re.search(r"[\u4e00-\u9fff]", text["en"]), place


def test_what_the_template_ships(catalog: Catalog) -> None:
    counts = {kind: len(catalog.all(kind)) for kind in KINDS}
    assert counts["object"] == 16 and counts["indicator"] >= 38 and counts["alert"] == 14 and counts["strategy"] == 7
    assert counts["score"] == 3 and counts["classification"] == 6 and counts["risk_type"] == 5 and counts["role"] == 4
    assert sum(f.weight for f in catalog.get("score", "risk_score").factors) == 100


def test_places_in_messages_exist(catalog: Catalog) -> None:
    """Each {name} of an alert's message is one of the outputs or fields of its subject."""
    fields = set(catalog.get("object", "customer").fields)
    known = fields | {k for kind in ("indicator", "score", "classification") for k in catalog.parsed[kind]}
    known |= {f"{k}_{tail}" for k in catalog.parsed["indicator"] for tail in ("prev", "change", "change_pct")}
    for alert in catalog.all("alert"):
        for text in alert.message:
            assert set(re.findall(r"{(\w+)}", text)) <= known, alert.key
