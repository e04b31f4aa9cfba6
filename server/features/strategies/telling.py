"""Whom tasks are told to: who is to do them, who is to approve what was done, who did what was sent back."""

from collections.abc import Iterable, Mapping
from typing import Any

from server.errors import Text
from server.feature import Notice, Work, tell
from server.features.strategies.kind import Strategy


def tell_measures(work: Work, strategy: Strategy, rows: Iterable[Mapping[str, Any]]) -> None:
    """Measures of a strategy that begins, with their ids; those of one strategy are one line for each person."""
    found = [row for row in rows if row["assignee"] or row["role"]]
    many = Text(f"{{count}} 项任务：{strategy.title.zh}", f"{{count}} tasks: {strategy.title.en}")
    tell(work, [_given(row, f"task:{strategy.key}", many) for row in found])


def tell_task(work: Work, row: Mapping[str, Any]) -> None:
    """One task, given to somebody by hand."""
    tell(work, [_given(row, "", Text("", ""))])


def _given(row: Mapping[str, Any], group: str, many: Text) -> Notice:
    title = _titled(Text(row["title_zh"], row["title_en"]), row["record_id"])
    due = Text(f"{row['due_on']} 到期", f"due on {row['due_on']}")
    object_key, record_id = _about(row)
    link = f"/tasks/{row['id']}"
    return Notice("task", _to(row), title, due, link, object_key, record_id, group=group, many=many, many_link="/tasks", to_doer=False)


def _to(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (f"user:{row['assignee']}",) if row["assignee"] else (f"role:{row['role']}",) if row["role"] else ()


def _about(row: Mapping[str, Any]) -> tuple[str, int | None]:
    return (row["object"], row["record_id"]) if row["object"] else ("", None)


def _titled(title: Text, record_id: int | None) -> Text:
    return title if record_id is None else Text(f"{title.zh} · {{name}}", f"{title.en} · {{name}}")


def tell_approver(work: Work, task: Any, note: str) -> None:
    """`task` was done and waits for the word of a role."""
    title = _titled(task.title, task.record_id)
    before = Text(f"待确认：{title.zh}", f"Waits for your consent: {title.en}")
    about = _about({"object": task.object, "record_id": task.record_id})
    to, link = (f"role:{task.approver}",), f"/tasks/{task.id}"
    tell(work, [Notice("approval", to, before, Text(note, note), link, about[0], about[1], to_doer=False)])


def tell_doer(work: Work, task: Any, approved: bool, note: str) -> None:
    """What became of what somebody did."""
    title = _titled(task.title, task.record_id)
    words = Text("已确认", "Approved") if approved else Text("被退回", "Sent back")
    about = _about({"object": task.object, "record_id": task.record_id})
    full = Text(f"{words.zh}：{title.zh}", f"{words.en}: {title.en}")
    to, link = (f"user:{task.done_by}",), f"/tasks/{task.id}"
    tell(work, [Notice("outcome", to, full, Text(note, note), link, about[0], about[1], to_doer=False)])
