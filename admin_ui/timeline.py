"""What happened to one record, newest first, from all that keeps track of it: saves, comments, visits and calls, alerts, tasks, workflow, class moves."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from admin_ui.subjects import Subject
from server.errors import Text
from server.feature import Work
from server.features.access import roles
from server.features.alerts import timeline as alerts
from server.features.alerts.service import VERDICTS
from server.features.alerts.timeline import AlertMoment
from server.features.assessment import timeline as assessment
from server.features.comments import service as comments
from server.features.comments.service import Comment
from server.features.objects.kind import Field, ObjectType
from server.features.records import history
from server.features.records.history import DELETED, MARKS, MERGED, MERGED_INTO, Save
from server.features.records.moments import Place, place_of
from server.features.records.timeline import Happening, happening_objects, happenings
from server.features.strategies import timeline as strategies
from server.features.workflows import timeline as workflows
from server.features.workflows.instances import STATE_FIELD

PAGE, BESIDE = 30, 8
LINES_SHOWN = 4  # changed fields of a save before the rest folds away
HAPPENING_RANK = 20

CAUSES = {
    "form": Text("表单", "form"),
    "import": Text("导入", "import"),
    "workflow": Text("流程", "workflow"),
    "api": Text("接口", "API"),
    "cli": Text("命令", "command"),
    "assess": Text("评估", "assessment"),
    "restore": Text("恢复旧值", "restored"),
    "merge": Text("合并", "merge"),
}


@dataclass(frozen=True)
class Line:
    """One field of a save, in words."""

    title: Text
    old: str
    new: str


@dataclass(frozen=True)
class ClassLine:
    """A classification (or a score) before and after."""

    source: Any
    before: Any
    after: Any


@dataclass(frozen=True)
class Entry:
    """One place in the stream. `kind` is what it is filtered by; `note` what somebody wrote along."""

    place: Place
    kind: str
    icon: str
    title: Text
    by: str = ""
    href: str = ""
    lines: tuple[Line, ...] = ()
    moves: tuple[ClassLine, ...] = ()
    note: str = ""
    comment: Comment | None = None


@dataclass(frozen=True)
class Kind:
    key: str
    title: Text
    url: str
    current: bool


@dataclass(frozen=True)
class Stream:
    """`more`: the address of what comes after; "" at the end."""

    entries: tuple[Entry, ...]
    kinds: tuple[Kind, ...]
    show: str
    more: str


@dataclass(frozen=True)
class About:
    """Whose timeline it is. `names`: username -> name of everybody."""

    work: Work
    object_type: ObjectType
    record_id: int
    lead: Subject
    names: Mapping[str, str]

    def name(self, username: str) -> str:
        return "" if username in ("", "system") else self.names.get(username, username)


@dataclass(frozen=True)
class Source:
    """One table's part of the stream: `read(about, before, rank, limit)`."""

    kind: str
    read: Callable[[About, Place | None, int, int], Iterable[Entry]]


def stream(about: About, show: str = "", after: str = "", limit: int = PAGE) -> Stream:
    """A page of the stream for who may read the record. `show`: one kind, "" all. `after`: the place to go on from, as an address says it."""
    ranked = list(_sources(about))
    titles = {key: title for key, title in _kinds(about).items() if any(s.kind == key for _, s in ranked)}
    show = show if show in titles else ""
    before = place_of(after) if after else None
    found = [e for rank, s in ranked if show in ("", s.kind) for e in s.read(about, before, rank, limit + 1)]
    found.sort(key=lambda e: e.place.order)
    base = f"/o/{about.object_type.key}/{about.record_id}"
    kinds = [Kind(key, title, _url(base, key, ""), key == show) for key, title in {"": Text("全部", "All"), **titles}.items()]
    shown = found[:limit]
    return Stream(tuple(shown), tuple(kinds), show, _url(base, show, shown[-1].place.text) if len(found) > limit else "")


def _url(base: str, show: str, after: str) -> str:
    return f"{base}?" + urlencode([(k, v) for k, v in (("tab", "timeline"), ("show", show), ("next", after)) if v])


def _kinds(about: About) -> dict[str, Text]:
    happened = happening_objects(about.work, about.object_type.key)
    title = happened[0][0].plural if len(happened) == 1 else Text("往来", "Contacts")
    return {
        "comment": Text("评论", "Comments"),
        "happening": title,
        "alert": Text("预警", "Alerts"),
        "task": Text("任务", "Tasks"),
        "workflow": Text("流程", "Workflow"),
        "class": Text("评级", "Class"),
        "change": Text("修改", "Changes"),
    }


