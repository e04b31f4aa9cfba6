"""Working in lists: editing rows, many at once, views, boards; on the desk and on the phone."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SignIn

pytestmark = pytest.mark.browser
SLOW = 20_000  # a save assesses the customer; the first one compiles how
WIDTHS = pytest.mark.parametrize("width", [1280, 390])


@WIDTHS
def test_a_row_is_edited_in_place_by_keyboard(sign_in: SignIn, width: int) -> None:
    visitor = sign_in("admin", locale="en", width=width, theme="dark" if width < 500 else "light")
    page = visitor.go("/o/customer?sort=name&cols=region,founded_on,note")
    row = page.locator("tbody tr").first
    name = row.get_attribute("id")
    if width > 500:
        page.keyboard.press("j")
        page.keyboard.press("e")
    else:
        page.locator("[data-picking]").click()
        row.locator("[data-row-edit]").click()
    page.fill("#e-f-note", "seen in the list")
    page.fill("#e-f-name", "")
    page.keyboard.press("Control+s")
    expect(page.locator(f"#{name} .err")).to_be_visible(timeout=SLOW)
    expect(page.locator("#e-f-name")).to_be_focused()
    visitor.check()
    page.fill("#e-f-name", "Aardvark")
    page.keyboard.press("Enter")
    expect(page.locator(f"#{name} .nm")).to_have_text("Aardvark", timeout=SLOW)
    expect(page.locator("tr.edit")).to_have_count(0)
    assert "sort=name&cols=" in page.url
    if width > 500:
        expect(page.locator(f"#{name}")).to_contain_text("seen in the list")
        page.locator(f"#{name}").locator("[data-row-edit]").click()
        expect(page.locator("#e-f-name")).to_be_focused(timeout=SLOW)
        page.keyboard.press("Control+Enter")  # saves and goes on with the next
        expect(page.locator("tr.edit")).not_to_have_id(name or "", timeout=SLOW)
        page.keyboard.press("Escape")
        expect(page.locator("tr.edit")).to_have_count(0)
    visitor.check()


@WIDTHS
def test_many_are_changed_and_it_is_undone(sign_in: SignIn, width: int) -> None:
    visitor = sign_in("admin", width=width)
    page = visitor.go("/o/customer?sort=-name&cols=note")
    if width < 500:
        page.locator("[data-picking]").click()
    for place in (2, 3):
        page.locator("[data-pick]").nth(place).check()
    visitor.check()
    page.locator(".bulk [value=edit]").click()
    page.select_option("#bulk-field", "note")
    page.fill("#b-f-note", f"批量备注{width}")
    visitor.check()
    page.locator("#bulk-dialog .btn-primary").click()
    expect(page.locator(".say0")).to_contain_text("将修改 2 条中的 2 条", timeout=SLOW)
    visitor.check()
    page.locator("#bulk-dialog .btn-primary").click()
    expect(page.locator(".done0")).to_contain_text("已修改 2 条", timeout=SLOW)
    if width > 500:
        expect(page.locator("tbody")).to_contain_text(f"批量备注{width}")
    page.locator("[data-undo]").click()
    expect(page.locator(".done0")).to_contain_text("已撤销 2 条", timeout=SLOW)
    expect(page.locator("tbody")).not_to_contain_text(f"批量备注{width}")
    visitor.check()


@WIDTHS
def test_a_view_is_saved_and_its_address_sent_to_a_colleague(sign_in: SignIn, width: int) -> None:
    visitor = sign_in("wu", locale="en", width=width)
    page = visitor.go("/o/customer?sort=-risk_score&cols=region,risk_score")
    page.locator(".chip.add", has_text="Filter").click()
    page.locator(".build .xp-open").click()
    page.locator("#xp-rows .btn.q").nth(1).click()  # a group of which one must hold
    page.locator("[data-at='0.0.0f']").select_option("region")
    page.locator("[data-at='0.0.0o']").select_option("equals")
    page.locator("[data-at='0.0.0v'], #xp-rows select.form-select").last.wait_for()
    page.locator("#xp-tab-text").click()
    page.fill("#xp-input", "region == 'east' or risk_score > 40")
    expect(page.locator("#xp-apply")).to_be_enabled()
    page.locator("#xp-apply").click()
    expect(page.locator(".chip.tree")).to_contain_text("Region is East China or Risk score is more than 40")
    visitor.check()
    page.locator("[data-dialog=save-view]").click()
    page.fill("#view-name", f"East {width}")
    page.locator("#save-view [name=shared]").check()
    visitor.check()
    page.locator("#save-view .btn-primary").click()
    page.wait_for_url(re.compile(r"\?view=\d+$"))
    expect(page.locator(".tabs [aria-current]")).to_contain_text(f"East {width}")
    visitor.check()
    address = page.url.removeprefix(visitor.site)
    page.locator(".chip.tree .x").click()
    expect(page.locator("[data-changed]")).to_be_visible()
    other = sign_in("admin", width=width)
    theirs = other.go(address)
    expect(theirs.locator(".chip.tree")).to_contain_text("或者")
    other.check()


@WIDTHS
def test_a_card_is_moved_by_hand_by_key_and_by_button(sign_in: SignIn, width: int) -> None:
    visitor = sign_in("admin", locale="en", width=width)
    page = visitor.go("/o/customer?shape=board&by=company_size")
    names = [lane.get_attribute("data-lane") for lane in page.locator("[data-lane]").all()]
    source = next(lane for lane in names if page.locator(f"[data-lane='{lane}'] [data-card]").count())
    target = next(lane for lane in names if lane != source)
    card = page.locator(f"[data-lane='{source}'] [data-card]").first
    where = "#" + (card.get_attribute("id") or "")
    visitor.check()
    if width > 500:
        card.drag_to(page.locator(f"[data-lane='{target}'] h2"))
    else:
        card.locator("[data-card-move]").click()
        visitor.check()
        page.locator(f"[data-move-to='{target}']").click()
    expect(page.locator(f"[data-lane='{target}'] {where}")).to_be_visible(timeout=SLOW)
    expect(page.locator(f"{where} .nm")).to_be_focused()
    there = names.index(target)
    page.keyboard.press("Shift+ArrowLeft" if there else "Shift+ArrowRight")
    expect(page.locator(f"[data-lane='{names[there - 1 if there else 1]}'] {where}")).to_be_visible(timeout=SLOW)
    visitor.check()
    page = visitor.go("/o/customer?shape=board&by=customer_class")
    expect(page.locator(".warn0")).to_contain_text("follow from rules")
    assert page.locator("[draggable=true]").count() == 0
    visitor.go("/o/customer?shape=calendar&by=first_trade_on")
    visitor.check()
