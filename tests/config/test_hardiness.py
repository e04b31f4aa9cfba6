"""Whatever stands in a document, the checks answer with problems; they never raise. One place of a right example is spoilt at a time."""

import copy
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.config.catalog import Catalog
from server.config.check import check
from server.config.document import Document
from server.registry import KINDS

WORLD = Path(__file__).parents[1] / "cases" / "kinds"
GOOD: dict[str, Any] = {kind: json.loads((WORLD / f"{kind}.good.json").read_text("utf-8")) for kind in KINDS}
JUNK: tuple[Any, ...] = (
    "", "customer", "name", "nobody", "amount", "region == \"x\"", "1 +", "parent.parent.name", "parent.nobody", "custmer.x", "today()", "order_count", "risk",
    "((((1", "'" * 300, "名称", "x.y.z", "None", "[1, 'a']", "amount / 0", "-" * 500 + "1", "(" * 200 + "1" + ")" * 200, "True",
    0, -1, 1, 3, 1.5, 10**18, True, False, [], {}, ["name"], [["name"]], {"en": "x"}, {"key": "x"}, None,
)  # fmt: skip
GONE = object()
TRIES = int(os.environ.get("HARDINESS_TRIES", "250"))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in inner:
        yield from places(child, (*path, key))


def spoilt(body: Any, path: tuple[Any, ...], junk: Any) -> Any:
    body = copy.deepcopy(body)
    parent = body
    for key in path[:-1]:
        parent = parent[key]
    if junk is GONE:
        del parent[path[-1]]
    else:
        parent[path[-1]] = junk
    return body


def tries() -> list[tuple[str, tuple[Any, ...], Any]]:
    every = [(kind, path, junk) for kind, body in GOOD.items() for path in places(body) if path not in {("kind",), ("key",)} for junk in (*JUNK, GONE)]
    return random.Random(7).sample(every, min(TRIES, len(every)))


def test_the_checks_never_raise() -> None:
    previous = catalog({})
    for kind, path, junk in tries():
        try:
            check(catalog({kind: spoilt(GOOD[kind], path, junk)}), KINDS, previous)
        except Exception as error:  # noqa: BLE001 - told with the place that made it
            pytest.fail(f"{kind} {path} = {'nothing' if junk is GONE else repr(junk)}: {error!r}")


def test_every_document_may_be_missing() -> None:
    for kind in KINDS:
        bodies = [b for k, b in GOOD.items() if k != kind]
        assert isinstance(check(Catalog(1, {(b["kind"], b["key"]): Document(b["kind"], b["key"], b) for b in bodies}, KINDS), KINDS), list)


def catalog(changed: dict[str, Any]) -> Catalog:
    bodies = [changed.get(kind, body) for kind, body in GOOD.items()]
    return Catalog(1, {(k, b["key"]): Document(k, b["key"], b) for k, b in zip(GOOD, bodies, strict=True)}, KINDS)
