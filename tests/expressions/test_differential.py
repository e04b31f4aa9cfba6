"""Random expressions over random rows give the same on every engine: 500 expressions on 40 rows each; `make fuzz` runs a million pairs."""

import random

import pytest

from server.expressions.check import check
from server.expressions.registry import FUNCTIONS
from server.storage.session import Database
from tests.expressions.engines import Engines
from tests.expressions.fuzz import LIMITS, Run, texts
from tests.expressions.generate import CALLS, KINDS, SCOPE, Maker, rows

SEED = 20240315


@pytest.fixture(scope="module")
def engines(databases: dict[str, Database]) -> Engines:
    return Engines(databases, SCOPE, rows(40, SEED))


def test_every_engine_gives_the_same(engines: Engines) -> None:
    totals = Run(engines).all(texts(SEED), SEED, 500)
    assert not totals.findings, "\n".join(totals.findings)
    assert totals.pairs >= 20_000


def test_every_form_is_generated_and_agrees(engines: Engines) -> None:
    """Each form of each function with plain arguments, several times; the text really takes that form."""
    maker = Maker(random.Random(SEED).randrange)
    made, missing = [], []
    forms = {id(form): (name, form, kind) for kind in (*KINDS, "list") for name, form in CALLS[kind]}
    assert len(forms) == sum(len(f.forms) for f in FUNCTIONS.values())
    for name, form, kind in forms.values():
        sources = [maker.call(name, form, kind, depth) for depth in (1, 1, 1, 1, 2, 2) for _ in range(4)]
        taken = []
        for source in sources:
            checked, problems = check(source, SCOPE)
            assert checked is not None or all(p.code in LIMITS for p in problems), (source, problems)
            if checked is not None and form in checked.facts[checked.tree].forms:
                taken.append(source)
        made += taken[:4]
        if not taken:
            missing.append((name, [p.type for p in form.params]))
    assert not missing
    totals = Run(engines).all(iter(made), SEED, len(made))
    assert not totals.findings, "\n".join(totals.findings)
