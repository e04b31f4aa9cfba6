"""Pictures that people add to a record: shown small in lists and forms, and taken with the camera on a phone."""

from server.errors import Problem, Text
from server.fields.base import FieldSpec, problem
from server.fields.file import IMAGES, FileField, FileRef


class ImageField(FileField):
    key = "image"
    title = Text("图片", "Pictures")
    widget = "image"

    def refused(self, field: FieldSpec, ref: FileRef) -> Problem | None:
        if not ref.type or ref.type in IMAGES:
            return None
        said = Text(f"“{ref.name}”不是图片", f"“{ref.name}” is not a picture")
        return problem(field, "image", said, Text("请用 JPEG、PNG、WebP 或 GIF", "Use JPEG, PNG, WebP or GIF"))
