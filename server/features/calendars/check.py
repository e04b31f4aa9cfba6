"""What the meta-schema cannot say about a calendar: there is one, its hours follow each other, its days are days."""

from collections.abc import Iterator

from server.config.catalog import Catalog
from server.errors import Problem, Text
from server.features.calendars.kind import DAY, Calendar

MOST_DAYS = 366  # in one line


def check(calendar: Calendar, catalog: Catalog) -> Iterator[Problem]:
    others = [c for c in catalog.all("calendar") if c.key != calendar.key]
    if others:
        message = Text(f"只能有一个工作日历，已有“{others[0].title.zh}”", f"There is one working calendar, and “{others[0].title.en}” is it")
        yield Problem("", message, Text("请修改它，或先删除它", "Change that one, or delete it first"), code="one_only")
    before = None
    for i, (begins, ends) in enumerate(calendar.hours):
        if ends <= begins:
            yield Problem(f"/hours/{i}/to", Text("结束应晚于开始", "The end must lie after the beginning"), code="order")
        elif before is not None and begins < before:
            yield Problem(f"/hours/{i}/from", Text("与上一段重叠，或没有按先后排列", "Overlaps the hours above it, or does not follow them"), code="overlap")
        before = max(ends, before) if before is not None else ends
    for i, days in enumerate(calendar.off):
        if days.last < days.first:
            yield Problem(f"/off/{i}/to", Text("最后一天早于第一天", "The last day lies before the first"), code="order")
        elif days.last - days.first >= MOST_DAYS * DAY:
            yield Problem(f"/off/{i}/to", Text(f"一行最多 {MOST_DAYS} 天", f"At most {MOST_DAYS} days in one line"), code="too_long")
    seen = set()
    for i, days in enumerate(calendar.on):
        if days.first in seen:
            yield Problem(f"/on/{i}/day", Text("这一天已列出", "The day is there already"), code="duplicate")
        seen.add(days.first)
        is_off = any(off.first <= days.first <= off.last for off in calendar.off)
        if days.first.weekday() in calendar.weekdays and not is_off:
            message = Text("这一天本来就上班", "The day is worked anyway")
            yield Problem(f"/on/{i}/day", message, severity="warning", code="needless")
