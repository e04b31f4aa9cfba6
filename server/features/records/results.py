"""The results of an assessed object (classes, scores, indicators) as columns that lists can show, filter and sort by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.expressions.types import Name
from server.features.objects import results as stored
from server.features.objects.kind import ObjectType


@dataclass(frozen=True)
class StoredResults:
    table: sa.Table
    columns: Mapping[str, sa.ColumnElement[Any]]
    names: Mapping[str, Name]


def stored_results(catalog: Catalog, object_type: ObjectType) -> StoredResults | None:
    """None for an object that is not assessed."""
    if not object_type.assessed:
        return None
    memo = ("records.results", object_type.key)
    if memo not in catalog.memo:
        table, outputs = stored.table(catalog, object_type.key), stored.outputs(catalog, object_type.key)
        catalog.memo[memo] = StoredResults(table, {name: table.c[name] for name in outputs}, {name: o.as_name for name, o in outputs.items()})
    found: StoredResults = catalog.memo[memo]
    return found
