"""What the meta-schema cannot say about a matrix and a risk type: the shape of the cells, that levels grow, names and types."""

from collections.abc import Iterator

from server.config.catalog import Catalog
from server.errors import Problem, Text
from server.features.classification.check import row_problems
from server.features.matrix.engine import types_of
from server.features.matrix.kind import Matrix, RiskType
from server.features.objects.findings import name_problems, object_problem, unknown
from server.features.objects.results import scope


def check_matrix(matrix: Matrix, catalog: Catalog) -> Iterator[Problem]:
    levels = {level.key: level.rank for level in matrix.levels}
    for member, items in (("likelihood", matrix.likelihood), ("impact", matrix.impact), ("levels", matrix.levels)):
        keys = [x.key for x in items]
        for i, key in enumerate(keys):
            if key in keys[:i]:
                yield Problem(f"/{member}/{i}/key", Text(f"{key} 重复", f"{key} is there twice"), code="duplicate")
    if len(matrix.cells) != len(matrix.likelihood) or any(len(row) != len(matrix.impact) for row in matrix.cells):
        rows, columns = len(matrix.likelihood), len(matrix.impact)
        yield Problem("/cells", Text(f"应为 {rows} 行 {columns} 列", f"Must have {rows} rows of {columns}"), code="shape")
        return
    for i, row in enumerate(matrix.cells):
        for j, level in enumerate(row):
            if level not in levels:
                yield unknown(f"/cells/{i}/{j}", Text("等级", "level"), level, levels)
                continue
            below = [matrix.cells[i - 1][j]] if i else []
            left = [row[j - 1]] if j else []
            if any(levels.get(other, 0) > levels[level] for other in below + left):
                yield Problem(
                    f"/cells/{i}/{j}",
                    Text("概率或影响更高,等级却更低", "More likely or graver, yet a lower level"),
                    severity="warning",
                    code="not_monotone",
                )
    for object_type in catalog.all("object"):
        if types_of(matrix, catalog, object_type.key):
            yield from name_problems("matrix", matrix.key, catalog, object_type.key)


def check_risk_type(risk_type: RiskType, catalog: Catalog) -> Iterator[Problem]:
    if found := object_problem(catalog, risk_type.object):
        yield found
        return
    matrix: Matrix | None = catalog.get("matrix", risk_type.matrix)
    if matrix is None:
        yield unknown("/matrix", Text("矩阵", "matrix"), risk_type.matrix, (m.key for m in catalog.all("matrix")))
        return
    yield from name_problems("risk_type", risk_type.key, catalog, risk_type.object)
    names = scope(catalog, risk_type.object)
    yield from row_problems(risk_type.likelihood, (x.key for x in matrix.likelihood), names, "/likelihood")
    yield from row_problems(risk_type.impact, (x.key for x in matrix.impact), names, "/impact")
