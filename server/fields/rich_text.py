"""A note with headings, lists, emphasis and links: HTML of a short list of tags, made safe whenever it comes in. Expressions see its HTML."""

import html
import re
from typing import Any

import nh3

from server.errors import Problem, Text
from server.fields.base import FORM, FieldSpec, Reading, clean, length_problem, wrong_type
from server.fields.line import Line
from server.fields.quick import Quick

TAGS = {"p", "br", "h3", "h4", "strong", "em", "b", "i", "u", "s", "ul", "ol", "li", "blockquote", "code", "pre", "a", "hr"}
ATTRIBUTES = {"a": {"href"}}
SCHEMES = {"http", "https", "mailto"}
TAG = re.compile(r"</?[a-zA-Z]")
LINE_ENDS = re.compile(r"<(?:br|hr)[^>]*>|</(?:p|h3|h4|li|blockquote|pre)>")


def safe(markup: str) -> str:
    """What may be shown: no scripts, no styles, no pictures, links to http, https and mailto alone."""
    return nh3.clean(markup, tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel="noopener noreferrer nofollow")


def plain(markup: str) -> str:
    """Its words, a line for each paragraph and item."""
    text = html.unescape(nh3.clean(LINE_ENDS.sub(lambda m: m[0] + "\n", markup), tags=set()))
    return "\n".join(line for part in text.split("\n") if (line := part.strip()))


class RichTextField(Line):
    key = "rich_text"
    title = Text("富文本", "Rich note")
    widget = "rich_text"
    searchable = True
    limit = 100_000  # of the HTML

    def parse(self, field: FieldSpec, raw: Any, reading: Reading = FORM) -> Any:
        """HTML; text without a tag is taken as it reads, its lines as paragraphs."""
        if raw is None:
            return None
        if not isinstance(raw, str):
            return wrong_type(field, Text("文本", "text"))
        text = clean(field, raw, lines=True)
        if not text or isinstance(text, Problem):
            return text or None
        if too_long := length_problem(field, text, self.limit):
            return too_long
        markup = safe(text) if TAG.search(text) else ""
        if not TAG.search(markup):
            words = html.unescape(markup) if markup else text if not TAG.search(text) else ""
            markup = "".join(f"<p>{html.escape(line, quote=False)}</p>" for line in words.split("\n") if line.strip())
            markup = safe(markup)
        return (length_problem(field, markup, self.limit) or markup) if plain(markup) else None

    def quick(self, field: FieldSpec, reading: Reading) -> Quick | None:
        return None

    def text(self, field: FieldSpec, value: Any, locale: str, zone: object = None) -> str:
        return "" if value is None else plain(value)
