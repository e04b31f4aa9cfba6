"""One record as its page shows it: the header strip, the tabs, and what the chosen tab needs. All names come from documents."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from admin_ui import listing
from admin_ui.address import Address
from admin_ui.pages.workflows import Flow, flow_of
from admin_ui.risk import RiskView, risk_view
from admin_ui.subjects import Subject, subject
from admin_ui.timeline import BESIDE, PAGE, About, Stream, stream
from admin_ui.versions import Version, versions
from server.errors import Text
from server.feature import Work
from server.features.access import people
from server.features.access import service as access
from server.features.alerts import service as alerts
from server.features.alerts.service import AlertView
from server.features.assessment import explain
from server.features.assessment import service as assessment
from server.features.files import service as files
from server.features.files.service import RecordFile
from server.features.objects import results as outputs_of
from server.features.objects.kind import Field, ObjectType
from server.features.records import service as records
from server.features.records.liststate import Condition
from server.features.records.reading import Record, reference_names
from server.features.records.rows import Rows, rows_of
from server.features.records.timeline import happening_objects
from server.features.strategies.runs import StrategyRun, runs_of
from server.features.strategies.tasks import Task, tasks_of

OPEN_TASKS = frozenset({"open", "waiting_approval"})
STRIP, STRIP_ASSESSED = 7, 4  # fields in the header strip
RELATED_ROWS = 50
TABS_SHOWN = 6  # related lists beside each other, those with records first
CHANGE_DAYS = 30


@dataclass(frozen=True)
class Tab:
    key: str
    title: Text
    url: str
    count: int | None = None
    current: bool = False
    folded: bool = False  # behind "more": nothing in it yet, or too many tabs


@dataclass(frozen=True)
class Fact:
    """One field with its text; `href` when it leads somewhere."""

    field: Field
    text: str
    href: str = ""
    masked: bool = False


@dataclass(frozen=True)
class FactSection:
    title: Text
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Related:
    """Records of another object that refer to this one."""

    object_type: ObjectType
    field: Field
    columns: tuple[listing.Column, ...]
    page: records.Page
    list_url: str
    new_url: str


@dataclass(frozen=True)
class NewLink:
    """Something to begin from this record: it refers to the record and comes back to its page."""

    title: Text
    url: str
    icon: str


@dataclass(frozen=True)
class FileLine:
    """One file of the record or of one that refers to it; `where` says which record has it, when that is another."""

    file: RecordFile
    object_type: ObjectType
    where: str


@dataclass(frozen=True)
class Profile:
    lead: Subject
    number: str  # the record's own number, beside its name
    strip: tuple[Fact, ...]
    owner: Fact | None
    tabs: tuple[Tab, ...]
    tab: str
    may_edit: bool
    may_delete: bool
    results: Mapping[str, Any] | None
    score_change: float | None
    flow: Flow | None
    alerts: tuple[AlertView, ...]
    tasks: tuple[Task, ...]
    runs: tuple[StrategyRun, ...] = ()
    risk: RiskView | None = None
    facts: tuple[FactSection, ...] = ()
    rows: tuple[Rows, ...] = ()
    related: Related | None = None
    files: tuple[FileLine, ...] = ()
    history: tuple[Version, ...] = ()
    older: str = ""  # the address of the versions before
    timeline: Stream | None = None
    follow_up: NewLink | None = None
    people: Mapping[str, str] | None = None
    snapshots: tuple[Field, ...] = ()  # copies that can be taken anew

    @property
    def open_tasks(self) -> tuple[Task, ...]:
        return tuple(t for t in self.tasks if t.state in OPEN_TASKS)

    @property
    def next_step(self) -> Task | None:
        return next((t for t in sorted(self.open_tasks, key=lambda t: t.due_on) if t.mine), None)


def profile(work: Work, object_type: ObjectType, record: Record, tab: str, show: str = "", after: str = "") -> Profile:
    """`show`, `after`: what of the timeline or the history is wanted, as their addresses say it."""
    lead = subject(work.catalog, object_type.key)
    results = assessment.results(work, object_type.key, record.id) if object_type.assessed else None
    inside = {(s.object, s.link) for s in object_type.subforms}  # shown with the facts
    related = [(o, f, n) for o, f, n in records.related(work, object_type.key, record.id) if (n or o.menu) and (o.key, f) not in inside]
    tasks = tasks_of(work, object_type.key, record.id)
    open_alerts = tuple(alerts.of_record(work, object_type.key, record.id)) if object_type.assessed else ()
    found_files = files.of_record(work, object_type.key, record.id) if files.may_have(work, object_type.key) else None
    counts = {"tasks": sum(1 for t in tasks if t.state in OPEN_TASKS), **({} if found_files is None else {"files": len(found_files)})}
    tabs = tuple(tabs_of(object_type, record, related, counts, tab))
    chosen = next((t.key for t in tabs if t.current), tabs[0].key)
    names = people.user_names(work)
    about = About(work, object_type, record.id, lead, names)
    values = _values(record)
    may_edit = access.allowed(work, object_type.key, "edit", values)
    history, older = versions(about, record, after, may_edit=may_edit) if chosen == "history" else ((), "")
    facts_of_strip = strip(object_type, record, names, assessed=object_type.assessed)
    return Profile(
        lead=lead,
        number=record_number(object_type, record),
        strip=tuple(f for f in facts_of_strip if f.field.key != object_type.owner_field),
        owner=next((f for f in facts_of_strip if f.field.key == object_type.owner_field), None),
        tabs=tabs,
        tab=chosen,
        may_edit=may_edit,
        may_delete=access.allowed(work, object_type.key, "delete", values),
        results=results,
        score_change=_score_change(work, object_type, record, lead, results),
        flow=flow_of(work, object_type.key, record.id, record.version),
        alerts=open_alerts,
        tasks=tasks,
        runs=runs_of(work, object_type.key, record.id) if chosen == "tasks" else (),
        risk=risk_view(work, object_type, record.id, lead, results) if chosen == "risk" else None,
        facts=facts(object_type, record, names) if chosen == "facts" else (),
        rows=rows_of(work, object_type, record.id) if chosen == "facts" else (),
        related=_related(work, object_type, record, chosen, related),
        files=_file_lines(work, object_type, record, found_files or ()) if chosen == "files" else (),
        history=history,
        older=older,
        timeline=_timeline(about, chosen, show, after),
        follow_up=_follow_up(work, object_type, record),
        people=names,
        snapshots=tuple(f for f in object_type.fields.values() if f.derived == "snapshot" and f.key in record.display),
    )


def _timeline(about: About, tab: str, show: str, after: str) -> Stream | None:
    """The whole one in its tab; its beginning beside what the record is."""
    if tab == "timeline":
        return stream(about, show, after, PAGE)
    return stream(about, limit=BESIDE) if tab in ("risk", "facts") else None


def _follow_up(work: Work, object_type: ObjectType, record: Record) -> NewLink | None:
    """What people note down of a visit or a call: the first such object that they may create."""
    for other, field in happening_objects(work, object_type.key):
        if access.allowed(work, other.key, "create"):
            back = f"/o/{object_type.key}/{record.id}?tab=timeline"
            url = f"/o/{other.key}/new?" + urlencode({field.key: record.id, "_back": back})
            return NewLink(Text(f"记录{other.title.zh}", f"Log a {other.title.en.lower()}"), url, other.icon)
    return None


def _values(record: Record) -> dict[str, Any]:
    return {
        **record.values,
        "id": record.id,
        "version": record.version,
        "created_at": record.created_at,
        "created_by": record.created_by,
        "updated_at": record.updated_at,
        "updated_by": record.updated_by,
    }


# -- Header ------------------------------------------------------------------------------------------------------------------


def record_number(object_type: ObjectType, record: Record) -> str:
    """The unique text that people call the record by, when it is not the name itself."""
    for field in object_type.fields.values():
        if field.unique and field.type in {"text", "serial"} and field.key != object_type.name_field and field.key not in record.masked:
            return record.display.get(field.key, "")
    return ""


def strip(object_type: ObjectType, record: Record, names: Mapping[str, str], *, assessed: bool) -> tuple[Fact, ...]:
    """The list's columns once more, without name and number: what the document thinks matters. Whoever looks after the record stands last."""
    owner = object_type.owner_field
    skipped = {object_type.name_field, owner, *(f.key for f in object_type.fields.values() if f.pattern)}
    keys = [k for k in object_type.list_columns if k in record.display and k not in skipped]
    found = [f for f in (_fact(object_type.fields[k], record, names) for k in keys) if f.text]
    last = [_fact(object_type.fields[owner], record, names)] if record.display.get(owner) else []
    return (*found[: (STRIP_ASSESSED if assessed else STRIP) - len(last)], *last)


