"""Makes a release: check, the features' hooks (tables are made there), the ledger. All in the caller's transaction, or nothing."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar, Protocol

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.config.check import check, errors
from server.config.document import Document
from server.config.load import load_folder, template_folders
from server.config.releases import get_release, read_release
from server.config.tables import documents as document_table
from server.config.tables import drafts, release_documents, releases
from server.errors import Conflict, Invalid, Text
from server.expressions import language
from server.storage.ddl import alone, impatient


class _Actor(Protocol):
    @property
    def username(self) -> str: ...


class _Hooks(Protocol):
    @property
    def on_published(self) -> tuple[Callable[[Any, Catalog, Catalog], None], ...]: ...


class Publishing(Protocol):
    """What publishing needs of a unit of work (server.feature.Work, a floor above)."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def session(self) -> sa.Connection: ...
    @property
    def actor(self) -> _Actor: ...
    @property
    def catalog(self) -> Catalog: ...
    @property
    def now(self) -> datetime: ...
    @property
    def hooks(self) -> _Hooks: ...


def publish(work: Publishing, documents: Iterable[Document] | Mapping[Any, Document], note: str = "") -> int:
    """Makes `documents` (the full set) the live release and returns its number. The same set as now makes no release.

    Raises Invalid with every problem, Conflict when somebody published since this work began.
    """
    given = documents.values() if isinstance(documents, Mapping) else documents
    return _publish(work, {(d.kind, d.key): d for d in given}, note, None)


def rollback(work: Publishing, release: int, note: str = "") -> int:
    """Publishes the documents of an older release as a new one: history only grows."""
    get_release(work.session, release)
    return _publish(work, read_release(work.session, work.catalog.kinds, release).documents, note, release)


def _publish(work: Publishing, documents: Mapping[tuple[str, str], Document], note: str, restored: int | None) -> int:
    old = work.catalog
    with impatient(work.session):
        alone(work.session, "publish")
        refuse_when_moved(work)
        new = Catalog(old.release + 1, documents, old.kinds)
        digests = {identity: d.digest for identity, d in documents.items()}
        if digests == {identity: d.digest for identity, d in old.documents.items()}:
            return old.release
        problems = errors(check(new, old.kinds, old))
        if problems:
            raise Invalid(problems)
        _write(work, new, digests, note, restored)
        during = dataclasses.replace(work, catalog=new)
        for hook in work.hooks.on_published:
            hook(during, old, new)
    return new.release


def refuse_when_moved(work: Publishing) -> None:
    live = work.session.scalar(sa.select(sa.func.max(releases.c.id))) or 0
    if live != work.catalog.release:
        by = get_release(work.session, live).by
        raise Conflict(
            Text(
                f"{by} 刚刚发布了版本 {live}，您看到的是版本 {work.catalog.release}",
                f"{by} has just published release {live}; you were looking at {work.catalog.release}",
            ),
            Text("重新载入后再发布", "Reload, then publish again"),
        )


def _write(work: Publishing, new: Catalog, digests: Mapping[tuple[str, str], str], note: str, restored: int | None) -> None:
    session, old = work.session, work.catalog
    kept = {digest for old_identity, digest in digests.items() if old_identity in old.documents and old.documents[old_identity].digest == digest}
    fresh = {digests[identity]: document for identity, document in new.documents.items() if digests[identity] not in kept}
    known = set(session.scalars(sa.select(document_table.c.digest).where(document_table.c.digest.in_(list(fresh))))) if fresh else set()
    rows = [{"digest": digest, "kind": d.kind, "key": d.key, "body": body_text(d)} for digest, d in fresh.items() if digest not in known]
    if rows:
        session.execute(document_table.insert(), rows)
    whole = hashlib.sha256("\n".join(sorted(f"{kind} {key} {digest}" for (kind, key), digest in digests.items())).encode()).hexdigest()
    row = {"id": new.release, "at": work.now, "by": work.actor.username, "note": note.strip(), "parent": old.release, "restored": restored}
    session.execute(releases.insert().values(**row, digest=whole, language=language.VERSION))
    if digests:
        session.execute(release_documents.insert(), [{"release": new.release, "kind": k, "key": key, "digest": d} for (k, key), d in digests.items()])
    for draft in session.execute(sa.select(drafts.c.kind, drafts.c.key, drafts.c.body)).all():  # what is live now is no draft any more
        identity = (draft.kind, draft.key)
        drafted = None if draft.body is None else Document(*identity, json.loads(draft.body)).digest
        if drafted == digests.get(identity):
            session.execute(drafts.delete().where(drafts.c.kind == draft.kind, drafts.c.key == draft.key))


def publish_first(work: Publishing, folder: str = "") -> int | None:
    """At a first start: the template (or the folder of the settings) as release 1. None when there is a release already."""
    if work.catalog.release:
        return None
    documents, problems = load_folder(*template_folders(folder))
    if problems:
        raise Invalid(problems)
    return publish(work, documents, "template")


def body_text(document: Document) -> str:
    """JSON in the author's order."""
    return json.dumps(document.body, ensure_ascii=False, separators=(",", ":"))
