"""A list drawn as a board (a lane for each option, class or state) or as a calendar of one of its dates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from admin_ui import listing
from admin_ui.lists import List, found_of
from server.errors import Invalid, Problem, Text
from server.feature import Work
from server.features.objects.kind import ObjectType
from server.features.records import service as records
from server.features.records.liststate import Condition
from server.features.records.rights import rights
from server.features.workflows.instances import STATE_FIELD, workflows_of

LANE, CALENDAR_LIMIT, DAY = 30, 500, 4  # cards of a lane, records of a month, lines of a day
DATES = frozenset({"date", "datetime"})
LANES = 24


@dataclass(frozen=True)
class Lane:
    """One column of a board. `key` "" holds the records without a value."""

    key: str
    title: Text
    color: str
    rows: tuple[records.Record, ...]
    count: int
    url: str  # the list of all of them


@dataclass(frozen=True)
class Board:
    """`fixed`: why nothing can be moved; None where it can."""

    name: str
    title: Text
    lanes: tuple[Lane, ...]
    columns: tuple[listing.Column, ...]
    fixed: Text | None

    @property
    def count(self) -> int:
        return sum(lane.count for lane in self.lanes)


@dataclass(frozen=True)
class Day:
    date: date
    inside: bool  # of the month
    rows: tuple[records.Record, ...]


@dataclass(frozen=True)
class Calendar:
    name: str
    title: Text
    first: date
    weeks: tuple[tuple[Day, ...], ...]
    count: int
    cut: bool  # there are more records than are shown
    before: str
    after: str
    now: str


def lanes_of(it: List, name: str) -> tuple[Text, Sequence[tuple[str, Text, str]]] | None:
    """Title, and key, title and colour of each lane; None for what has no options."""
    field, output = it.object_type.fields.get(name), it.outputs.get(name)
    for classification in it.lead.classifications:
        if classification.key == name:
            return classification.title, [(c.key, c.title, c.color) for c in classification.classes]
    if field is not None and field.type == "choice":
        return field.title, [(o.key, o.title, o.color) for o in field.options]
    if output is not None and output.options and not output.part:
        return output.title, [(key, title, "") for key, title in output.options]
    return None


def is_workflow(work: Work, object_key: str, name: str) -> bool:
    """Whether the field shows where a record stands in its workflow: it moves by the workflow's transitions."""
    return name == STATE_FIELD and bool(workflows_of(work, object_key))


def fixed(work: Work, object_type: ObjectType, name: str, *, may_edit: bool) -> Text | None:
    """Why the cards of a board cannot be moved at all."""
    if is_workflow(work, object_type.key, name):
        return None
    if name not in object_type.fields:
        return Text("分类由规则算出，不能手动移动；数据变了，它会跟着变。", "Classes follow from rules; they move when the data does.")
    if not may_edit or not listing.is_editable(object_type.fields[name], rights(work, object_type.key)):
        return Text("此字段不能在这里修改，卡片只能查看。", "This field cannot be changed here; the cards can be looked at only.")
    return None


def board_of(it: List, columns: Sequence[listing.Column], *, may_edit: bool) -> Board:
    """A name that the person may not filter by has no board."""
    name = it.state.by
    known = lanes_of(it, name)
    if known is None or name not in it.names:
        raise _unknown(name)
    title, options = known
    cards = tuple(c for c in columns if c.name != name and not c.folded and not c.optional)
    lanes = []
    asked = [(c.name, c.op, c.value) for c in it.state.conditions]
    for key, lane_title, color in [*options[:LANES], ("", Text("未填", "None"), "")]:
        condition = Condition(name, "eq", key) if key else Condition(name, "is_empty", "")
        found = found_of(it, cards, conditions=[*asked, (condition.name, condition.op, condition.value)], limit=LANE, cursor="", count=False)
        count = len(found.rows)
        if found.next:
            count = found_of(it, (), conditions=[*asked, (condition.name, condition.op, condition.value)], limit=1, cursor="", count=True).total_capped
        if key or count:
            lanes.append(Lane(key, lane_title, color, found.rows, count, it.address.showing(shape="", by="").having(condition).url))
    return Board(name, title, tuple(lanes), cards, fixed(it.work, it.object_type, name, may_edit=may_edit))


def calendar_of(it: List, columns: Sequence[listing.Column]) -> Calendar:
    name, today = it.state.by, it.work.at.today
    field = it.object_type.fields.get(name)
    if field is None or field.type not in DATES or name not in it.names:
        raise _unknown(name)
    first = month_of(it.address.month, today)
    after = (first + timedelta(days=32)).replace(day=1)
    clock = "T00:00" if field.type == "datetime" else ""
    inside = [*((c.name, c.op, c.value) for c in it.state.conditions), (name, "ge", f"{first}{clock}"), (name, "lt", f"{after}{clock}")]
    dated = [c for c in listing.every_column(it.work, it.object_type, it.lead, it.outputs, ()) if c.name == name]
    wanted = list({c.name: c for c in (*columns[:1], *dated)}.values())
    found = found_of(it, wanted, conditions=inside, sort=name, limit=CALENDAR_LIMIT, cursor="", count=False)
    days: dict[date, list[records.Record]] = {}
    for row in found.rows:
        value = row.values[name]
        days.setdefault(value.astimezone(it.work.zone).date() if isinstance(value, datetime) else value, []).append(row)
    weeks = []
    start = first - timedelta(days=first.weekday())
    while start < after:
        weeks.append(tuple(_day(start + timedelta(days=n), first, days) for n in range(7)))
        start += timedelta(days=7)
    before = (first - timedelta(days=1)).replace(day=1)
    here = it.address
    earlier, later = (here.in_month(f"{m.year:04d}-{m.month:02d}").url for m in (before, after))
    return Calendar(name, field.title, first, tuple(weeks), len(found.rows), bool(found.next), earlier, later, here.in_month("").url)


def _day(day: date, first: date, days: Mapping[date, list[records.Record]]) -> Day:
    return Day(day, (day.year, day.month) == (first.year, first.month), tuple(days.get(day, ())))


def month_of(text: str, today: date) -> date:
    """The first day of the month an address names, or of this month."""
    try:
        return date.fromisoformat(text + "-01") if len(text) == 7 and text >= "0002" and text < "9999" else today.replace(day=1)
    except ValueError:
        return today.replace(day=1)


def _unknown(name: str) -> Invalid:
    return Invalid([Problem(name, Text("不能按它排成看板或日历", "It cannot be drawn by this"), code="unknown_name")])