def _fact(field: Field, record: Record, names: Mapping[str, str]) -> Fact:
    text, value = record.display.get(field.key, ""), record.values.get(field.key)
    masked = field.key in record.masked
    if masked or value is None:
        return Fact(field, text, masked=masked and bool(text))
    if field.type == "user":
        return Fact(field, names.get(str(value), text))
    return Fact(field, text, _href(field, value))


def _href(field: Field, value: Any) -> str:
    if field.type == "reference":
        return f"/o/{field.reference}/{value}"
    if field.type == "email":
        return f"mailto:{value}"
    if field.type == "phone":
        return "tel:" + "".join(c for c in str(value) if c in "+0123456789")
    if field.type == "link" and str(value).lower().startswith(("http://", "https://")):
        return str(value)
    return ""


def _score_change(work: Work, object_type: ObjectType, record: Record, lead: Subject, results: Mapping[str, Any] | None) -> float | None:
    """How the score moved in thirty days; None when it was not known then."""
    if lead.score is None or results is None or results.get(lead.score.key) is None:
        return None
    then = work.at.today - timedelta(days=CHANGE_DAYS)
    before = [v for day, v in explain.score_history(work, object_type.key, record.id, lead.score.key) if day <= then]
    return None if not before or before[-1] is None else round(float(results[lead.score.key]) - float(before[-1]), lead.score.decimals)


