"""Rows inside a form, as people fill them in: order lines, by keyboard and mouse, on the desk and on the phone."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn

pytestmark = pytest.mark.browser


def cell(page: Page, row: int, field: str) -> str:
    """The id of an input of the n-th row that stays."""
    name = page.locator(".rw:not(.gone)").nth(row).get_attribute("id") or ""
    return f"#f-{name.removeprefix('rw-')}-{field}"


def items(page: Page) -> list[str]:
    return [row.locator("[name$='-item']").input_value() for row in page.locator(".rw:not(.gone)").all()]


def add(page: Page, item: str, quantity: str, price: str) -> None:
    before = page.locator(".rw:not(.gone)").count()
    page.locator("[data-add]").click()
    expect(page.locator(".rw:not(.gone)")).to_have_count(before + 1)
    expect(page.locator(cell(page, before, "item"))).to_be_focused()
    page.keyboard.type(item)
    page.fill(cell(page, before, "quantity"), quantity)
    page.fill(cell(page, before, "unit_price"), price)


def test_an_order_is_filled_in_with_its_lines(sign_in: SignIn) -> None:
    visitor = sign_in("admin", locale="en")
    page = visitor.go("/o/order/new?customer=1")
    page.fill("#f-order_no", "T-1")
    page.fill("#f-order_date", "2026-03-02")
    page.select_option("#f-product_line", "tools")
    visitor.picture("subform", "empty")
    add(page, "Wrench", "3", "12.50")
    add(page, "Drill", "2", "100")
    add(page, "Glove", "10", "0.99")
    page.keyboard.press("Tab")
    expect(page.locator("#t-order_line")).to_contain_text("247.40")
    expect(page.locator("#w-amount .calc")).to_contain_text("247.40")
    expect(page.locator(cell(page, 0, "product_line"))).to_have_value("tools")

    page.locator("[data-grip]").nth(2).focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert items(page) == ["Glove", "Wrench", "Drill"]
    grip, target = page.locator("[data-grip]").nth(0).bounding_box(), page.locator(".rw").nth(2).bounding_box()
    assert grip and target
    page.mouse.move(grip["x"] + 8, grip["y"] + 8)
    page.mouse.down()
    page.mouse.move(grip["x"] + 8, target["y"] + target["height"] - 2, steps=8)
    page.mouse.up()
    assert items(page) == ["Wrench", "Drill", "Glove"]

    page.locator("[data-remove]").nth(1).click()
    assert items(page) == ["Wrench", "Glove"]
    page.keyboard.press("Enter")  # the cursor is on "Undo"
    assert items(page) == ["Wrench", "Drill", "Glove"]
    page.locator("[data-remove]").nth(1).click()
    expect(page.locator("#t-order_line")).to_contain_text("47.40")
    page.fill(cell(page, 0, "quantity"), "0")
    page.fill(cell(page, 1, "item"), "")
    page.keyboard.press("Control+s")
    expect(page.locator(".sum li")).to_have_count(2)
    expect(page.locator(".sum")).to_contain_text("Order lines, row 1, Quantity")
    visitor.picture("subform", "errors")
    visitor.check()
    page.locator(".sum a", has_text="row 2, Item").click()
    expect(page.locator(cell(page, 1, "item"))).to_be_focused()
    page.keyboard.type("Glove")
    page.fill(cell(page, 0, "quantity"), "4")
    page.keyboard.press("Control+s")
    page.wait_for_url(re.compile(r"/o/order/\d+$"))
    table = page.locator("section", has=page.get_by_role("heading", name="Order lines"))
    expect(table.locator("tbody tr")).to_have_count(3)
    expect(table.locator("tr.tot")).to_contain_text("59.90")
    visitor.picture("subform", "record")
    visitor.check()


def test_lines_are_cards_on_a_phone(sign_in: SignIn) -> None:
    visitor = sign_in("admin", locale="zh_CN", width=390)
    page = visitor.go("/o/order_line?sort=-id")
    page = visitor.go(page.locator("a[data-row], .cards0 a").first.get_attribute("href") or "")
    order = page.locator("a[href^='/o/order/']").first.get_attribute("href") or ""
    page = visitor.go(order)
    visitor.picture("subform", "record", "phone")
    visitor.check()
    page = visitor.go(order + "/edit")
    first, second = items(page)[:2]
    page.locator("[data-move='1']").first.click()
    assert items(page)[:2] == [second, first]
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth + 1")
    visitor.picture("subform", "phone")
    visitor.check()
    page.keyboard.press("Control+s")
    page.wait_for_url(re.compile(r"/o/order/\d+$"))
    expect(page.locator(".stack tbody tr td.f").first).to_contain_text(second)
