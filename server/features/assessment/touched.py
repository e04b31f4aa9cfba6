"""Which subjects a save touches: the record itself, the one it belongs to now and before, those it matches, those that look at it through a reference."""

from collections.abc import Iterable, Iterator

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.feature import Saved, Work
from server.features.assessment.engine import in_population, moment, steps
from server.features.indicators.engine import source_scope
from server.features.indicators.gathering import Names, Pass, passes, source_names
from server.features.objects import engine as objects
from server.features.objects.kind import ObjectType
from server.features.objects.results import names_used
from server.features.objects.step import expression


def subjects(work: Work, object_type: ObjectType, saved: Saved) -> frozenset[int]:
    """Ids to assess again. Those outside the population are among them: assessing finds that out."""
    found: set[int] = set(saved.ids) if saved.object == object_type.key else set()
    found.update(_looking(work, object_type, saved))
    found.update(_rolled_up(work, object_type, saved))
    for gathering in passes(i for i in work.catalog.all("indicator") if i.object == object_type.key):
        if gathering.source == saved.object:
            found.update(_joined(work, gathering, saved) if gathering.join else _matched(work, object_type, gathering, saved))
        for field in _references(work.catalog, gathering.source, source_names(work.catalog, gathering), saved.object):
            found.update(_behind(work, object_type, gathering, field, saved))
    return frozenset(found)


def _joined(work: Work, gathering: Pass, saved: Saved) -> Iterator[int]:
    """The subjects the records belong to, and those they belonged to before."""
    for values in saved.before.values():
        before = values.get(gathering.join)
        if before is not None:
            yield int(before)
    source = objects.tables(work.catalog)[gathering.source]
    column = source.c[gathering.join]
    for ids in _some(saved.ids):
        yield from work.session.scalars(sa.select(column).where(source.c.id.in_(ids), column.is_not(None)).distinct())


def _matched(work: Work, object_type: ObjectType, gathering: Pass, saved: Saved) -> Iterator[int]:
    """New records touch the subjects they match. A changed one may have matched others before: then all."""
    subject, source = objects.tables(work.catalog)[object_type.key].alias("r"), objects.tables(work.catalog)[gathering.source].alias("s")
    members = in_population(work.catalog, object_type, subject)
    if any(saved.before.values()):
        yield from work.session.scalars(sa.select(subject.c.id).where(*members), moment(work.at))
        return
    names = Names(
        objects.value_columns(work.catalog, gathering.source, source, None), objects.value_columns(work.catalog, object_type.key, subject, None).__getitem__
    )
    match = expression(gathering.match, source_scope(work.catalog, gathering.gathered[0].indicator)).met_sql(names)
    for ids in _some(saved.ids):
        yield from work.session.scalars(sa.select(subject.c.id).join(source, match).where(source.c.id.in_(ids), *members).distinct(), moment(work.at))


def _looking(work: Work, object_type: ObjectType, saved: Saved) -> Iterator[int]:
    """Subjects whose own expressions look at the saved records through a reference."""
    read = frozenset(name for step in steps(work.catalog, object_type.key).values() for name in step.reads)
    live = objects.live_fields(object_type)
    computed = frozenset(name for key in live for name in _dotted(object_type.fields[key].computed))
    table = objects.tables(work.catalog)[object_type.key]
    for field in _references(work.catalog, object_type.key, read | computed, saved.object):
        for ids in _some(saved.ids):
            yield from work.session.scalars(sa.select(table.c.id).where(table.c[field].in_(ids)))


def _rolled_up(work: Work, object_type: ObjectType, saved: Saved) -> Iterator[int]:
    """Subjects with a roll-up over the saved records: those they refer to, and those they referred to before."""
    ways = {f.rollup.by for f in object_type.fields.values() if f.rollup is not None and f.rollup.object == saved.object}
    for way in ways:
        source = objects.tables(work.catalog)[saved.object]
        yield from (int(values[way]) for values in saved.before.values() if values.get(way) is not None)
        for ids in _some(saved.ids):
            yield from work.session.scalars(sa.select(source.c[way]).where(source.c.id.in_(ids), source.c[way].is_not(None)).distinct())


def _behind(work: Work, object_type: ObjectType, gathering: Pass, field: str, saved: Saved) -> Iterator[int]:
    """Subjects of source records that look at the saved records through a reference."""
    source = objects.tables(work.catalog)[gathering.source]
    if gathering.match:
        subject = objects.tables(work.catalog)[object_type.key]
        yield from work.session.scalars(sa.select(subject.c.id).where(subject.c.deleted_at.is_(None)))
        return
    column = source.c[gathering.join]
    for ids in _some(saved.ids):
        yield from work.session.scalars(sa.select(column).where(source.c[field].in_(ids), column.is_not(None)).distinct())


def _references(catalog: Catalog, object_key: str, names: Iterable[str], target: str) -> list[str]:
    """Reference fields to `target` that dotted names go through."""
    fields = catalog.get("object", object_key).fields
    heads = {name.partition(".")[0] for name in names if "." in name}
    return sorted(h for h in heads if h in fields and fields[h].type == "reference" and fields[h].reference == target)


def _dotted(source: str) -> frozenset[str]:
    return frozenset(name for name in names_used(source) if "." in name)


def _some(ids: tuple[int, ...], size: int = 500) -> Iterator[list[int]]:
    for i in range(0, len(ids), size):
        yield list(ids[i : i + size])
