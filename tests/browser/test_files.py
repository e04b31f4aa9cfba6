"""Files in a form, in a browser: chosen, dropped, taken out by keyboard, refused in words; on the desk and on a phone."""

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn

pytestmark = pytest.mark.browser

DROP = """async ([name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name, {type: "text/plain"}));
  const at = document.querySelector("#f-attachments-box");
  for (const kind of ["dragenter", "dragover", "drop"]) at.dispatchEvent(new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true}));
}"""


def picture() -> bytes:
    made = io.BytesIO()
    Image.linear_gradient("L").resize((640, 480)).convert("RGB").save(made, "JPEG")
    return made.getvalue()


def choose(page: Page, field: str, *files: tuple[str, bytes]) -> None:
    page.set_input_files(f"#f-{field}", [{"name": name, "mimeType": "application/octet-stream", "buffer": data} for name, data in files])


@pytest.mark.parametrize("look", [("en", 1280, "light"), ("zh_CN", 390, "dark")], ids=str)
def test_files_are_added_and_taken_out(sign_in: SignIn, look: tuple[str, int, str]) -> None:
    locale, width, theme = look
    visitor = sign_in("admin", locale=locale, width=width, theme=theme)
    page = visitor.go("/o/complaint/new?customer=1")
    page.fill("#f-received_at", "2026-01-05T10:00")
    page.select_option("#f-category", "quality")
    page.select_option("#f-severity", "minor")
    page.fill("#f-description", "Scratched on arrival")
    lines = page.locator("#f-attachments-box .fl")
    choose(page, "attachments", ("合同.pdf", b"%PDF-1.7 " + b"x" * 300_000), ("现场.jpg", picture()))
    expect(lines).to_have_count(2)
    expect(page.locator("#f-attachments-box .fl.up")).to_have_count(0)
    choose(page, "attachments", ("empty.txt", b""))
    expect(page.locator("#f-attachments-box .fl.bad")).to_contain_text("empty.txt")
    page.evaluate(DROP, ["dropped <b>.txt", "notes"])
    expect(page.locator("#f-attachments-box a", has_text="dropped _b_.txt")).to_be_visible()
    visitor.picture("files", "form", *look)
    remove = page.locator("#f-attachments-box .fl", has_text="dropped").locator("[data-file-remove]")
    remove.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#f-attachments-box a", has_text="dropped")).to_have_count(0)
    visitor.wrong[:] = [w for w in visitor.wrong if "422" not in w]
    visitor.check()
    page.locator("form[data-main] button.btn-primary").click()
    page.wait_for_url(re.compile(r"/o/complaint/\d+$"))
    record = page.url.removeprefix(visitor.site)
    visitor.go(record + "?tab=facts")
    expect(page.locator(".files0 a")).to_have_count(2)
    page.evaluate("Promise.all([...document.querySelectorAll('.files0 img')].map((i) => i.decode()))")  # fails where one cannot be shown
    visitor.picture("files", "facts", *look)
    visitor.check()
    visitor.go(record + "?tab=files")
    expect(page.locator(".recfiles li")).to_have_count(2)
    visitor.picture("files", "tab", *look)
    visitor.check()
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth + 1")
