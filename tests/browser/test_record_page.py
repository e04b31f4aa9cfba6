"""The record page in a browser: what stays in view, comments with a mention, restoring, deleting and bringing back, merging; on the desk and on the phone."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import APIResponse, expect

from tests.browser.conftest import SignIn, Visitor

pytestmark = pytest.mark.browser
LOOKS = [("zh_CN", 1280, "light"), ("en", 390, "dark")]


def create(visitor: Visitor, name: str, **more: str) -> str:
    """A customer, by the form, though there may be one much like it; its address."""
    values = {
        "name": name,
        "country": "de",
        "region": "overseas",
        "industry": "machinery",
        "lifecycle": "active",
        "owner": "li",
        "strategic_importance": "normal",
    }
    form = {**values, "registration_no": "R" + name.split()[-1], **more}

    def post(similar: str) -> APIResponse:
        sent: dict[str, str | float | bool] = {**form, "_similar": similar}
        return visitor.page.request.post(visitor.site + "/o/customer/new", form=sent, headers={"origin": visitor.site}, max_redirects=0)

    answer = post("")
    if warned := re.search(r'name="_similar" value="([^"]*)"', answer.text()):
        answer = post(warned.group(1))
    assert answer.status == 303, answer.text()[:3000]
    return str(answer.headers["location"])


@pytest.mark.parametrize(("locale", "width", "theme"), LOOKS)
def test_a_colleague_is_mentioned_and_finds_it_on_the_desk(sign_in: SignIn, locale: str, width: int, theme: str) -> None:
    visitor = sign_in("li", locale=locale, width=width, theme=theme)
    word = f"w{width}"
    page = visitor.go("/o/customer/1?tab=timeline")
    page.click("#say")
    page.keyboard.type(f"{word} @wu")
    expect(page.locator("#say-l [data-username]")).to_have_count(1)
    visitor.check()
    page.keyboard.press("Escape")
    expect(page.locator("#say-l")).to_be_hidden()
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    expect(page.locator("#say-l [data-username]").nth(1)).to_be_visible()
    names = page.locator("#say-l [data-username]").evaluate_all("items => items.map(i => i.dataset.username)")
    for _ in range(names.index("wu")):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.input_value("#say").startswith(f"{word} @wu ")
    page.keyboard.type("<i>please look</i>")
    page.keyboard.press("Control+Enter")
    mine = page.locator(".cm0", has_text=word)
    expect(mine.locator(".at0")).to_have_text("@吴刚")
    expect(mine).to_contain_text("<i>please look</i>")
    expect(page.locator("#say")).to_have_value("")

    mine.locator("summary.ib").click()
    mine.locator("button").first.click()
    page.locator("[id^=e][name=text]").press("End")
    page.keyboard.type(" again")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".cm0", has_text=word)).to_contain_text("look</i> again")
    visitor.check()

    reader = sign_in("wu", locale=locale, width=width, theme=theme)
    desk = reader.go("/")
    expect(desk.locator("#mentions")).to_contain_text(word)
    reader.check()
    with desk.expect_response(lambda r: r.url.endswith("/seen")):
        desk.locator("#mentions a", has_text=word).click()
    expect(desk.locator(".cm0.new", has_text=word)).to_be_visible()
    reader.check()
    reader.go("/")
    expect(desk.locator("#mentions", has_text=word)).to_have_count(0)

    page.once("dialog", lambda d: d.accept())
    page.locator(".cm0", has_text=word).locator("summary.ib").click()
    page.locator(".cm0", has_text=word).locator("button.bad").click()
    expect(page.locator(".cm0", has_text=word)).to_have_count(0)
    visitor.check()


@pytest.mark.parametrize(("locale", "width", "theme"), LOOKS)
def test_restored_deleted_and_brought_back(sign_in: SignIn, locale: str, width: int, theme: str) -> None:
    visitor = sign_in("admin", locale=locale, width=width, theme=theme)
    page = visitor.page
    path = create(visitor, f"Heron {width}")
    for version, name in ((1, f"Heron Two {width}"), (2, f"Heron Three {width}")):
        page.request.post(visitor.site + path + "/edit", form={"_version": str(version), "name": name}, headers={"origin": visitor.site})
    visitor.go(path + "?tab=history")
    visitor.check()
    page.locator(".dif0 button[name=field]").first.click()
    expect(page.locator("h1")).to_have_text(f"Heron Two {width}")
    page.locator("a[href$='restore?to=1']").click()
    visitor.settle()
    visitor.check()
    page.locator("form[data-main] .btn-primary").click()
    expect(page.locator("h1")).to_have_text(f"Heron {width}")

    page.locator(".rechead details summary").click()
    page.locator(".menu a.bad").click()
    visitor.settle()
    visitor.check()
    page.locator(".btn-danger").click()
    expect(page.locator(".undo0")).to_contain_text(f"Heron {width}")
    visitor.check()
    page.locator(".undo0 button").click()
    expect(page.locator("h1")).to_have_text(f"Heron {width}")

    visitor.go(path + "/delete").locator(".btn-danger").click()
    visitor.settle()
    visitor.go("/o/customer/deleted")
    visitor.check()
    page.locator(".bin0 li", has_text=f"Heron {width}").locator("a.nm").click()
    visitor.settle()
    assert visitor.axe() == []
    page.locator(".narrow .btn-primary").click()
    expect(page.locator("h1")).to_have_text(f"Heron {width}")
    visitor.wrong = [w for w in visitor.wrong if "410" not in w]
    visitor.check()


@pytest.mark.parametrize(("locale", "width", "theme"), LOOKS)
def test_a_duplicate_is_found_and_merged(sign_in: SignIn, locale: str, width: int, theme: str) -> None:
    visitor = sign_in("admin", locale=locale, width=width, theme=theme)
    page = visitor.page
    kept, gone = create(visitor, f"Bittern{width} Works 1"), create(visitor, f"Bittern{width} Works 2", address="Pier 9")
    visitor.go(kept)
    page.locator(".rechead details summary").click()
    page.locator(".menu a[href$='/merge']").click()
    visitor.settle()
    visitor.check()
    page.locator(f".bin0 a.nm[href$='={gone.rpartition('/')[2]}']").click()
    visitor.settle()
    visitor.check()
    page.check("[name=registration_no][value=gone]")
    expect(page.locator("[name=address][value=gone]")).to_be_checked()
    page.locator("form[data-main] .btn-primary").click()
    expect(page.locator(".stream")).to_contain_text(f"Bittern{width} Works 2")
    visitor.check()
    visitor.go(gone)
    assert page.url.endswith(kept)


def test_the_header_stays_in_view_and_the_list_is_walked(sign_in: SignIn) -> None:
    for width in (1280, 390):
        visitor = sign_in("li", locale="en", width=width)
        page = visitor.go("/o/customer")
        rows = page.locator("a[data-row]:visible, .cards0 a:visible")
        second = rows.nth(1).get_attribute("href")
        rows.nth(0).click()
        page.wait_for_url(re.compile(r"/o/customer/\d+$"))
        visitor.settle()
        expect(page.locator("[data-place]")).to_contain_text("1 /")
        page.keyboard.press("]")
        page.wait_for_url(re.compile(f"{second}$"))
        visitor.settle()
        expect(page.locator("[data-place]")).to_contain_text("2 /")
        visitor.check()
        expect(page.locator("[data-stick] .in")).to_be_hidden()
        page.evaluate("scrollTo(0, 900)")
        expect(page.locator("[data-stick] .in")).to_be_visible()
        expect(page.locator("[data-stick] .in")).to_contain_text(page.locator("h1").inner_text())
        assert Axe().run(page, context=".stick").response["violations"] == []
        page.keyboard.press("[")
        page.wait_for_url(lambda url, second=second: not url.endswith(second))