def _sources(about: About) -> Iterable[tuple[int, Source]]:
    """Each with its rank: of what happened at one instant the lower comes first."""
    work, key = about.work, about.object_type.key
    yield 0, Source("comment", _comments)
    yield 1, Source("change", _saves)
    if any(w.object == key for w in work.catalog.all("workflow")):
        yield 2, Source("workflow", _steps)
    if about.object_type.assessed:
        yield 3, Source("class", _class_moves)
        yield 4, Source("alert", _opened)
        yield 5, Source("alert", _closed)
    yield 6, Source("task", _given)
    yield 7, Source("task", _done)
    for i, (other, field) in enumerate(happening_objects(work, key)):
        yield HAPPENING_RANK + i, Source("happening", _happening(other, field))


# -- Saves -------------------------------------------------------------------------------------------------------------------


def _saves(about: About, before: Place | None, rank: int, limit: int) -> Iterable[Entry]:
    """So many as are asked for, or all there are: saves of which nothing may be told do not count."""
    shown = 0
    while shown < limit:
        found = history.saves_of(about.work, about.object_type, about.record_id, before, rank, limit, by_version=False, blanks=True)
        entries = [entry for save in found if (entry := _save(about, save, rank))]
        shown += len(entries)
        yield from entries
        if len(found) < limit:
            return
        before = Place(found[-1].at, rank, found[-1].id)


def _save(about: About, save: Save, rank: int) -> Entry | None:
    if not save.changes or (save.cause == "workflow" and [c.field for c in save.changes] == [STATE_FIELD]):
        return None  # a workflow's step itself stands in the stream
    place, by = Place(save.at, rank, save.id), about.name(save.by)
    marks = {c.field: c for c in save.changes if c.field in MARKS}
    lines = tuple(Line(field_title(about.object_type, c.field), c.old_text, c.new_text) for c in save.changes if c.field not in MARKS)
    if save.version == 1:
        return Entry(place, "change", "plus", Text("新建记录", "Record created"), by)
    if MERGED in marks:
        return Entry(place, "change", "git-merge", merged_title(marks[MERGED].new_text), by, lines=lines)
    if DELETED in marks:
        return Entry(place, "change", "arrow-back-up" if marks[DELETED].new is None else "trash", deletion_title(save), by)
    return Entry(place, "change", "history-toggle" if save.cause == "restore" else "edit", changed_title(save, lines), by, lines=lines)


def field_title(object_type: ObjectType, key: str) -> Text:
    field = object_type.fields.get(key)
    return field.title if field else MARK_TITLES.get(key, Text(key, key))


MARK_TITLES = {DELETED: Text("删除", "Deleted"), MERGED: Text("合并", "Merged"), MERGED_INTO: Text("并入", "Merged into")}


def merged_title(name: str) -> Text:
    return Text(f"合并了“{name}”", f"Merged with “{name}”")


def deletion_title(save: Save) -> Text:
    return Text("恢复了此记录", "Brought back") if any(c.field == DELETED and c.new is None for c in save.changes) else Text("删除了此记录", "Deleted")


def changed_title(save: Save, lines: tuple[Line, ...]) -> Text:
    cause = CAUSES.get(save.cause) if save.cause != "form" else None
    zh, en = f"修改 {len(lines)} 项", f"Changed {len(lines)} fields" if len(lines) > 1 else "Changed"
    if save.cause == "restore":
        return Text(f"恢复旧值 {len(lines)} 项", f"Restored {len(lines)} fields" if len(lines) > 1 else "Restored")
    return Text(f"{zh} · {cause.zh}", f"{en} · {cause.en}") if cause else Text(zh if len(lines) > 1 else "修改", en)


# -- What people say and do --------------------------------------------------------------------------------------------------


def _comments(about: About, before: Place | None, rank: int, limit: int) -> Iterable[Entry]:
    for c in comments.comments_of(about.work, about.object_type.key, about.record_id, about.names, before, rank, limit):
        yield Entry(Place(c.at, rank, c.id), "comment", "message-circle", Text("", ""), about.name(c.by) or c.by, comment=c)


