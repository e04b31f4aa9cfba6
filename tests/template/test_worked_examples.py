"""The six worked customers of the template come out as a risk manager calculated them by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from server.config.catalog import Catalog
from server.config.load import load_folder
from server.features.assessment.engine import assess_values
from server.registry import KINDS
from server.settings import data_folder

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent.parent / "cases/template/worked_examples.json").read_text("utf-8"))["cases"]
FIVE = Path(__file__).parent.parent / "cases/template/five_by_five"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    documents, problems = load_folder(data_folder("schemas"), data_folder("workflows"))
    assert not problems
    return Catalog(1, {(d.kind, d.key): d for d in documents}, KINDS)


@pytest.mark.parametrize("case", CASES, ids=[c["key"] for c in CASES])
def test_a_worked_example(catalog: Catalog, case: dict[str, Any]) -> None:
    found = assess_values(catalog, "customer", case["inputs"])
    assert {name: found[name] for name in case["results"]} == case["results"]


@pytest.mark.parametrize("case", CASES, ids=[c["key"] for c in CASES])
def test_the_points_of_every_factor(catalog: Catalog, case: dict[str, Any]) -> None:
    """Total = Σ(weight × points) / Σ(weights not skipped): the case's points give the case's scores."""
    for key, factors in case["factors"].items():
        weights = {f.key: f.weight for f in catalog.get("score", key).factors}
        assert set(factors) == set(weights)
        counted = [(weights[k], f["points"]) for k, f in factors.items() if f["points"] is not None]
        total = sum(w * p for w, p in counted) / sum(w for w, _ in counted)
        assert round(total + 1e-9, 1) == case["results"][key]


def test_the_five_by_five_matrix_agrees(catalog: Catalog) -> None:
    """With low, medium, high placed on 1, 3, 5 the larger matrix gives the same nine levels."""
    documents, problems = load_folder(FIVE)
    assert not problems
    small = catalog.get("matrix", "risk_matrix")
    large = catalog.with_documents(documents).get("matrix", "risk_matrix")
    assert [[large.cells[i][j] for j in (0, 2, 4)] for i in (0, 2, 4)] == [list(row) for row in small.cells]
