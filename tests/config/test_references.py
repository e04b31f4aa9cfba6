"""Where a document is named: as a key, in a formula, among the receivers."""

import json
from pathlib import Path

from server.config.catalog import Catalog
from server.config.document import Document
from server.config.references import where_used
from server.registry import KINDS

WORLD = Path(__file__).parents[1] / "cases" / "kinds"


def world() -> Catalog:
    bodies = [json.loads((WORLD / f"{kind}.good.json").read_text("utf-8")) for kind in KINDS]
    return Catalog(1, {(b["kind"], b["key"]): Document(b["kind"], b["key"], b) for b in bodies}, KINDS)


def test_where_documents_are_used() -> None:
    used = {(kind, key): [f"{k}/{n}{path}" for k, n, path in where_used(world(), kind, key)] for kind, key in world().documents}
    assert used["metric", "high_share"] == ["review/quarterly/metrics/0"]
    assert used["alert", "churn_alert"] == ["strategy/keep/alerts/0"]
    assert used["matrix", "main"] == ["risk_type/churn/matrix"]
    assert used["indicator", "order_count"] == ["object/customer/list/columns/3", "score/risk/factors/0/value"]
    of_risk = {"classification/tier/rows/0/when", "alert/churn_alert/when", "alert/churn_alert/watch", "workflow/limit/transitions/0/guard"}
    assert of_risk <= set(used["score", "risk"])
    assert {"role/manager/objects/customer", "indicator/order_count/object", "metric/high_share/numerator/source"} <= set(used["object", "customer"])
    of_manager = {"workflow/limit/states/1/approvers/0", "review/quarterly/signers/0", "alert/churn_alert/recipients/1/to", "strategy/keep/measures/1/assignee"}
    assert of_manager <= set(used["role", "manager"])
    assert used["review", "quarterly"] == []
