"""Documents of indicators say their window in units of time.

Releases and drafts are written anew in the present form, which means the same; so are their digests.

Revision ID: 0013
Revises: 0012
"""

import hashlib
import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

documents = sa.table("documents", *map(sa.column, ("digest", "kind", "key", "body")))
releases = sa.table("releases", *map(sa.column, ("id", "digest")))
members = sa.table("release_documents", *map(sa.column, ("release", "kind", "key", "digest")))
drafts = sa.table("drafts", *map(sa.column, ("kind", "key", "body", "base_digest")))


def upgrade() -> None:
    connection = op.get_bind()
    renamed = {}
    for row in connection.execute(sa.select(documents).where(documents.c.kind == "indicator")).all():
        body = _present(json.loads(row.body))
        if body is None:
            continue
        renamed[row.digest] = digest = _digest(body)
        if connection.scalar(sa.select(documents.c.digest).where(documents.c.digest == digest)) is None:
            connection.execute(sa.insert(documents).values(digest=digest, kind=row.kind, key=row.key, body=_text(body)))
    for old, new in renamed.items():
        connection.execute(sa.update(members).where(members.c.digest == old).values(digest=new))
        connection.execute(sa.update(drafts).where(drafts.c.base_digest == old).values(base_digest=new))
        connection.execute(sa.delete(documents).where(documents.c.digest == old))
    for draft in connection.execute(sa.select(drafts).where(drafts.c.kind == "indicator", drafts.c.body.is_not(None))).all():
        body = _present(json.loads(draft.body))
        if body is not None:
            connection.execute(sa.update(drafts).where(drafts.c.kind == draft.kind, drafts.c.key == draft.key).values(body=_text(body)))
    for release in connection.scalars(sa.select(members.c.release).where(members.c.digest.in_(list(renamed.values()))).distinct()).all():
        lines = [f"{m.kind} {m.key} {m.digest}" for m in connection.execute(sa.select(members).where(members.c.release == release))]
        whole = hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
        connection.execute(sa.update(releases).where(releases.c.id == release).values(digest=whole))


def _present(body: dict[str, Any]) -> dict[str, Any] | None:
    """The document in the present form, its members in the same order; None: it is already."""
    previous = body.get("previous")
    if "window_days" not in body and not (isinstance(previous, dict) and "offset_days" in previous):
        return None
    found: dict[str, Any] = {}
    for name, value in body.items():
        if name == "window_days":
            if value:
                found["window"] = {"last": value, "unit": "days"}
        elif name == "previous" and isinstance(value, dict):
            found[name] = {"back": value.get("offset_days"), "unit": "days", **{k: v for k, v in value.items() if k != "offset_days"}}
        else:
            found[name] = value
    return found


def _text(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(_text(_ordered(body)).encode()).hexdigest()


def _ordered(value: Any, keep: bool = False) -> Any:
    if isinstance(value, dict):
        return {k: _ordered(value[k], k == "properties") for k in (value if keep else sorted(value))}
    return [_ordered(v) for v in value] if isinstance(value, list) else value
