"""What the meta-schema cannot say about a score: names, types, weights and bands."""

from collections.abc import Iterator

from server.config.catalog import Catalog
from server.errors import Problem, Text
from server.expressions.check import check as check_text
from server.expressions.types import BOOLEAN, INTEGER, NUMBER, TEXT, Scope, Type
from server.features.objects.findings import name_problems, object_problem, text_problems, unknown
from server.features.objects.results import scope
from server.features.scoring.engine import COMPARE
from server.features.scoring.kind import Band, Factor, Score

POLICIES = ("neutral", "worst", "skip", "block")


def check(score: Score, catalog: Catalog) -> Iterator[Problem]:
    if found := object_problem(catalog, score.object):
        yield found
        return
    yield from name_problems("score", score.key, catalog, score.object)
    names, groups, seen = scope(catalog, score.object), {g.key for g in score.groups}, set()
    if not score.factors:
        yield Problem("/factors", Text("至少要有一个因子", "At least one factor is needed"), code="required")
    for i, factor in enumerate(score.factors):
        if factor.key in seen:
            yield Problem(f"/factors/{i}/key", Text(f"因子 {factor.key} 重复", f"The factor {factor.key} is there twice"), code="duplicate")
        seen.add(factor.key)
        if factor.group and factor.group not in groups:
            yield unknown(f"/factors/{i}/group", Text("分组", "group"), factor.group, groups)
        yield from _factor(factor, names, f"/factors/{i}")


def _factor(factor: Factor, names: Scope, path: str) -> Iterator[Problem]:
    if factor.missing not in POLICIES:
        yield unknown(f"{path}/missing", Text("缺失策略", "missing policy"), factor.missing, POLICIES)
    if factor.weight <= 0:
        yield Problem(f"{path}/weight", Text("权重应大于 0", "The weight must be above 0"), code="minimum")
    yield from text_problems(factor.value, names, f"{path}/value")
    checked, _ = check_text(factor.value, names)
    known = names.names.get(factor.value.strip())
    kind = checked.type if checked else None
    for j, band in enumerate(factor.bands):
        yield from _band(band, kind, known.options if known else (), f"{path}/bands/{j}")
    if not factor.bands or factor.bands[-1].op:
        yield Problem(f"{path}/bands", Text("最后一档须不带条件(其余)", "The last band must have no condition (else)"), code="no_else")
    if any(not b.op for b in factor.bands[:-1]):
        yield Problem(f"{path}/bands", Text("“其余”档之后的档永远不会命中", "Bands after the else band are never reached"), code="unreachable")
    yield from _order(factor, path)


def _band(band: Band, kind: Type | None, options: tuple[str, ...], path: str) -> Iterator[Problem]:
    if not band.op:
        return
    if band.op not in COMPARE:
        yield unknown(f"{path}/op", Text("比较方式", "comparison"), band.op, COMPARE)
        return
    numeric = isinstance(band.value, int | float) and not isinstance(band.value, bool)
    fits = {NUMBER: numeric, INTEGER: numeric, BOOLEAN: isinstance(band.value, bool) and band.op == "==", TEXT: isinstance(band.value, str) and band.op == "=="}
    if kind is not None and not fits.get(kind, False):
        yield Problem(f"{path}/value", Text(f"与因子的类型 {kind} 不符", f"Does not fit the factor's type {kind}"), code="type")
    elif options and band.value not in options:
        yield unknown(f"{path}/value", Text("选项", "option"), str(band.value), options)


def _order(factor: Factor, path: str) -> Iterator[Problem]:
    """Bands of one direction must go on in it: `>= 2` after `>= 1` is never reached."""
    for j, (one, two) in enumerate(zip(factor.bands, factor.bands[1:], strict=False)):
        numbers = all(isinstance(b.value, int | float) for b in (one, two))
        if not numbers or not one.op or not two.op or one.op[0] != two.op[0]:
            continue
        if (one.op[0] == ">" and two.value > one.value) or (one.op[0] == "<" and two.value < one.value):
            yield Problem(
                f"{path}/bands/{j + 1}", Text("此档永远不会命中:前一档已包含", "This band is never reached: the one before takes all"), code="unreachable"
            )
