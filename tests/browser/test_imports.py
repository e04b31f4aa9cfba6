"""A file with mistakes is imported, mended and imported again; the pages on the desk and on the phone."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SignIn, Visitor

pytestmark = pytest.mark.browser
FILE = "客户编号,名称,国家,区域,行业,客户经理,成立日期\nBR-1,北辰机电,中国,华东,机械,li,2001/2/3\nBR-2,南星化工,中国,火星,机械,li,2002/12/31\n"


def upload(visitor: Visitor, name: str, content: bytes) -> None:
    visitor.go("/imports?object=customer")
    visitor.page.set_input_files("#file", {"name": name, "mimeType": "text/csv", "buffer": content})
    visitor.page.locator("form.send0 button").click()
    visitor.page.wait_for_url("**/imports/*")


def test_a_file_with_mistakes_is_imported_mended_and_imported_again(sign_in: SignIn, tmp_path: Path) -> None:
    visitor = sign_in("admin", locale="en")
    page = visitor.go("/o/customer")
    page.get_by_role("link", name="Import").click()
    visitor.settle()
    visitor.check()
    upload(visitor, "new.csv", FILE.encode("gb18030"))
    expect(page.locator("[name=format-6]")).to_have_value("%Y/%m/%d")
    page.select_option("[name=field-6]", "")
    expect(page.locator("[name=format-6]")).to_have_count(0)
    page.select_option("[name=field-6]", "founded_on")
    page.select_option("[name=format-6]", "%Y/%m/%d")
    visitor.check()
    page.locator("form[data-main] .btn-primary").click()
    state = page.locator("#import")
    expect(state).to_have_attribute("data-state", "tried", timeout=30_000)
    expect(state).to_contain_text("Is not one of the options")
    visitor.check()
    page.get_by_role("button", name="Import 1 row").click()
    expect(state).to_have_attribute("data-state", "done", timeout=30_000)
    expect(state).to_contain_text("1 refused")
    visitor.check()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download the rows to mend").click()
    mended = tmp_path / "mended.csv"
    waiting.value.save_as(mended)
    text = mended.read_text(encoding="utf-8-sig")
    assert text.splitlines()[1].startswith("BR-2,南星化工,中国,火星")
    upload(visitor, "mended.csv", text.replace("火星", "华东").encode())
    page.locator("form[data-main] .btn-primary").click()
    expect(state).to_have_attribute("data-state", "tried", timeout=30_000)
    page.get_by_role("button", name="Import 1 row").click()
    expect(state).to_have_attribute("data-state", "done", timeout=30_000)
    visitor.go("/o/customer?q=BR-")
    expect(page.locator("[data-rows] tbody tr")).to_have_count(2)


def test_the_pages_of_an_import_on_the_phone(sign_in: SignIn) -> None:
    visitor = sign_in("admin", width=390)
    page = visitor.go("/imports?object=customer")
    visitor.check()
    upload(visitor, "手机.csv", FILE.replace("BR-", "PH-").encode())
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    visitor.check()
    page.locator("form[data-main] .btn-primary").click()
    expect(page.locator("#import")).to_have_attribute("data-state", "tried", timeout=30_000)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    visitor.check()
    visitor.go("/settings/jobs")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    visitor.check()
