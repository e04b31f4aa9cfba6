"""Files that people add to a record: one or several. The value says of each what people need to know; the bytes are in the file store."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from server.errors import Problem, Text
from server.expressions.types import TEXTS, Type
from server.fields.base import FORM, FieldSpec, FieldType, Reading, problem, wrong_type
from server.storage.dialects import Keys

ID = re.compile(r"[0-9a-f]{32}")
IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})  # what browsers show and nothing can run in
LOST = -1  # the size of a file that is not there for this person
NAME_LENGTH = 120  # characters
MOST = 50  # files in one field
KIND = Text("文件列表", "a list of files")
GONE = Text("这个文件已不在，请重新上传", "This file is not there any more; upload it again")
BY_UPLOAD = Text(
    "导入不能带入文件，这一格未改动；请在记录页上传", "A file cannot come in by import; the cell was left as it is, upload it on the record's page"
)


class FileRef(NamedTuple):
    """One file of a record, as it was when it was added. `id` alone (the rest empty) is how a form sends it."""

    id: str
    name: str = ""
    type: str = ""
    size: int = 0

    @property
    def text(self) -> str:
        """As one text, for the column and for expressions."""
        return f"{self.id}:{self.size}:{self.type}:{self.name}"

    @property
    def url(self) -> str:
        return f"/files/{self.id}"

    @property
    def is_image(self) -> bool:
        return self.type in IMAGES


class Files(Keys):
    """A list of files as a list of texts, so that expressions and lists see it as they see any list."""

    cache_ok = True

    def process_bind_param(self, value: Sequence[Any] | None, dialect: sa.Dialect) -> str | None:
        return super().process_bind_param([v.text if isinstance(v, FileRef) else str(v) for v in value or ()], dialect)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> list[Any] | None:
        return refs_of(super().process_result_value(value, dialect) or ())


def refs_of(texts: Iterable[str]) -> list[FileRef] | None:
    """What `FileRef.text` wrote; others are left out."""
    return [ref for ref in (ref_of(text) for text in texts) if ref is not None] or None


def ref_of(raw: Any) -> FileRef | None:
    """One file, from what a form, the API or the database holds; None when it is none."""
    if isinstance(raw, FileRef):
        return raw
    if isinstance(raw, dict):
        return _described(raw)
    if not isinstance(raw, str):
        return None
    key, *rest = raw.split(":", 3)
    if not ID.fullmatch(key):
        return None
    if not rest:
        return FileRef(key)
    return FileRef(key, rest[2], rest[1], int(rest[0])) if len(rest) == 3 and rest[0].isascii() and rest[0].isdigit() and len(rest[0]) < 16 else None


def _described(raw: Mapping[Any, Any]) -> FileRef | None:
    """The members that `json` writes; only the id must be there."""
    key, name, kind, size = raw.get("id"), raw.get("name", ""), raw.get("type", ""), raw.get("size", 0)
    if not (isinstance(key, str) and isinstance(name, str) and isinstance(kind, str) and isinstance(size, int)) or isinstance(size, bool):
        return None
    return FileRef(key, name, kind, size) if ID.fullmatch(key) and set(raw) <= {"id", "name", "type", "size", "url"} else None


class FileField(FieldType):
    key = "file"
    title = Text("附件", "Files")
    widget = "file"
    limit = NAME_LENGTH + 120

    def expression_type(self, field: FieldSpec) -> Type:
        return TEXTS

    def column_type(self, field: FieldSpec) -> sa.types.TypeEngine[Any]:
        return Files()

    def parse(self, field: FieldSpec, raw: Any, reading: Reading = FORM) -> Any:
        """Ids, or files as `json` gives them. Whether they are there (and this person's to add) is for the files service to say."""
        if isinstance(raw, str) and not reading.strict:
            parts = [part for part in raw.split("\n") if part.strip()]
            if reading.titles and any(ref_of(part) is None for part in parts):
                return Problem(field.key, BY_UPLOAD, severity="warning", code="file_import")
            raw = parts
        if raw is None:
            return None
        if not isinstance(raw, list | tuple) or isinstance(raw, FileRef):
            return wrong_type(field, KIND)
        found: dict[str, FileRef] = {}
        for part in raw:
            ref = ref_of(part)
            if ref is None:
                return wrong_type(field, KIND)
            if ref.size == LOST:
                return problem(field, "file", GONE)
            if refused := self.refused(field, ref):
                return refused
            found.setdefault(ref.id, ref)
        if len(found) > max(1, field.max_files):
            most, many = max(1, field.max_files), len(found)
            return problem(field, "too_many", Text(f"最多 {most} 个文件，现有 {many} 个", f"At most {most} file{'s' * (most > 1)}; there are {many}"))
        return list(found.values()) or None

    def refused(self, field: FieldSpec, ref: FileRef) -> Problem | None:
        """What keeps a file out of this field."""
        return None

    def text(self, field: FieldSpec, value: Any, locale: str, zone: object = None) -> str:
        return Text("、", ", ").of(locale).join(ref.name for ref in value or ())

    def entry(self, field: FieldSpec, value: Any, reading: Reading = FORM) -> str:
        """In a table the names: the bytes do not travel."""
        return "; ".join(ref.name for ref in value or ()) if reading.titles else "\n".join(ref.text for ref in value or ())

    def json(self, field: FieldSpec, value: Any) -> Any:
        return None if value is None else [{"id": r.id, "name": r.name, "type": r.type, "size": r.size, "url": r.url} for r in value]

    def schema(self, field: FieldSpec) -> dict[str, Any]:
        """An id is enough where it is written; the other members are as they were when the file was added."""
        members = {"id": {"type": "string", "pattern": f"^{ID.pattern}$"}, "name": {"type": "string"}, "type": {"type": "string"}}
        shape = {"type": "object", "properties": {**members, "size": {"type": "integer"}, "url": {"type": "string"}}, "required": ["id"]}
        one = {"anyOf": [{**shape, "additionalProperties": False}, {"type": "string"}]}
        return {"type": "array", "items": one, "maxItems": max(1, field.max_files)}

    def to_expression(self, field: FieldSpec, value: Any) -> Any:
        return None if value is None else [ref.text for ref in value]

    def from_expression(self, field: FieldSpec, value: Any) -> Any:
        return None if not value else refs_of(value)

    def sql_value(self, field: FieldSpec, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.type_coerce(column, sa.Text())
