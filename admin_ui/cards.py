"""The card one sees over a row: the record in five lines, those that its list does not show already."""

from collections.abc import Sequence
from dataclasses import dataclass

from admin_ui import listing
from admin_ui.lists import List, found_of
from server.features.objects.results import names_used
from server.features.records import service as records
from server.features.records.reading import no_record

LINES = 5


@dataclass(frozen=True)
class Card:
    record: records.Record
    columns: tuple[listing.Column, ...]
    number: str  # the record's own number, under its name


def card_of(it: List, record_id: int) -> Card:
    """What weighs most in the leading score, then fields; without what stands in the row."""
    shown = listing.columns(it.work, it.object_type, it.lead, it.outputs, it.address)
    known = {c.name: c for c in listing.every_column(it.work, it.object_type, it.lead, it.outputs, ())}
    standing = {c.name for c in shown if not c.optional}
    order = [name for name in (*_weighing(it), *it.object_type.list_columns, *it.object_type.fields) if name in known and name not in standing]
    wanted = [known[name] for name in dict.fromkeys(order) if known[name].kind != "stamp" and not _is_long(known[name])]
    wanted = wanted[: LINES * 3]
    found = found_of(it, wanted, conditions=[("id", "eq", str(record_id))], search="", filter="", sort="id", cursor="", count=False)
    if not found.rows:
        raise no_record()
    record = found.rows[0]
    numbered = next((k for k, f in it.object_type.fields.items() if f.pattern and k != it.object_type.name_field), "")
    filled = [c for c in wanted if c.name != numbered and (record.results.get(c.name) is not None or record.display.get(c.name))]
    return Card(record, tuple(filled[:LINES]), record.display.get(numbered, ""))


def _weighing(it: List) -> Sequence[str]:
    """Indicators that the leading score reads, the heaviest factor first."""
    if it.lead.score is None:
        return ()
    factors = sorted(it.lead.score.factors, key=lambda f: -abs(f.weight))
    return [name for f in factors for name in sorted(names_used(f.value)) if name in it.outputs]


def _is_long(column: listing.Column) -> bool:
    return column.field is not None and column.field.type in {"long_text", "rich_text", "file", "image"}
