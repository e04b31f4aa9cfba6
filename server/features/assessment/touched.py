"""Which subjects a save touches: the record itself, the one it belongs to now and before, those it matches, those that look at it from afar.

From afar: through a reference (`team.risky`), a live computed field, a roll-up, or several of these one after the other.
"""

from collections.abc import Iterable, Iterator, Sequence

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.expressions.sql import moment
from server.feature import Saved, Work
from server.features.assessment.engine import in_population, steps
from server.features.indicators.engine import source_scope
from server.features.indicators.gathering import Names, Pass, passes, source_names, subject_names
from server.features.indicators.ways import way
from server.features.objects import engine as objects
from server.features.objects.kind import ObjectType
from server.features.objects.results import names_used
from server.features.objects.step import expression


def subjects(work: Work, object_type: ObjectType, saved: Saved) -> frozenset[int]:
    """Ids to assess again. Those outside the population are among them: assessing finds that out."""
    found: set[int] = set(saved.ids) if saved.object == object_type.key else set()
    found |= _looking(work, object_type.key, _read(work.catalog, object_type), saved)
    for gathering in _passes(work.catalog, object_type.key):
        if gathering.source == saved.object:
            found.update(_joined(work, gathering, saved) if gathering.join else _matched(work, object_type, gathering, saved))
        found.update(_linked(work, gathering, saved))
        behind = _looking(work, gathering.source, source_names(work.catalog, gathering), saved)
        if behind and gathering.match:
            found.update(_everybody(work, object_type))
        elif behind:
            found.update(_followed(work, way(work.catalog, gathering.source, gathering.join), behind))
    return frozenset(found)


def _passes(catalog: Catalog, object_key: str) -> tuple[Pass, ...]:
    found: tuple[Pass, ...] = catalog.once(("assessment.passes", object_key), lambda: passes(i for i in catalog.all("indicator") if i.object == object_key))
    return found


def _read(catalog: Catalog, object_type: ObjectType) -> frozenset[str]:
    """All that is read of a subject itself."""

    def made() -> frozenset[str]:
        of_steps = {name for step in steps(catalog, object_type.key).values() for name in step.reads}
        of_passes = {name for gathering in _passes(catalog, object_type.key) for name in subject_names(catalog, gathering)}
        return frozenset(of_steps | of_passes) | names_used(object_type.assessed_when)

    found: frozenset[str] = catalog.once(("assessment.read", object_type.key), made)
    return found


# -- Along the way to a subject ----------------------------------------------------------------------------------------------


def _joined(work: Work, gathering: Pass, saved: Saved) -> Iterator[int]:
    """The subjects the records belong to, and those they belonged to before."""
    return _reached(work, way(work.catalog, gathering.source, gathering.join), saved)


def _linked(work: Work, gathering: Pass, saved: Saved) -> Iterator[int]:
    """The subjects behind saved records that lie on the way from a source to its subjects."""
    chain = way(work.catalog, gathering.source, gathering.join) if gathering.join else ()
    for place, (object_key, _) in enumerate(chain):
        if place and object_key == saved.object:
            yield from _reached(work, chain[place:], saved)


def _reached(work: Work, chain: tuple[tuple[str, str], ...], saved: Saved) -> Iterator[int]:
    """Where the saved records lead to on the rest of the way, and where they led to before."""
    object_key, field = chain[0]
    return _followed(work, chain[1:], _before(saved, field) | _referenced(work, object_key, field, saved.ids))


def _followed(work: Work, chain: tuple[tuple[str, str], ...], ids: set[int]) -> Iterator[int]:
    for object_key, field in chain:
        ids = _referenced(work, object_key, field, ids)
    yield from ids


def _before(saved: Saved, field: str) -> set[int]:
    return {int(values[field]) for values in saved.before.values() if values.get(field) is not None}


