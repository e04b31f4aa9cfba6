"""A number that is given at creation by a pattern, such as C-{seq:5} or HT{year}{month}-{seq:4}. Who brings one along (an import) keeps it.

With {year} in it the sequence begins anew each year, with {month} too each month, by the organisation's calendar. The counting is the records'
service's: without gaps, since the next number is taken in the transaction that saves the record.
"""

import re
from dataclasses import dataclass
from datetime import date

from server.errors import Text
from server.fields.line import Line

PART = re.compile(r"\{(year|yy|month|seq(?::[1-9])?)\}")


class SerialField(Line):
    key = "serial"
    title = Text("编号", "Serial number")
    widget = "serial"
    limit = 60
    searchable = True


@dataclass(frozen=True)
class Numbering:
    """A pattern on a day: what stands before and behind the sequence, its width, and the period that the sequence is counted in ("" for ever)."""

    prefix: str
    width: int
    suffix: str
    period: str

    def text(self, number: int) -> str:
        return f"{self.prefix}{number:0{self.width}d}{self.suffix}"


def numbering(pattern: str, day: date) -> Numbering:
    said = {"year": f"{day.year:04d}", "yy": f"{day.year % 100:02d}", "month": f"{day.month:02d}"}
    parts = PART.split(pattern)  # text, part, text, part, ... text
    names = parts[1::2]
    at = next((i for i, name in enumerate(names) if name.startswith("seq")), None)
    yearly = "year" in names or "yy" in names
    period = "" if not yearly else said["year"] + (f"-{said['month']}" if "month" in names else "")
    if at is None:  # the check refuses it
        return Numbering(pattern, 0, "", "")
    words = [said.get(part, "") if i % 2 else part for i, part in enumerate(parts)]
    width = int(names[at].partition(":")[2] or 0)
    return Numbering("".join(words[: 2 * at + 1]), width, "".join(words[2 * at + 2 :]), period)


def pattern_problem(pattern: str) -> Text | None:
    """What is wrong with a pattern, for its author."""
    names = PART.findall(pattern)
    if "{" in PART.sub("", pattern) or "}" in PART.sub("", pattern):
        return Text("花括号里只能是 {year}、{yy}、{month}、{seq} 或 {seq:5}", "Braces may hold {year}, {yy}, {month}, {seq} or {seq:5}")
    if sum(name.startswith("seq") for name in names) != 1:
        return Text("格式里要有一处顺序号，如 {seq:5}", "The pattern needs the sequence once, such as {seq:5}")
    if "month" in names and not {"year", "yy"} & set(names):
        return Text("有 {month} 就要有 {year}，否则明年会重号", "{month} needs {year}: without it numbers would come again next year")
    return None
