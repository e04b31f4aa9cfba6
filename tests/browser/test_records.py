"""Lists, forms, record pages and the shell in a browser: in both languages, on the desk and on the phone, light and dark."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, SignIn

pytestmark = pytest.mark.browser


def test_the_form_follows_its_rules_and_keeps_what_is_typed(sign_in: SignIn) -> None:
    visitor = sign_in("li", locale="en")
    page = visitor.go("/o/customer/new")
    expect(page.locator("#f-unified_credit_code")).to_be_visible()
    page.fill("#f-name", "Pine Needle")
    page.select_option("#f-country", "de")
    expect(page.locator("#f-registration_no")).to_be_visible()
    expect(page.locator("#f-unified_credit_code")).to_have_count(0)
    expect(page.locator("#f-name")).to_have_value("Pine Needle")
    page.fill("#f-contract_until", "2099-01-01")
    expect(page.locator("#f-contract_valid")).to_contain_text("Yes")
    page.fill("#f-registered_capital", "12x")
    page.keyboard.press("Tab")
    expect(page.locator("#w-registered_capital .err")).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "f-paid_in_capital"
    visitor.check()
    page.fill("#f-registered_capital", "100")
    page.fill("#f-paid_in_capital", "200")
    page.keyboard.press("Tab")
    expect(page.locator("#w-paid_in_capital .err")).to_contain_text("Paid-in capital cannot exceed registered capital")
    page.fill("#f-registered_capital", "300")  # the other side of the rule mends it
    page.keyboard.press("Tab")
    expect(page.locator("#w-paid_in_capital .err")).to_have_count(0)
    expect(page.locator("#f-paid_in_capital")).to_have_value("200")


def test_a_reference_is_picked_by_keyboard(sign_in: SignIn) -> None:
    visitor = sign_in("admin", locale="en")
    page = visitor.go("/o/complaint/new")
    page.click("#f-customer")
    page.keyboard.type("雾桥")
    expect(page.locator("#f-customer-l li:not(.new0)")).to_have_count(1)
    visitor.check()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#r-customer")).to_have_value(re.compile(r"\d+"))
    expect(page.locator("#f-customer-l")).to_be_hidden()


def test_a_name_that_was_typed_but_not_chosen_is_refused_not_lost(sign_in: SignIn) -> None:
    visitor = sign_in("admin", locale="en")
    page = visitor.go("/o/contact/new")
    page.fill("#f-customer", "nobody at all")
    page.keyboard.press("Tab")
    page.locator("form[data-main] .btn-primary").click()
    expect(page.locator("#w-customer .err")).to_be_visible()
    expect(page.locator("#f-customer")).to_have_value("nobody at all")
    visitor.check()


def test_errors_lead_to_their_fields(sign_in: SignIn) -> None:
    visitor = sign_in("li", locale="en")
    page = visitor.go("/o/customer/new")
    page.fill("#f-unified_credit_code", "123")
    page.keyboard.press("Control+s")
    expect(page.locator(".sum")).to_be_visible()
    page.locator(".sum a", has_text="Unified credit code").click()
    assert page.evaluate("document.activeElement.id") == "f-unified_credit_code"
    visitor.check()


def test_somebody_else_saved_meanwhile(sign_in: SignIn) -> None:
    visitor = sign_in("admin", locale="en")
    page = visitor.go("/o/customer/2/edit")
    version = page.input_value("[name=_version]")
    page.request.post(visitor.site + "/o/customer/2/edit", form={"_version": version, "note": "theirs"}, headers={"origin": visitor.site})
    page.fill("#f-note", "mine")
    page.locator("form[data-main] .btn-primary").click()
    expect(page.locator(".theirs")).to_contain_text("theirs")
    expect(page.locator("#f-note")).to_have_value("mine")
    visitor.wrong = [w for w in visitor.wrong if "409" not in w]
    visitor.check()
    page.locator("form[data-main] .btn-primary").click()
    page.wait_for_url(re.compile(r"/o/customer/2$"))


def test_a_list_is_narrowed_and_its_address_says_how(sign_in: SignIn) -> None:
    visitor = sign_in("wu", locale="en")
    page = visitor.go("/o/customer")
    page.locator(".chip.add").click()
    page.select_option("#bf", "region")
    page.locator(".build .ticks label").first.click()
    visitor.check()
    page.locator(".build .btn-primary").click()
    page.wait_for_url(re.compile("region__in="))
    expect(page.locator(".chip b")).to_be_visible()
    page.locator("#q").press_sequentially("精工")
    page.wait_for_url(re.compile("q="))
    assert page.evaluate("document.activeElement.id") == "q"
    assert "region__in=" in page.url
    page.locator(".chip .x").click()
    page.wait_for_url(lambda url: "region__in" not in url)


def test_keys(sign_in: SignIn) -> None:
    visitor = sign_in("wu", locale="en")
    page = visitor.go("/")
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.wait_for_url(re.compile("/o/customer$"))
    visitor.settle()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/o/customer/\d+$"))
    visitor.settle()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    visitor.check()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("雾桥")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/search"))
    expect(page.locator("main a.nm").first).to_contain_text("雾桥")


def test_theme_and_language_are_switched_in_place(sign_in: SignIn) -> None:
    visitor = sign_in("wu", locale="en")
    page = visitor.go("/o/customer?q=1")
    page.locator("[data-theme-switch]:visible").click()
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    visitor.check()
    page.get_by_role("button", name=re.compile("切换到中文")).click()
    expect(page.locator("h1")).to_have_text("客户")
    assert page.url.endswith("/o/customer?q=1")
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"


def test_everything_is_within_reach_on_a_phone(sign_in: SignIn) -> None:
    visitor = sign_in("li", locale="en", width=390)
    page = visitor.go("/o/customer")
    page.locator(".list a.nm").first.click()
    page.wait_for_url(re.compile(r"/o/customer/\d+$"))
    expect(page.locator(".dock.rec a").first).to_be_visible()
    page.locator("[data-more]").click()
    expect(page.locator(".side a", has_text="Orders")).to_be_visible()
    visitor.check()


def test_the_session_ends_and_one_comes_back_to_the_place(sign_in: SignIn) -> None:
    visitor = sign_in("li", locale="en")
    page = visitor.go("/o/customer/1")
    page.context.clear_cookies(name="weatherglass_session")
    visitor.go("/o/customer/1/edit")
    expect(page.locator("#password")).to_be_visible()
    page.fill("#username", "li")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/o/customer/1/edit"))
