"""The reference of the expression language is made from the language: complete, worked out, findable by foreign names."""

import pytest

from admin_ui.pages.help import written
from server.expressions import reference
from server.expressions.registry import FUNCTIONS
from tests.admin_ui.conftest import Site


def test_every_function_is_there_in_both_languages(site: Site) -> None:
    for language in ("en", "zh-CN"):
        page = site.client("ada", **{"accept-language": language}).get("/help/expressions").text
        missing = [name for name in FUNCTIONS if f'id="fn-{name}"' not in page]
        assert missing == []
    assert {f.family for f in FUNCTIONS.values()} <= reference.FAMILIES.keys()


def test_results_are_worked_out() -> None:
    shown = {e.source: e.result for s in reference.sections() for e in s.examples}
    assert shown["0.1 + 0.2 == 0.3"] is True and shown["1 / 0"] is None and shown["round(2.5)"] == 3
    conjunction, negation = reference.truth_tables()
    assert conjunction.heads == ("a", "b", "a and b", "a or b", "a == b")
    assert (None, False, False, None, None) in conjunction.rows and (True, None, None, True, None) in conjunction.rows
    assert (None, None, True, False) in negation.rows


@pytest.mark.parametrize(("wanted", "found"), [("DATEDIF", "days_between"), ("四舍五入", "round"), ("isblank", "is_empty"), ("SUBSTITUTE", "replace")])
def test_functions_are_found_by_the_names_other_products_use(site: Site, wanted: str, found: str) -> None:
    page = site.client("ada").get("/help/expressions", params={"q": wanted}).text
    assert f'id="fn-{found}"' in page and page.count('class="fn"') < 20


def test_a_search_without_result_says_what_to_do(site: Site) -> None:
    page = site.client("ada").get("/help/expressions", params={"q": "<b>zzz" * 50})
    assert page.status_code == 200 and "No such function" in page.text and "<b>zzz" not in page.text


def test_it_is_for_people_who_are_signed_in(site: Site) -> None:
    assert site.client().get("/help/expressions").status_code == 303


@pytest.mark.parametrize(
    ("value", "shown"), [(2.0, "2"), (1e20, "1e+20"), ("a", '"a"'), (None, "None"), (True, "True"), (["a", "b"], '["a", "b"]'), (-0.333333333, "-0.333333333")]
)
def test_values_as_one_writes_them(value: object, shown: str) -> None:
    assert written(value) == shown
