"""Outside JSON Schemas through the studio's door, and the forms that come of them: each is drawn, filled in and saved."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from admin_ui.record_rows import build_with_rows
from admin_ui.render import Renderer
from server.config.catalog import Catalog
from server.config.document import Document
from server.config.publish import publish
from server.feature import SYSTEM, Hooks, Work
from server.features.forms.engine import standard
from server.features.objects.contract import assemble
from server.features.objects.contract_check import contract_of
from server.features.objects.contract_reading import take_apart
from server.features.objects.outside.importing import import_schema
from server.features.records import service as records
from server.features.records import together
from server.features.records.rows import stored_rows
from server.features.records.together import save_document
from server.registry import KINDS
from tests.admin_ui.conftest import Site

CASES = sorted((Path(__file__).parents[1] / "cases" / "schemas").glob("*.json"))


def published(site: Site, schemas: dict[str, Any]) -> None:
    """The schemas as live objects, in one release with what is there."""
    with site.work(write=True) as work:
        made = [(key, import_schema(json.dumps(schema), key, work.catalog)) for key, schema in schemas.items()]
        assert [(key, m.problems) for key, m in made if not m.bodies] == []
        documents = [Document("object", b["key"], b) for _, m in made for b in m.bodies]
        publish(work, {**work.catalog.documents, **{(d.kind, d.key): d for d in documents}}, "schemas")


def posted(work: Any, object_type: Any, document: Any) -> dict[str, Any]:
    """The document as a browser would post it."""
    apart = take_apart(contract_of(work.catalog, object_type), document)  # type: ignore[arg-type]
    form = dict.fromkeys(object_type.fields, "") | {key: _text(value) for key, value in apart.raw.items()}
    for child, items in apart.rows.items():
        for i, raw in enumerate(items):
            fields = dict.fromkeys(work.catalog.get("object", child).fields, "") | {key: _text(value) for key, value in raw.items()}
            form |= {f"{child}-n{i + 1}-{key}": value for key, value in fields.items()}
    return form


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, list) else "" if value is None else str(value)


def test_schemas_are_forms_that_can_be_filled_in(site: Site) -> None:
    """A third of them in a database; test_outside.py fills in all of them without one."""
    cases = {f"x_{path.stem[:30]}": json.loads(path.read_text("utf-8")) for path in CASES[::3]}
    published(site, {key: case["schema"] for key, case in cases.items()})
    client = site.client("ada")
    for key, case in cases.items():
        page = client.get(f"/o/{key}/new")
        assert page.status_code == 200, key
        document = case["valid"][0]
        with site.work() as work:
            object_type = work.catalog.get("object", key)
            form = posted(work, object_type, document)
        assert all(f'id="w-{name}"' in page.text for name in object_type.fields), key
        assert all(f'data-rowset="{s.object}"' in page.text for s in object_type.subforms), key
        answer = client.post(f"/o/{key}/new", data=form)
        assert answer.status_code == 303, (key, re.findall(r"<li>.*?</li>", answer.text, re.DOTALL)[:3])
        record_id = int(answer.headers["location"].rpartition("/")[2])
        assert client.get(f"/o/{key}/{record_id}").status_code == 200
        with site.work() as work:
            children = {s.object: work.catalog.get("object", s.object) for s in object_type.subforms}
            rows = {s.object: [(str(r["id"]), r) for r in stored_rows(work, s, children[s.object], record_id)] for s in object_type.subforms}
            contract = contract_of(work.catalog, object_type)
            assert contract
            stored = assemble(object_type, contract, records.get(work, key, record_id).values, rows, children)
        assert stored == document, key


def test_what_does_not_fit_is_told_beside_its_field(site: Site) -> None:
    case = json.loads((CASES[0].parent / "invoice.json").read_text("utf-8"))
    published(site, {"bill": case["schema"]})
    with site.work() as work:
        form = posted(work, work.catalog.get("object", "bill"), case["valid"][0])
    answer = site.client("ada").post("/o/bill/new", data={**form, "number": "7", "bill_lines-n1-unit_price": "0.5", "bill_lines-n2-quantity": "0"})
    assert answer.status_code == 422
    assert "Does not have the form ^INV-[0-9]{4}$" in answer.text
    assert "Lines, row 2, Quantity" in answer.text and "Must be more than 0" in answer.text
    with site.work(write=True) as work:
        record_id = save_document(work, "bill", case["valid"][1])
        assert records.get(work, "bill", record_id).values["number"] == "INV-0008"


def test_the_studio_takes_a_schema_or_says_where_it_cannot(site: Site) -> None:
    client = site.client("ada")
    assert "/studio/import" in client.get("/studio?kind=object").text
    assert client.get("/studio/import").status_code == 200
    schema = {"title": "Visit", "type": "object", "properties": {"who": {"type": "string"}, "stops": {"type": "array", "items": {"type": "string"}}}}
    answer = client.post("/studio/import", data={"key": "visit", "schema": json.dumps(schema)})
    assert (answer.status_code, answer.headers.get("location")) == (303, "/studio/doc/object/visit")
    page = client.get("/studio/doc/object/visit")
    assert page.status_code == 200 and "Outside schema" in page.text
    assert client.get("/studio/draft").status_code == 200
    again = client.post("/studio/import", data={"key": "visit", "schema": json.dumps(schema)})
    assert again.status_code == 422 and "There is an object “visit” already" in again.text
    schema["properties"]["who"] = {"type": "string", "pattern": "(?!x)"}
    refused = client.post("/studio/import", data={"key": "visit2", "schema": json.dumps(schema)})
    assert refused.status_code == 422 and "/properties/who/pattern" in refused.text and "linear time" in refused.text
    assert client.post("/studio/import", data={"key": "No!", "schema": "{"}).status_code == 422
    assert client.post("/studio/import", data={"key": "broken", "schema": "{'a'"}).status_code == 422
    assert site.client("li").get("/studio/import").status_code == 403


DRAWN = """{% from "parts/fields.html" import field_box with context %}{% from "parts/subform.html" import subform with context %}
{% for s in form.sections %}{% for f in s.fields %}{{ field_box(f) }}{% endfor %}{% endfor %}
{% for s in form.subforms %}{{ subform(s, object_type) }}{% endfor %}"""


def test_every_schema_is_drawn() -> None:
    nobody, environment = Catalog(1, {}, KINDS), Renderer(ZoneInfo("Asia/Shanghai")).environments["en"]
    for path in CASES:
        made = import_schema(json.dumps(json.loads(path.read_text("utf-8"))["schema"]), "thing", nobody)
        catalog = nobody.with_documents([Document("object", b["key"], b) for b in made.bodies])
        work = Work(None, SYSTEM, catalog, datetime(2026, 3, 10, tzinfo=UTC), ZoneInfo("Asia/Shanghai"), Hooks())  # type: ignore[arg-type]
        object_type = catalog.get("object", "thing")
        rows = {s.object: [together.Row("n1", {})] for s in object_type.subforms}
        state, states = together.form(work, "thing", {}, rows)
        form = build_with_rows(work, object_type, standard(object_type), state, states, is_new=True)
        html = environment.from_string(DRAWN).render(form=form, object_type=object_type, work=work)
        shown = [f.field.key for f in form.fields if f.state.visible]
        assert shown and all(re.search(rf'name="(_q_)?{re.escape(name)}"', html) for name in shown), path.stem
        assert len(form.fields) == len(object_type.fields) + sum(len(s.columns) for s in object_type.subforms), path.stem