# -- Tabs --------------------------------------------------------------------------------------------------------------------


def tabs_of(object_type: ObjectType, record: Record, related: Iterable[tuple[ObjectType, str, int]], counts: Mapping[str, int], chosen: str) -> Iterable[Tab]:
    base = f"/o/{object_type.key}/{record.id}"
    plain = [("risk", Text("风险", "Risk"), None)] if object_type.assessed else []
    plain += [("facts", Text("资料", "Facts"), None), ("timeline", Text("动态", "Timeline"), None)]
    listed = sorted(related, key=lambda r: r[0].menu or 999)
    twice = {o.key for o, _, _ in listed if sum(1 for other, _, _ in listed if other.key == o.key) > 1}
    many = [(f"{o.key}.{f}", _related_title(o, f, o.key in twice), n) for o, f, n in listed]
    attached = [("files", Text("附件", "Files"), counts["files"])] if "files" in counts else []
    last = [("tasks", Text("任务", "Tasks"), counts["tasks"]), *attached, ("history", Text("历史", "History"), None)]
    everything = [*plain, *many, *last]
    known = {key for key, _, _ in everything}
    current = chosen if chosen in known else everything[0][0]
    filled = [key for key, _, n in many if n][:TABS_SHOWN]
    for key, title, count in everything:
        url = base if key == everything[0][0] else f"{base}?{urlencode({'tab': key})}"
        folded = "." in key and key not in filled and key != current
        yield Tab(key, title, url, count, key == current, folded)


def _related_title(object_type: ObjectType, field: str, told_apart: bool) -> Text:
    if not told_apart:
        return object_type.plural
    by = object_type.fields[field].title
    return Text(f"{object_type.plural.zh} ({by.zh})", f"{object_type.plural.en} ({by.en})")


def facts(object_type: ObjectType, record: Record, names: Mapping[str, str]) -> tuple[FactSection, ...]:
    shown = [
        f for f in object_type.fields.values() if f.key in record.display and (record.display[f.key] or not f.visible)
    ]  # empty and hidden by its rule: not there
    known = {s.key for s in object_type.sections}
    groups = [(s.title, [f for f in shown if f.section == s.key]) for s in object_type.sections]
    loose = [f for f in shown if f.section not in known]
    if loose:
        groups.insert(0, (object_type.title, loose))
    return tuple(FactSection(title, tuple(_fact(f, record, names) for f in fields)) for title, fields in groups if fields)


def _related(work: Work, object_type: ObjectType, record: Record, chosen: str, related: Iterable[tuple[ObjectType, str, int]]) -> Related | None:
    for other, key, _ in related:
        if f"{other.key}.{key}" == chosen:
            return _related_list(work, object_type, record, other, other.fields[key], chosen)
    return None


def _related_list(work: Work, object_type: ObjectType, record: Record, other: ObjectType, field: Field, tab: str) -> Related:
    address = Address(other.key).having(Condition(field.key, "eq", str(record.id)))
    lead = subject(work.catalog, other.key)
    outputs = outputs_of.outputs(work.catalog, other.key) if other.assessed else {}
    columns = tuple(c for c in listing.columns(work, other, lead, outputs, address) if c.name != field.key)
    own = [c.name for c in columns if c.field is not None]
    extra = [c.name for c in columns if c.field is None]
    found = records.query(work, other.key, conditions=[(field.key, "eq", str(record.id))], columns=own, results=extra, limit=RELATED_ROWS, count=False)
    back = f"/o/{object_type.key}/{record.id}?" + urlencode({"tab": tab})
    new = f"/o/{other.key}/new?" + urlencode({field.key: record.id, "_back": back}) if access.allowed(work, other.key, "create") else ""
    return Related(other, field, columns, found, address.url, new)


def _file_lines(work: Work, object_type: ObjectType, record: Record, found: Iterable[RecordFile]) -> tuple[FileLine, ...]:
    lines = list(found)
    others = {f.object for f in lines} - {object_type.key}
    names = {key: reference_names(work, key, (f.record_id for f in lines if f.object == key)) for key in {*others, object_type.key}}
    own = (object_type.key, record.id)
    return tuple(
        FileLine(f, work.catalog.get("object", f.object), "" if (f.object, f.record_id) == own else names[f.object].get(f.record_id, f"#{f.record_id}"))
        for f in lines
    )
