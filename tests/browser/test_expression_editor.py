"""A condition is built by rows, read as words, edited as text, tried on a record and kept in the draft."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SignIn

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("locale", "width"), [("en", 1280), ("zh_CN", 390)])
def test_rows_words_text_and_a_record(sign_in: SignIn, locale: str, width: int) -> None:
    visitor = sign_in("admin", locale=locale, width=width)
    page = visitor.go("/studio/doc/alert/payment_slowing")
    page.click('[data-xp="/when"]')
    expect(page.locator("#xp .xp-line")).to_have_count(3)
    visitor.check()
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth + 1")

    # rows: a changed value is in the text and in the words
    page.locator("#xp .xp-line").nth(2).locator(".xp-value input").fill("7")
    expect(page.locator("#xp-say")).to_contain_text("7")
    expect(page.locator("#xp-input")).to_have_value("(avg_days_late_180d > 10 and avg_days_late_180d_change >= 10) or broken_promises_180d >= 7")
    # keyboard: one more row, its field and operator
    page.locator("#xp .xp-group > .xp-add").last.locator("button").first.focus()
    page.keyboard.press("Enter")
    line = page.locator("#xp .xp-line").last
    line.locator("select").first.select_option("lifecycle")
    line.locator("select").nth(1).select_option("one_of")
    line.locator(".xp-choices input").first.check()
    expect(page.locator("#xp-input")).to_have_value(
        '(avg_days_late_180d > 10 and avg_days_late_180d_change >= 10) or broken_promises_180d >= 7 or lifecycle in ["prospect"]'
    )

    # text: completion by a foreign name, a mistake with a way out, something that has no rows
    page.click("#xp-tab-text")
    page.fill("#xp-input", "broken_promises_180")
    expect(page.locator("#xp-problems")).to_contain_text("broken_promises_180d")
    expect(page.locator("#xp-apply")).to_be_disabled()
    page.fill("#xp-input", "ISBLA")
    page.locator("#xp-input").press("End")
    page.keyboard.type("NK")
    expect(page.locator("#xp-words li").first).to_contain_text("is_empty")
    page.keyboard.press("Tab")
    expect(page.locator("#xp-input")).to_have_value("is_empty(")
    page.fill("#xp-input", "order_amount_90d * 2 > order_amount_365d")
    expect(page.locator("#xp-apply")).to_be_enabled()
    page.click("#xp-tab-rows")
    expect(page.locator("#xp-rows u")).to_have_text("order_amount_90d * 2")
    visitor.check()

    # on a record, and kept
    page.click("#xp-tab-text")
    page.fill("#xp-input", "broken_promises_180d >= 9")
    expect(page.locator("#xp-apply")).to_be_enabled()
    page.fill("#xp-search", "C-00001")
    page.locator("#xp-found button").first.click()
    expect(page.locator("#xp-trial td").first).to_contain_text("broken_promises_180d")
    visitor.check()
    page.click("#xp-apply")
    expect(page.locator("#xp")).to_be_hidden()
    expect(page.locator('[name="/when"]')).to_have_value("broken_promises_180d >= 9")
    visitor.check()
