"""The shared draft: what will differ from the live release. It may hold documents with problems; publishing it may not."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.config.check import check
from server.config.document import Document
from server.config.load import as_document
from server.config.publish import Publishing, body_text, publish
from server.config.shape import meta_schema
from server.config.tables import drafts
from server.errors import Conflict, Invalid, NotFound, Problem, Text


@dataclass(frozen=True)
class Change:
    """One document of the draft. `old` None: it is new; `new` None: it goes. `moved`: it was published by somebody since the draft began."""

    kind: str
    key: str
    old: Document | None
    new: Document | None
    at: datetime
    by: str
    moved: bool


def save_draft(work: Publishing, kind: str, key: str, body: Mapping[str, Any] | str) -> list[Problem]:
    """Keeps a document (text or value) in the draft and returns what is wrong with it and with what depends on it.

    Broken JSON is refused (Invalid). A document that equals the live one leaves the draft.
    """
    document, problems = as_document(kind, key, body)
    if document is None:
        raise Invalid(problems)
    if meta_schema(kind) is None:
        raise NotFound(Text(f"没有 “{kind}” 这种文档", f"There is no kind “{kind}”"))
    live = work.catalog.document(kind, key)
    if live is not None and live.digest == document.digest:
        discard(work, kind, key)
    else:
        _keep(work, kind, key, body_text(document))
    return [p for p in draft_problems(work) if p.file == f"{kind}/{key}"]


def remove_in_draft(work: Publishing, kind: str, key: str) -> None:
    """Marks a document for removal; one that is not live yet just leaves the draft."""
    if work.catalog.document(kind, key) is None:
        discard(work, kind, key)
    else:
        _keep(work, kind, key, None)


def _keep(work: Publishing, kind: str, key: str, body: str | None) -> None:
    live = work.catalog.document(kind, key)
    here = (drafts.c.kind == kind) & (drafts.c.key == key)
    values = {"body": body, "updated_at": work.now, "updated_by": work.actor.username}
    if work.session.execute(drafts.update().where(here).values(**values)).rowcount == 0:
        work.session.execute(drafts.insert().values(kind=kind, key=key, base_digest=live.digest if live else None, **values))


def discard(work: Publishing, kind: str, key: str) -> None:
    """Takes one document out of the draft."""
    work.session.execute(drafts.delete().where(drafts.c.kind == kind, drafts.c.key == key))


def discard_all(work: Publishing) -> None:
    work.session.execute(drafts.delete())


def draft_changes(work: Publishing) -> list[Change]:
    """In the order of kinds and keys."""
    found = []
    for row in work.session.execute(sa.select(drafts).order_by(drafts.c.kind, drafts.c.key)):
        old = work.catalog.document(row.kind, row.key)
        new = None if row.body is None else Document(row.kind, row.key, json.loads(row.body))
        moved = row.base_digest != (old.digest if old else None)
        found.append(Change(row.kind, row.key, old, new, row.updated_at, row.updated_by, moved))
    return found


def draft_document(work: Publishing, kind: str, key: str) -> Document | None:
    """The document as the draft has it, else the live one; None when there is none or the draft removes it."""
    row = work.session.execute(sa.select(drafts.c.body).where(drafts.c.kind == kind, drafts.c.key == key)).first()
    if row is None:
        return work.catalog.document(kind, key)
    return None if row.body is None else Document(kind, key, json.loads(row.body))


def draft_catalog(work: Publishing) -> Catalog:
    """The live catalog with the draft laid over it: what publishing would make live."""
    changes = draft_changes(work)
    if not changes:
        return work.catalog
    stamp = ("draft", tuple((c.kind, c.key, c.new.digest if c.new else "") for c in changes))
    kept: tuple[object, Catalog] | None = work.catalog.memo.get("draft")
    if kept is None or kept[0] != stamp:
        kept = stamp, work.catalog.with_documents([c.new for c in changes if c.new], [(c.kind, c.key) for c in changes if c.new is None])
        work.catalog.memo["draft"] = kept
    return kept[1]


def draft_problems(work: Publishing) -> list[Problem]:
    """Everything that stands between the draft and a release; `file` is kind/key."""
    candidate = draft_catalog(work)
    if candidate is work.catalog:
        return []
    if "problems" not in candidate.memo:
        candidate.memo["problems"] = check(candidate, candidate.kinds, work.catalog)
    found: list[Problem] = candidate.memo["problems"]
    return found


def publish_draft(work: Publishing, note: str = "") -> int:
    changes = draft_changes(work)
    moved = [c for c in changes if c.moved]
    if not changes:
        raise Conflict(Text("草稿里没有改动", "The draft changes nothing"))
    if moved:
        names = ", ".join(f"{c.kind}/{c.key}" for c in moved)
        raise Conflict(
            Text(f"草稿开始之后，这些文档已另行发布：{names}", f"These documents were published by another way since the draft began: {names}"),
            Text("打开它们，核对后重新保存草稿", "Open them, compare, and save the draft again"),
        )
    return publish(work, draft_catalog(work).documents, note)
