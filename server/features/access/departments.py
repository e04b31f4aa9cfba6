"""The organisation's departments: a tree that people belong to and records may name. Closed ones stay, so that old records keep their word."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from server.errors import Invalid, NotFound, Problem, Text
from server.feature import Work
from server.features.access.roles import require
from server.features.access.tables import departments as stored
from server.features.access.tables import users as people
from server.features.audit import service as audit

KEY = re.compile(r"[\w.-]{1,60}")
TITLE_LIMIT, DEEPEST = 100, 12
UNKNOWN = Text("没有这个部门，或已停用", "There is no such department, or it is closed")


@dataclass(frozen=True)
class Department:
    key: str
    title: Text
    parent: str  # "" at the top
    open: bool  # may be chosen
    depth: int = 0  # 0 at the top


def departments(work: Work) -> tuple[Department, ...]:
    """The whole tree, each department before those in it, neighbours by their keys."""
    rows = work.session.execute(sa.select(stored).order_by(stored.c.key)).all()
    below: dict[str, list[Department]] = {}
    for row in rows:
        below.setdefault(row.parent or "", []).append(Department(row.key, Text(row.title_zh, row.title_en), row.parent or "", row.open))
    return tuple(_walked(below, "", 0))


def _walked(below: Mapping[str, list[Department]], parent: str, depth: int) -> Iterator[Department]:
    for found in below.get(parent, ()) if depth < DEEPEST else ():
        yield Department(found.key, found.title, found.parent, found.open, depth)
        yield from _walked(below, found.key, depth + 1)


def department_titles(work: Work) -> Mapping[str, Text]:
    """Key -> title, closed ones among them."""
    rows = work.session.execute(sa.select(stored.c.key, stored.c.title_zh, stored.c.title_en))
    return {row.key: Text(row.title_zh, row.title_en) for row in rows}


def within(work: Work, keys: set[str]) -> set[str]:
    """The departments and all that lie in them."""
    found = set(keys)
    for department in departments(work):  # parents come first
        if department.parent in found:
            found.add(department.key)
    return found


def heads(work: Work) -> Mapping[str, int]:
    """Key -> how many people who may sign in belong to it."""
    member = sa.select(people.c.department, sa.func.count()).where(people.c.active, people.c.department.is_not(None))
    return {row[0]: int(row[1]) for row in work.session.execute(member.group_by(people.c.department))}


def add_department(work: Work, key: str, title: Text, parent: str = "") -> None:
    require(work, "people")
    key = key.strip()
    problems = [*_title_problems(title)]
    if not KEY.fullmatch(key):
        problems.append(Problem("key", Text("编码为 1 到 60 个字母、数字、汉字或 . _ -", "A code has 1 to 60 letters, digits or . _ -"), code="bad_key"))
    tree = {d.key: d for d in departments(work)}
    if key in tree:
        problems.append(Problem("key", Text("这个编码已被使用", "This code is taken"), code="unique"))
    problems += _parent_problems(tree, key, parent)
    if problems:
        raise Invalid(problems)
    values = {"key": key, "title_zh": title.zh.strip(), "title_en": title.en.strip() or title.zh.strip(), "parent": parent or None, "open": True}
    work.session.execute(sa.insert(stored).values(**values))
    audit.record(work, "add_department", detail=values)


def change_department(work: Work, key: str, title: Text, parent: str, open: bool) -> None:
    """Its name, where it lies, and whether it may be chosen."""
    require(work, "people")
    tree = {d.key: d for d in departments(work)}
    if key not in tree:
        raise NotFound(Text("没有这个部门", "There is no such department"))
    problems = [*_title_problems(title), *_parent_problems(tree, key, parent)]
    if problems:
        raise Invalid(problems)
    values = {"title_zh": title.zh.strip(), "title_en": title.en.strip() or title.zh.strip(), "parent": parent or None, "open": open}
    work.session.execute(sa.update(stored).where(stored.c.key == key).values(**values))
    audit.record(work, "change_department", detail={"key": key, **values})


def assign(work: Work, username: str, key: str) -> None:
    """A person's department; "" for none."""
    require(work, "people")
    found = {d.key: d for d in departments(work)}.get(key)
    before = work.session.scalar(sa.select(people.c.department).where(people.c.username == username)) or ""
    if key == before:
        return
    if key and (found is None or not found.open):
        raise Invalid([Problem("department", UNKNOWN, code="unknown_department")])
    work.session.execute(sa.update(people).where(people.c.username == username).values(department=key or None))
    audit.record(work, "update_user", detail={"username": username, "department": key})


def _title_problems(title: Text) -> Iterator[Problem]:
    if not title.zh.strip():
        yield Problem("title_zh", Text("部门要有名称", "A department needs a name"), code="required")
    if max(len(title.zh), len(title.en)) > TITLE_LIMIT or any(not c.isprintable() for c in title.zh + title.en):
        message = Text(f"名称最多 {TITLE_LIMIT} 个可见字符", f"A name has at most {TITLE_LIMIT} visible characters")
        yield Problem("title_zh", message, code="too_long")


def _parent_problems(tree: Mapping[str, Department], key: str, parent: str) -> Iterator[Problem]:
    if not parent:
        return
    if parent not in tree:
        yield Problem("parent", Text("没有这个上级部门", "There is no such department above"), code="unknown_department")
        return
    at = parent
    while at:
        if at == key:
            yield Problem("parent", Text("部门不能在自己之下", "A department cannot lie in itself"), code="cycle")
            return
        at = tree[at].parent
    height = 1 + max((d.depth for d in tree.values() if _lies_in(tree, d, key)), default=-1) - (tree[key].depth if key in tree else -1)
    if tree[parent].depth + 1 + max(height - 1, 0) >= DEEPEST:
        yield Problem("parent", Text(f"部门最多 {DEEPEST} 级", f"At most {DEEPEST} levels of departments"), code="too_deep")


def _lies_in(tree: Mapping[str, Department], department: Department, key: str) -> bool:
    at = department.key
    while at:
        if at == key:
            return True
        at = tree[at].parent
    return False
