"""The inbox of alerts in a browser: several handled at once by the bar or by keys, and what is missing is asked for."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import SignIn

pytestmark = pytest.mark.browser


def rows(page: Page) -> Locator:
    return page.locator("#listing tbody tr")


def total(page: Page) -> int:
    return int(re.findall(r"\d+", page.locator(".ph .meta").inner_text())[0])


def test_several_are_closed_at_once_with_a_verdict(sign_in: SignIn) -> None:
    visitor = sign_in("wu")
    page = visitor.go("/alerts?flat=1")
    before = total(page)
    for i in (0, 1):
        rows(page).nth(i).locator("[data-pick]").check()
    expect(page.locator("#bulk [data-count]")).to_have_text("2")
    visitor.check()
    page.locator("#bulk").get_by_role("button", name="处理完毕").click()
    dialog = page.locator("#bulk-dialog")
    dialog.get_by_label("说明").fill("同一原因")
    dialog.get_by_role("button", name="处理完毕 2 条").click()
    expect(dialog.get_by_role("alert")).to_have_text("请选择结论")
    expect(dialog.get_by_label("说明")).to_have_value("同一原因")
    dialog.get_by_text("误报").click()
    dialog.get_by_role("button", name="处理完毕 2 条").click()
    expect(page.get_by_role("status").first).to_have_text("已对 2 条预警执行：处理完毕")
    assert total(page) == before - 2
    visitor.go("/alerts?state=closed")
    expect(rows(page).first).to_contain_text("误报")


def test_a_record_is_one_line_and_keys_handle_it(sign_in: SignIn) -> None:
    visitor = sign_in("wu")
    page = visitor.go("/alerts?mine=")
    group = rows(page).filter(has=page.locator("a.sub0")).first
    numbers = str(group.locator("[data-pick]").get_attribute("value")).split(",")
    assert len(numbers) > 1
    group.locator("a[data-row]").focus()
    page.keyboard.press("w")
    expect(page.get_by_role("status").first).to_have_text(re.compile(rf"已对 {len(numbers)} 条预警执行：开始处理"))
    visitor.go(f"/alerts/{numbers[0]}")
    expect(page.locator(".about")).to_contain_text("处理中")
    expect(page.locator(".tl")).to_contain_text("开始处理")
    page = visitor.go("/alerts")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("#bulk [data-count]")).to_have_text("1")
    page.keyboard.press("s")
    dialog = page.locator("#bulk-dialog")
    expect(dialog.get_by_label("原因")).to_be_visible()
    visitor.check()
    dialog.get_by_label("原因").fill("等客户回函")
    dialog.get_by_role("button", name=re.compile("推迟")).click()
    expect(page.get_by_role("status").first).to_contain_text("推迟")


def test_on_a_phone_lines_are_chosen_and_taken_up(sign_in: SignIn) -> None:
    visitor = sign_in("wu", locale="en", width=390, theme="dark")
    page = visitor.go("/alerts?flat=1")
    page.get_by_role("button", name="Choose").click()
    rows(page).first.locator("[data-pick]").check()
    visitor.check()
    page.locator("#bulk").get_by_role("button", name="Start work").click()
    expect(page.get_by_role("status").first).to_have_text("Start work: 1 alert")
