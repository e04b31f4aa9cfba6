"""Sums, averages and counts over everything a list shows, as far as the actor may see: in one statement."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from server.errors import Invalid, Problem, Text
from server.feature import Work
from server.features.records.listing import Listing, joined, listing_of, matching
from server.features.records.liststate import TOTALS, ListState
from server.features.records.reading import object_of
from server.fields.decimal import Scaled
from server.fields.registry import FIELD_TYPES

NUMBERS = frozenset({"integer", "number"})
EXACT = frozenset({"decimal", "percent", "duration"})  # shown as values of their field


def totals(work: Work, object_key: str, state: ListState) -> Mapping[str, Any]:
    """Column -> its total; None where there is nothing to add up. A covered field is as unknown here as in a filter."""
    if not state.totals:
        return {}
    listing = listing_of(work, object_of(work, object_key))
    where = matching(listing, state.search, state.filter, [(c.name, c.op, c.value) for c in state.conditions], state.inside)
    parts = [part for place, (name, kind) in enumerate(state.totals) for part in _parts(listing, name, kind, place)]
    statement = sa.select(*parts).select_from(joined(listing)).where(*where)
    try:
        with work.session.begin_nested():  # doubles that add up to more than a double are an error on PostgreSQL
            row: Mapping[Any, Any] = work.session.execute(statement).mappings().one()
    except sa.exc.DataError:
        return {name: None for name, _ in state.totals}
    return {name: _value(listing, name, kind, row[f"v{place}"], row[f"n{place}"]) for place, (name, kind) in enumerate(state.totals)}


def _parts(listing: Listing, name: str, kind: str, place: int) -> Sequence[sa.ColumnElement[Any]]:
    """The number that is wanted, and how many values it is made of. Amounts are added as their whole numbers, as doubles: nothing overflows."""
    what = listing.known(name)
    if kind not in TOTALS or (what.type.name not in NUMBERS and kind != "count"):
        raise Invalid([Problem(name, Text("这一列不能这样汇总", "This column cannot be totalled this way"), code="bad_total")])
    column = listing.column(name)
    scaled = _decimals(listing, name) is not None
    number: sa.ColumnElement[Any] = sa.cast(sa.type_coerce(column, sa.BigInteger()) if scaled else listing.columns[name], sa.Double())
    counted = sa.func.count(column).label(f"n{place}")
    if kind == "count":
        return (sa.null().label(f"v{place}"), counted)
    made = sa.func.sum(number) if kind in {"sum", "avg"} else getattr(sa.func, kind)(number)
    return (made.label(f"v{place}"), counted)


def _decimals(listing: Listing, name: str) -> int | None:
    """Of a stored amount, whose column holds a scaled whole number."""
    kind = listing.source.c[name].type if listing.field(name) is not None and name in listing.source.c else None
    return kind.decimals if isinstance(kind, Scaled) else None


def _value(listing: Listing, name: str, kind: str, value: float | None, count: int) -> Any:
    if kind == "count":
        return count
    if value is None or not count:
        return None
    number = value / count if kind == "avg" else value
    decimals, field = _decimals(listing, name), listing.field(name)
    if decimals is None:
        if field is not None and field.type in EXACT:
            return FIELD_TYPES[field.type].from_expression(field, number)
        whole = (field is not None and field.type == "integer") and kind != "avg"
        return round(number) if whole and abs(number) < 2**63 else number
    return FIELD_TYPES[field.type].from_expression(field, Decimal(repr(number)).scaleb(-decimals)) if field else None
