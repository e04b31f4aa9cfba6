"""Every page in both languages, on the desk and on the phone, light and dark: axe has nothing to say, nothing scrolls sideways, nothing fails.

Two looks have each language, width and theme once; `make screenshots` takes all four.
"""

import pytest

from tests.browser.conftest import SCREENSHOTS, SignIn

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]  # two dozen pages each

PAGES = {
    "records": (
        "li", "/", "/search?q=C-0000", "/search", "/o/customer", "/o/customer?sort=-risk_score&risk_level=high", "/o/customer?q=zzz", "/o/contact",
        "/o/customer?filter=region=='east'&cols=region,limit_now&totals=limit_now:sum", "/o/customer?shape=board&by=lifecycle",
        "/o/customer?shape=calendar&by=next_review_on", "/o/customer/batches",
        "/o/customer/1", "/o/customer/1?tab=facts", "/o/customer/1?tab=order.customer", "/o/customer/1?tab=tasks", "/o/customer/1?tab=history",
        "/o/customer/1?tab=files",
        "/o/customer/1/print", "/o/order/1/print",
        "/o/complaint/1", "/o/customer/new", "/o/customer/new?form=customer_intake", "/o/customer/1/edit", "/o/complaint/new?customer=1",
        "/o/customer/export?q=C-0000",
        "/help/api?object=order", "/notifications", "/notifications?unread=1", "/notifications?kind=mention", "/notifications/preferences",
    ),
    "studio": (
        "admin", "/studio", "/studio?kind=indicator", "/studio/draft", "/studio/simulate", "/studio/releases", "/studio/releases/1", "/studio/new/alert",
        "/studio/import",
        "/help/expressions", "/help/expressions?q=round",
        "/studio/doc/object/guarantee", "/studio/doc/score/risk_score", "/studio/doc/score/risk_score?mode=json", "/studio/doc/matrix/risk_matrix",
        "/studio/doc/workflow/credit_limit", "/studio/doc/role/staff", "/studio/doc/form/customer_intake", "/studio/doc/alert/order_silence",
        "/studio/doc/calendar/working_time",
    ),
    "settings": (
        "admin", "/", "/o/order", "/o/limit_request/6", "/settings/people", "/settings/people?edit=li", "/settings/roles",
        "/settings/forms", "/settings/forms?form=complaint_public",
        "/settings/audit",
        "/settings/audit?verify=1", "/settings/health", "/settings/departments", "/settings/jobs", "/imports?object=customer",
        "/settings/channels", "/settings/channels?add=mail", "/settings/channels?add=dingtalk", "/settings/deliveries",
    ),
    "act": (
        "wu", "/", "/matrix", "/alerts", "/alerts?flat=1&severity=critical", "/alerts?state=closed", "/alerts/1",
        "/tasks", "/tasks?tab=approvals", "/tasks?tab=team", "/tasks?tab=done", "/tasks/1", "/reviews", "/reviews/1",
        "/reviews/2?item=@moves", "/reviews/2?item=@late", "/reports", "/o/customer/1/report", "/o/limit_request/6",
    ),
}  # fmt: skip
LOOKS = (("zh_CN", 1280, "light"), ("en", 390, "dark"), ("en", 1280, "dark"), ("zh_CN", 390, "light"))


@pytest.mark.parametrize("look", LOOKS if SCREENSHOTS else LOOKS[:2], ids=lambda look: "-".join(str(x) for x in look))
@pytest.mark.parametrize("area", PAGES)
def test_pages(sign_in: SignIn, area: str, look: tuple[str, int, str]) -> None:
    locale, width, theme = look
    username, *paths = PAGES[area]
    visitor = sign_in(username, locale=locale, width=width, theme=theme)
    objections = []
    for path in paths:
        visitor.go(path)
        visitor.picture(area, path, *look)
        objections += [f"{path}: {line}" for line in visitor.axe()]
        if visitor.scrolls_sideways():
            objections.append(f"{path}: scrolls sideways")
        objections += [f"{path}: {line}" for line in visitor.wrong]
        visitor.wrong.clear()
    assert objections == []
