"""Whatever stands in an address or in the hidden parts of a form, the answer is a page or a refusal, never a failure of ours."""

import inspect
import re
from typing import Annotated, get_args, get_origin

import pytest
from fastapi.routing import APIRoute

from admin_ui.registry import PAGES
from tests.admin_ui.conftest import Site

ROUTES = [route for area in PAGES for route in area.router.routes if isinstance(route, APIRoute)]
WORDS = ("1" * 30, "9223372036854775807", "2147483648", "-1", "²", "%00", "a'b\"<", "1" * 5000)


def test_numbers_in_addresses_are_bounded() -> None:
    """What a route takes as a whole number says how large it may be: beyond that the databases disagree about what happens."""
    loose = [
        f"{route.path} {name}"
        for route in ROUTES
        for name, parameter in inspect.signature(route.endpoint).parameters.items()
        if parameter.annotation is int or int in get_args(parameter.annotation) and get_origin(parameter.annotation) is not Annotated
    ]
    assert loose == []


KNOWN = {"object_key": "customer", "kind": "alert", "key": "payment_slowing"}


def _paths(path: str, word: str) -> set[str]:
    """The word everywhere, and only where a number stands."""
    numbered = re.sub(r"\{(\w+)[^}]*\}", lambda found: KNOWN.get(found[1], word), path)
    return {re.sub(r"\{[^}]+\}", word, path), numbered}


@pytest.mark.parametrize("word", ("1" * 30, "²", "1" * 5000), ids=("beyond 64 bits", "no digit", "long"))
def test_addresses(site: Site, word: str) -> None:
    client = site.client("ada")
    failures = []
    for route in ROUTES:
        for path in _paths(route.path, word):
            for method in route.methods or ():
                if method == "POST" and path in ("/logout", "/studio/draft/publish", "/studio/draft/discard"):
                    continue
                answer = client.request(method, path, **({"data": {"x": word}} if method == "POST" else {}))
                if answer.status_code >= 500:
                    failures.append(f"{method} {route.path} {answer.status_code}")
    assert failures == []


@pytest.mark.parametrize("word", WORDS[:-1], ids=lambda w: w[:20])
def test_questions(site: Site, word: str) -> None:
    client = site.client("ada")
    failures = []
    for route in ROUTES:
        if "GET" not in (route.methods or ()) or "{" in route.path:
            continue
        names = [n for n in inspect.signature(route.endpoint).parameters if n != "request"]
        for name in [*names, "cursor", "sort", "q"]:
            answer = client.get(route.path, params={name: word})
            if answer.status_code >= 500:
                failures.append(f"{route.path}?{name} {answer.status_code}")
    for name in ("cursor", "sort", "q", "columns", "owner", "region", "contract_until", "credit_limit", "risk_score", "id", "tab"):
        for path in ("/o/customer", "/o/customer/1", "/o/order"):
            if client.get(path, params={name: word}).status_code >= 500:
                failures.append(f"{path}?{name}")
    assert failures == []


@pytest.mark.parametrize(
    "word", (*WORDS, "abc", "add:/recipients", "remove:/recipients/99", "up:/x/y", "add:/", "remove:", "{", "[]", "null"), ids=lambda w: w[:20]
)
def test_hidden_parts_of_forms(site: Site, word: str) -> None:
    client = site.client("ada")
    document = "/studio/doc/alert/payment_slowing"
    posts = [
        (f"{document}/form", {"action": word}),
        (f"{document}/form", {"action": "add:/recipients", "/recipients#": word}),
        (f"{document}/check", {"/recipients#": word, "?": word, "/when~": word}),
        ("/studio/doc/matrix/risk_matrix/check", {"/cells#": word, "/cells/0#": word}),
        ("/o/customer/1/edit", {"_version": word, "name": "x"}),
        ("/o/customer/form/live", {"_record": word, "_shape": word, "_focus": word, "_left": word, "_wrong": word}),
        ("/o/customer/1/delete", {"_version": word}),
        ("/o/limit_request/1/take/approve", {"version": word}),
        ("/alerts/1/snooze", {"until": word, "reason": word}),
        ("/alerts/1/strategy", {"strategy": word}),
        ("/tasks/1/reassign", {"assignee": word, "to": word}),
        ("/locale", {"locale": word, "back": word}),
    ]
    failed = [path for path, data in posts if client.post(path, data=data).status_code >= 500]
    assert failed == []
