"""An outside JSON Schema is read from a file in the studio; what cannot be kept is told, what can becomes a draft object."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SignIn

pytestmark = pytest.mark.browser


def test_a_schema_is_imported_from_a_file(sign_in: SignIn) -> None:
    schema = {
        "title": "Site visit",
        "type": "object",
        "properties": {"who": {"type": "string", "pattern": "^(?=.)"}, "stops": {"type": "array", "items": {"type": "string"}}},
        "required": ["who"],
    }
    visitor = sign_in("admin", locale="zh_CN", width=390)
    page = visitor.go("/studio/import")
    page.set_input_files("#if", {"name": "Site-Visit.schema.json", "mimeType": "application/json", "buffer": json.dumps(schema).encode()})
    expect(page.locator("#is")).to_have_value(re.compile("Site visit"))
    expect(page.locator("#ik")).to_have_value("site_visit")
    visitor.check()
    page.locator(".main form .btn-primary").click()
    expect(page.locator(".sum")).to_contain_text("/properties/who/pattern")
    visitor.picture("schema-import", "refused", "phone")
    visitor.check()
    page.fill("#is", json.dumps(schema).replace("^(?=.)", "^[A-Z]"))
    page.locator(".main form .btn-primary").click()
    page.wait_for_url(re.compile("/studio/doc/object/site_visit$"))
    visitor.picture("schema-import", "document", "phone")
    visitor.check()
    page.request.post(visitor.site + "/studio/discard", headers={"origin": visitor.site})  # the draft is everybody's