def _matched(work: Work, object_type: ObjectType, gathering: Pass, saved: Saved) -> Iterator[int]:
    """New records touch the subjects they match. A changed one may have matched others before: then all."""
    if any(saved.before.values()):
        yield from _everybody(work, object_type)
        return
    subject, source = objects.tables(work.catalog)[object_type.key].alias("r"), objects.tables(work.catalog)[gathering.source].alias("s")
    names = Names(
        objects.value_columns(work.catalog, gathering.source, source, None), objects.value_columns(work.catalog, object_type.key, subject, None).__getitem__
    )
    match = expression(gathering.match, source_scope(work.catalog, gathering.gathered[0].indicator)).met_sql(names)
    members = in_population(work.catalog, object_type, subject)
    for ids in _some(saved.ids):
        yield from work.session.scalars(sa.select(subject.c.id).join(source, match).where(source.c.id.in_(ids), *members).distinct(), moment(work.at))


def _everybody(work: Work, object_type: ObjectType) -> Iterable[int]:
    subject = objects.tables(work.catalog)[object_type.key].alias("r")
    return work.session.scalars(sa.select(subject.c.id).where(*in_population(work.catalog, object_type, subject)), moment(work.at))


# -- From afar ---------------------------------------------------------------------------------------------------------------


def _looking(work: Work, object_key: str, names: frozenset[str], saved: Saved) -> set[int]:
    """Records of an object whose values of these names look at the saved records."""
    catalog = work.catalog
    memo = ("assessment.looking", object_key, names, saved.object)
    return _through(work, object_key, catalog.once(memo, lambda: frozenset(n for n in names if _sees(catalog, object_key, n, saved.object, ()))), saved)


def _through(work: Work, object_key: str, names: frozenset[str], saved: Saved) -> set[int]:
    object_type, found = work.catalog.get("object", object_key), set[int]()
    for name in names:
        head, _, rest = name.partition(".")
        field = object_type.fields[head]
        if rest:
            others = _looking(work, field.reference, frozenset({rest}), saved)
            found |= _referring(work, object_key, head, others | set(saved.ids) if field.reference == saved.object else others)
        elif field.rollup is not None:
            by, of = field.rollup.by, field.rollup.object
            counted = _looking(work, of, names_used(field.rollup.filter, field.rollup.field), saved)
            found |= _referenced(work, of, by, counted)
            if of == saved.object:
                found |= _before(saved, by) | _referenced(work, of, by, saved.ids)
        else:
            found |= _looking(work, object_key, names_used(field.computed), saved)
    return found


def _sees(catalog: Catalog, object_key: str, name: str, target: str, passed: tuple[tuple[str, str], ...]) -> bool:
    """Whether the value of a name can change by a save of another record, one of the target object."""
    object_type: ObjectType | None = catalog.get("object", object_key)
    head, _, rest = name.partition(".")
    field = object_type.fields.get(head) if object_type is not None else None
    if object_type is None or field is None or (object_key, name) in passed:
        return False
    on = (*passed, (object_key, name))
    if rest:
        return field.type == "reference" and (field.reference == target or _sees(catalog, field.reference, rest, target, on))
    if objects.is_stored(field, object_type):
        return False
    if field.rollup is not None:
        of = field.rollup.object
        return of == target or any(_sees(catalog, of, n, target, on) for n in names_used(field.rollup.filter, field.rollup.field))
    return any(_sees(catalog, object_key, n, target, on) for n in names_used(field.computed))


# -- Reading -----------------------------------------------------------------------------------------------------------------


def _referenced(work: Work, object_key: str, field: str, ids: Iterable[int]) -> set[int]:
    """What records refer to by a field."""
    table, found = objects.tables(work.catalog)[object_key], set[int]()
    for some in _some(sorted(ids)):
        found.update(work.session.scalars(sa.select(table.c[field]).where(table.c.id.in_(some), table.c[field].is_not(None)).distinct()))
    return found


def _referring(work: Work, object_key: str, field: str, ids: Iterable[int]) -> set[int]:
    """The records that refer to some by a field."""
    table, found = objects.tables(work.catalog)[object_key], set[int]()
    for some in _some(sorted(ids)):
        found.update(work.session.scalars(sa.select(table.c.id).where(table.c[field].in_(some))))
    return found


def _some(ids: Sequence[int], size: int = 500) -> Iterator[list[int]]:
    for i in range(0, len(ids), size):
        yield list(ids[i : i + size])
