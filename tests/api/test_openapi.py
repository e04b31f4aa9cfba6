"""The document that describes the API is valid, describes every call, and what is answered and taken is as it says."""

import re
from typing import Any

import pytest
from fastapi.routing import APIRoute
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from server.registry import FEATURES
from tests.admin_ui.conftest import Site
from tests.api.test_records import NEW, PATCH, RECORDS


def document(site: Site, username: str, **headers: str) -> dict[str, Any]:
    found: dict[str, Any] = site.client(username, **headers).get("/api/openapi.json").json()
    return found


def test_the_document_is_valid_and_says_every_call(site: Site) -> None:
    said = document(site, "ada")
    OpenAPIV31SpecValidator(said).validate()
    for name, schema in said["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema), name
    routes = {
        (route.path.replace("{object_key}", "customer"), method.lower())
        for feature in FEATURES
        if feature.api
        for route in feature.api.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    described = {
        (path, method) for path, item in said["paths"].items() if "customer" in path or path.count("/") == 1 for method in item if method != "parameters"
    }
    assert {(re.sub(r":int\}", "}", p), m) for p, m in routes} == described
    identities = [operation["operationId"] for item in said["paths"].values() for m, operation in item.items() if m != "parameters"]
    assert len(set(identities)) == len(identities)


def test_it_speaks_the_readers_language_and_keeps_their_rights(site: Site) -> None:
    zh = document(site, "ada", **{"accept-language": "zh-CN"})
    assert zh["info"]["title"] == "晴雨表 API"
    staff = document(site, "li")
    customer = staff["components"]["schemas"]["customer.create"]
    assert "payment_method" not in customer["properties"]
    assert staff["components"]["schemas"]["customer.record"]["properties"]["bank_account"]["x-masked"]


@pytest.mark.parametrize("username", ["li", "ada"])
def test_answers_are_as_described(site: Site, username: str) -> None:
    client = site.client(username)
    said = document(site, username)
    schemas = said["components"]["schemas"]

    def check(name: str, value: Any) -> None:
        whole = {**schemas[name], "components": said["components"]}
        assert [e.message for e in Draft202012Validator(whole).iter_errors(value)] == [], name

    check("customer.record", client.get(RECORDS + "/1").json())
    for record in client.get(RECORDS, params={"results": "risk_score,risk_level"}).json()["records"]:
        check("customer.record", record)
    check("problem", client.get(RECORDS + "/999").json())
    check("problem", client.post(RECORDS, json={"x": 1}).json())
    if username == "li":
        body = {**NEW, "name": "Described"}
        check("customer.create", body)
        made = client.post(RECORDS, json=body)
        check("customer.record", made.json())
        patch = {"name": "Described again", "founded_on": None}
        check("customer.change", patch)
        assert client.patch(made.headers["location"], json=patch, headers={**PATCH, "if-match": "*"}).status_code == 200
        assert client.get("/api/objects/customer/schema?use=create").json()["required"] == schemas["customer.create"]["required"]


def test_the_help_page_shows_calls_fields_and_refusals(site: Site) -> None:
    page = site.client("li").get("/help/api?object=order")
    assert page.status_code == 200
    for text in ("/api/objects/order/records", "Idempotency-Key", "order_no", 'id="stale"', "OpenAPI 3.1", "curl -c jar"):
        assert text in page.text, text