def _happening(other: ObjectType, field: Field) -> Callable[[About, Place | None, int, int], Iterable[Entry]]:
    def read(about: About, before: Place | None, rank: int, limit: int) -> Iterable[Entry]:
        for h in happenings(about.work, other, field, about.record_id, before, rank, limit):
            yield Entry(
                Place(h.at, rank, h.record.id), "happening", other.icon, _happened(about, h), about.name(h.by), f"/o/{other.key}/{h.record.id}", note=_said(h)
            )

    return read


def _happened(about: About, happening: Happening) -> Text:
    name, title = happening.record.name, happening.object_type.title
    return Text(f"{title.zh} · {name}", f"{title.en} · {name}") if not name.startswith("#") else title


def _said(happening: Happening) -> str:
    assert happening.object_type.timeline is not None
    text = happening.record.display.get(happening.object_type.timeline.text, "")
    return "" if happening.object_type.timeline.text == happening.object_type.name_field else text


def _steps(about: About, before: Place | None, rank: int, limit: int) -> Iterable[Entry]:
    for s in workflows.steps(about.work, about.object_type.key, about.record_id, before, rank, limit):
        title = Text(f"{s.title.zh} → {s.target.zh}", f"{s.title.en} → {s.target.en}")
        yield Entry(Place(s.at, rank, s.id), "workflow", "git-branch", title, about.name(s.by), note=s.comment)


# -- What the product found --------------------------------------------------------------------------------------------------


def _class_moves(about: About, before: Place | None, rank: int, limit: int) -> Iterable[Entry]:
    classes = {c.key: c for c in (about.lead.level, about.lead.main) if c}
    score = about.lead.score
    others = (score.key,) if score else ()
    for m in assessment.class_moves(about.work, about.object_type.key, about.record_id, tuple(classes), others, before, rank)[:limit]:
        moves = [ClassLine(c, m.before[key], m.after[key]) for key, c in classes.items() if key in m.before and m.before[key] != m.after[key]]
        if score and score.key in m.before and m.before[score.key] != m.after[score.key]:
            moves.append(ClassLine(score, m.before[score.key], m.after[score.key]))
        yield Entry(Place(m.at, rank, m.id), "class", "gauge", Text("", ""), moves=tuple(moves))


CLOSED = {
    "cleared": Text("条件不再成立", "its condition no longer holds"),
    "left_population": Text("不再评估此记录", "the record is no longer assessed"),
    "rule_removed": Text("规则已删除", "its rule was removed"),
}


def _opened(about: About, before: Place | None, rank: int, limit: int) -> Iterable[Entry]:
    for a in alerts.opened(about.work, about.object_type.key, about.record_id, before, rank, limit):
        yield _alert(about, a, Text(f"预警：{a.message.zh}", f"Alert: {a.message.en}"), rank)


def _closed(about: About, before: Place | None, rank: int, limit: int) -> Iterable[Entry]:
    for a in alerts.closed(about.work, about.object_type.key, about.record_id, before, rank, limit):
        why = VERDICTS.get(a.verdict) or CLOSED.get(a.reason)
        told = Text(f"（{why.zh}）", f" ({why.en})") if why else Text("", "")
        yield _alert(about, a, Text(f"预警关闭：{a.message.zh}{told.zh}", f"Alert closed: {a.message.en}{told.en}"), rank)


def _alert(about: About, a: AlertMoment, title: Text, rank: int) -> Entry:
    href = f"/alerts/{a.id}" if roles.may(about.work, "alerts") else ""
    return Entry(Place(a.at, rank, a.id), "alert", "bell", title, about.name(a.by), href, note=a.note)


def _given(about: About, before: Place | None, rank: int, limit: int) -> Iterable[Entry]:
    for k in strategies.given(about.work, about.object_type.key, about.record_id, before, rank, limit):
        who = about.name(k.assignee)
        to = Text(f"（{who}）", f" (for {who})") if who else Text("", "")
        title = Text(f"新任务：{k.title.zh}{to.zh}", f"Task: {k.title.en}{to.en}")
        yield Entry(Place(k.at, rank, k.id), "task", "square", title, about.name(k.by), f"/tasks/{k.id}")


def _done(about: About, before: Place | None, rank: int, limit: int) -> Iterable[Entry]:
    for k in strategies.done(about.work, about.object_type.key, about.record_id, before, rank, limit):
        title = Text(f"完成：{k.title.zh}", f"Done: {k.title.en}")
        yield Entry(Place(k.at, rank, k.id), "task", "circle-check", title, about.name(k.by), f"/tasks/{k.id}", note=k.note)
