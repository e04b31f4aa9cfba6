"""The bell, its page, preferences and a channel, as people use them in a browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SignIn

pytestmark = pytest.mark.browser


def test_a_mention_rings_the_bell_of_a_page_that_is_open_and_leads_to_the_comment(sign_in: SignIn) -> None:
    wu, li = sign_in("wu", locale="en"), sign_in("li")
    page = wu.go("/notifications?kind=mention")
    expect(page.locator("#bell")).to_be_visible()
    before = page.locator("#bell .ct").inner_text()
    there = li.go("/o/customer/1?tab=timeline")
    there.locator("textarea[name=text]").first.fill("@wu 请看一下付款计划")
    there.locator("form:has(textarea[name=text]) button").first.click()
    expect(there.get_by_text("请看一下付款计划").first).to_be_visible()
    expect(page.locator("#bell .ct")).not_to_have_text(before, timeout=20_000)
    expect(page.locator(".told .new")).to_have_count(1)
    wu.check()
    page.locator(".told .new a").first.click()
    expect(page.get_by_text("请看一下付款计划").first).to_be_visible()
    wu.go("/notifications?kind=mention&unread=1")
    expect(page.locator(".teach h2")).to_have_text("Nothing fits")


def test_preferences_on_a_phone(sign_in: SignIn) -> None:
    li = sign_in("li", width=390, theme="dark")
    page = li.go("/notifications/preferences")
    page.fill("#np-email", "li at example")
    page.get_by_role("button", name="保存通知设置").click()
    expect(page.locator("#e-email")).to_contain_text("这不是邮箱地址")
    expect(page.locator("#np-email")).to_have_value("li at example")
    li.check()
    page.fill("#np-email", "li@example.com")
    page.fill("#np-from", "22:00")
    page.fill("#np-to", "07:00")
    page.get_by_role("button", name="保存通知设置").click()
    expect(page.locator("[role=status]")).to_contain_text("已保存")
    expect(page.locator("#np-from")).to_have_value("22:00")
    li.check()


def test_a_channel_is_added_tried_out_and_its_secret_shown_once(sign_in: SignIn) -> None:
    admin = sign_in("admin", locale="en")
    page = admin.go("/settings/channels")
    page.locator("details.add0 summary").click()
    page.locator(".add0 .menu a", has_text="Webhook").last.click()
    page.fill("#ti-new", "Our system")
    page.fill("#ur-new", "https://127.0.0.1:9/hook")
    page.get_by_role("button", name="Add this channel").click()
    expect(page.locator("#made")).to_have_value(re.compile("^whsec_"))
    admin.check()
    page.get_by_role("button", name="Send a test Our system").click()
    expect(page.locator("tr.ed [role=alert]")).to_contain_text("127.0.0.1 is an inner address")
    assert "whsec_" not in page.content()
    admin.check()
    page.get_by_role("link", name="Change Our system").click()
    expect(page.locator("#ur-e")).to_have_value("")
    page.evaluate("scrollTo(0, 0)")  # the link led down to the form; what the top bar covers then is too small to hit
    admin.check()
