"""Random expressions over random rows give the same on every engine.

WEATHERGLASS_TEST_EXAMPLES sets how many expressions are tried (300).
"""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from server.expressions.check import check
from server.storage.session import Database
from tests.expressions.engines import SHANGHAI, UTC_NOON, Engines
from tests.expressions.generate import SCOPE, Maker, rows

EXAMPLES = int(os.environ.get("WEATHERGLASS_TEST_EXAMPLES", "300"))
KINDS = ("boolean", "number", "integer", "boolean", "text", "date", "number", "datetime", "list")


@pytest.fixture(scope="module")
def engines(databases: dict[str, Database]) -> Engines:
    return Engines(databases, SCOPE, rows(40, seed=20240315))


@st.composite
def expressions(draw: st.DrawFn) -> str:
    maker = Maker(lambda n: draw(st.integers(0, n - 1)))
    return maker.make(draw(st.sampled_from(KINDS)), draw(st.integers(1, 4)))


def same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and a == b


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="WEATHERGLASS_TEST_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
)
@given(source=expressions(), zone=st.booleans())
def test_every_engine_gives_the_same(engines: Engines, source: str, zone: bool) -> None:
    checked, problems = check(source, SCOPE)
    if checked is None:  # over a limit, or null alone
        assert all(p.code in ("too_long", "too_large", "too_deep", "exponent", "null") for p in problems), (source, problems)
        return
    at = SHANGHAI if zone else UTC_NOON
    found = engines.run(source, at)
    for name, values in found.items():
        for row, want, got in zip(engines.rows, found["python"], values, strict=True):
            assert same(want, got), f"{name}: {source}\n gives {got!r}, not {want!r}, for { ({n: row[n] for n in checked.names}) }"
    if checked.type.name == "boolean":
        chosen = engines.filtered(source, at)
        assert all(ids == chosen["python"] for ids in chosen.values()), source
