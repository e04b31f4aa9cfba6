"""The shared draft: kept with its problems, shown as changes, published or thrown away."""

import dataclasses
import json
from typing import Any

import pytest

from server.config.document import Document
from server.config.drafts import discard, discard_all, draft_catalog, draft_changes, draft_document, draft_problems, publish_draft, remove_in_draft, save_draft
from server.config.publish import publish
from server.errors import Conflict, Invalid, NotFound
from tests.publishing import House, an_object

CUSTOMER = an_object("customer", {"name": "text", "amount": "integer"})
WIDER = an_object("customer", {"name": "text", "amount": "integer", "size": "integer"})
METRIC: dict[str, Any] = {
    "kind": "metric", "key": "rich", "title": {"en": "Rich"}, "target": 1, "better": "higher",
    "numerator": {"source": "customer", "aggregate": "count", "where": "amount > 5"},
}  # fmt: skip


@pytest.fixture
def live(house: House) -> House:
    with house.work() as work:
        publish(work, [CUSTOMER])
    return house


def test_a_draft_is_laid_over_the_live_documents_and_published(live: House) -> None:
    with live.work() as work:
        assert draft_changes(work) == [] and draft_catalog(work) is work.catalog and draft_problems(work) == []
        assert save_draft(work, "object", "customer", WIDER.body) == []
        assert save_draft(work, "metric", "rich", json.dumps(METRIC)) == []
    with live.work() as work:
        assert [(c.kind, c.key, c.old is None, c.new is None, c.by, c.moved) for c in draft_changes(work)] == [
            ("metric", "rich", True, False, "anna", False),
            ("object", "customer", False, False, "anna", False),
        ]
        assert "size" not in work.catalog.get("object", "customer").fields
        assert "size" in draft_catalog(work).get("object", "customer").fields
        assert draft_catalog(work) is draft_catalog(work)
        assert publish_draft(work, "wider") == 2
    with live.work() as work:
        assert draft_changes(work) == []
        assert "size" in work.catalog.get("object", "customer").fields and work.catalog.get("metric", "rich")
        with pytest.raises(Conflict):
            publish_draft(work)


def test_a_draft_may_hold_what_is_wrong_but_not_publish_it(live: House) -> None:
    broken = {**METRIC, "numerator": {**METRIC["numerator"], "where": "amuont > 5"}}
    with live.work() as work:
        [problem] = save_draft(work, "metric", "rich", broken)
        assert (problem.file, problem.path, problem.code) == ("metric/rich", "/numerator/where", "unknown_name")
    with live.work() as work:
        assert save_draft(work, "metric", "poor", {"kind": "metric", "key": "poor"})
    with pytest.raises(Invalid), live.work() as work:
        publish_draft(work)
    with live.work() as work:
        assert {p.file for p in draft_problems(work)} == {"metric/rich", "metric/poor"}
        discard(work, "metric", "poor")
        save_draft(work, "metric", "rich", METRIC)
        assert publish_draft(work) == 2


def test_what_a_change_breaks_elsewhere_is_shown(live: House) -> None:
    with live.work() as work:
        publish(work, [CUSTOMER, Document("metric", "rich", METRIC)])
    with live.work() as work:
        assert save_draft(work, "object", "customer", an_object("customer", {"name": "text"}).body) == []
        assert [(p.file, p.code) for p in draft_problems(work)] == [("metric/rich", "unknown_name")]


@pytest.mark.parametrize("text", ["{", '{"kind": "metric", "key": "rich", "key": "rich"}', '{"kind": "metric", "key": "other"}', "[]", '{"a": NaN}'])
def test_broken_json_is_refused(live: House, text: str) -> None:
    with pytest.raises(Invalid), live.work() as work:
        save_draft(work, "metric", "rich", text)
    with live.work() as work:
        assert draft_changes(work) == []


def test_a_kind_nobody_knows_is_refused(live: House) -> None:
    with pytest.raises(NotFound), live.work() as work:
        save_draft(work, "thing", "x", {"kind": "thing", "key": "x"})


def test_saving_the_live_document_ends_its_draft(live: House) -> None:
    with live.work() as work:
        save_draft(work, "object", "customer", WIDER.body)
        save_draft(work, "object", "customer", dict(reversed(CUSTOMER.body.items())))
        assert draft_changes(work) == []


def test_a_document_may_be_removed_or_a_new_one_dropped(live: House) -> None:
    with live.work() as work:
        save_draft(work, "metric", "rich", METRIC)
        remove_in_draft(work, "metric", "rich")
        remove_in_draft(work, "object", "customer")
        assert [(c.key, c.new) for c in draft_changes(work)] == [("customer", None)]
        assert draft_document(work, "object", "customer") is None
        discard_all(work)
        assert draft_document(work, "object", "customer") is work.catalog.document("object", "customer")
        remove_in_draft(work, "object", "customer")
        assert publish_draft(work) == 2
    with live.work() as work:
        assert work.catalog.documents == {} and draft_changes(work) == []


def test_a_draft_does_not_undo_what_was_published_meanwhile(live: House) -> None:
    with live.work() as work:
        save_draft(work, "object", "customer", WIDER.body)
    with live.work() as work:
        publish(work, [an_object("customer", {"name": "text", "amount": "integer", "note": "long_text"})])
    with live.work() as work:
        assert [c.moved for c in draft_changes(work)] == [True]
    with pytest.raises(Conflict, match="object/customer"), live.work() as work:
        publish_draft(work)
    with live.work() as work:
        discard(work, "object", "customer")
        save_draft(work, "object", "customer", WIDER.body)
        assert publish_draft(work) == 3


def test_publishing_the_same_by_files_ends_the_draft(live: House) -> None:
    with live.work() as work:
        save_draft(work, "object", "customer", WIDER.body)
    with live.work() as work:
        publish(work, [dataclasses.replace(WIDER, file="x.json")])
    with live.work() as work:
        assert draft_changes(work) == []
