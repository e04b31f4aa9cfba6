"""The results of an assessment worked out from the documents and all rows, one value at a time: no SQL but reading whole tables, exact fractions for
sums, days counted one by one. Texts are run by the reference evaluator. What it shares with the product is the checked documents and nothing more.
"""

import calendar
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor, sqrt
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.expressions.check import check
from server.expressions.checked import Checked
from server.expressions.evaluate import evaluate
from server.expressions.types import INTEGER, NUMBER, At, Name, Scope
from server.feature import Work
from server.features.objects import engine as objects
from server.features.objects import results

Row = dict[str, Any]
POLICIES = {"neutral": 50, "worst": 100}
NEVER = At.end_of(date(2000, 1, 1), ZoneInfo("UTC"))


class Brute:
    def __init__(self, work: Work, at: At, object_key: str = "client", known: Mapping[str, Any] | None = None) -> None:
        """`known`: the population's values where an earlier run has worked them out; else they are worked out here."""
        self.catalog: Catalog = work.catalog
        self.at, self.object_key = at, object_key
        self.rows = {o.key: self._read(work, o.key) for o in self.catalog.all("object")}
        self.documents = {
            kind: {k: d.body for (of, k), d in self.catalog.documents.items() if of == kind}
            for kind in ("indicator", "score", "classification", "matrix", "risk_type")
        }
        self.scope = results.scope(self.catalog, object_key)
        self.cells: dict[tuple[int, str], Any] = {}
        self.texts: dict[tuple[str, str], Checked] = {}
        self.seen: dict[tuple[str, int, str], Any] = {}
        self.scalars: dict[str, Any] = dict(known or {})
        self.members = [i for i in sorted(self.rows[object_key]) if self._is_member(i)]

    def _read(self, work: Work, key: str) -> dict[int, Row]:
        table, object_type = objects.tables(self.catalog)[key], self.catalog.get("object", key)
        found = work.session.execute(sa.select(table)).mappings()
        return {row["id"]: objects.expression_values(object_type, row) | {"deleted_at": row["deleted_at"]} for row in found}

    def results(self) -> dict[int, dict[str, Any]]:
        names = list(results.outputs(self.catalog, self.object_key))
        return {i: {name: self.cell(i, name) for name in names} for i in self.members}

    def _is_member(self, record: int) -> bool:
        when = self.catalog.get("object", self.object_key).assessed_when
        return self._alive(self.object_key, record) and (not when or self._run(self.object_key, record, when) is True)

    # -- Fields

    def _alive(self, object_key: str, record: int) -> bool:
        return self.rows[object_key][record]["deleted_at"] is None

    def field(self, object_key: str, record: int, name: str) -> Any:
        """A field of a record as an expression sees it, those that follow the time or other records too."""
        place = (object_key, record, name)
        if place not in self.seen:
            self.seen[place] = self._field(object_key, record, name)
        return self.seen[place]

    def _field(self, object_key: str, record: int, name: str) -> Any:
        row, object_type = self.rows[object_key][record], self.catalog.get("object", object_key)
        head, dot, rest = name.partition(".")
        if dot:
            other = row[head]
            return None if other is None else self.field(object_type.fields[head].reference, other, rest)
        known = object_type.fields.get(name)
        if known is None or objects.is_stored(known, object_type):
            return row[name]
        if known.rollup is not None:
            return self._rollup(known, record)
        checked = objects.formulas(self.catalog, object_key)[name].checked
        return evaluate(checked, {n: self.field(object_key, record, n) for n in checked.names}, self.at)

    def _rollup(self, known: Any, record: int) -> Any:
        rollup = known.rollup
        mine = [i for i, row in self.rows[rollup.object].items() if row["deleted_at"] is None and row[rollup.by] == record]
        mine = [i for i in mine if not rollup.filter or self._run(rollup.object, i, rollup.filter) is True]
        values = [self.field(rollup.object, i, rollup.field) if rollup.field else i for i in mine]
        given = [v for v in values if v is not None]
        if rollup.aggregate == "count":
            return len(given)
        if rollup.aggregate in ("min", "max"):
            return (min if rollup.aggregate == "min" else max)(given, default=None)
        total = float(sum(map(exact, given)))
        decimals = known.decimals if known.type in ("decimal", "percent") else known.decimals or 6
        if rollup.aggregate == "avg":
            return rounded(total / len(given), decimals) if given else None
        return int(total) if known.type == "integer" else rounded(total, decimals)

    # -- Texts

    def _checked(self, object_key: str, text: str, scope: Scope) -> Checked:
        if (object_key, text) not in self.texts:
            checked, problems = check(text, scope)
            assert checked is not None, problems
            self.texts[object_key, text] = checked
        return self.texts[object_key, text]

    def _run(self, object_key: str, record: int, text: str, subject: int | None = None) -> Any:
        """A text over a record of an object; `subject.` names are those of the subject."""
        names = dict(objects.scope(self.catalog, object_key).names)
        names |= {f"subject.{n}": known for n, known in objects.scope(self.catalog, self.object_key, references=False).names.items()}
        checked = self._checked(object_key, text, Scope(names))
        place = (object_key, record, f"{text}\n{subject if any(n.startswith('subject.') for n in checked.names) else ''}")
        if place not in self.seen:
            values = {}
            for n in checked.names:
                if n.startswith("subject."):
                    assert subject is not None
                    values[n] = self.field(self.object_key, subject, n.removeprefix("subject."))
                else:
                    values[n] = self.field(object_key, record, n)
            self.seen[place] = evaluate(checked, values, self.at)
        return self.seen[place]

    def _over(self, record: int, text: str) -> Any:
        """A text over the subject and its results."""
        checked = self._checked("", text, self.scope)
        return evaluate(checked, {n: self.cell(record, n) for n in checked.names}, self.at)

    # -- Results

    def cell(self, record: int, name: str) -> Any:
        """An output or a field of a subject."""
        if (record, name) not in self.cells:
            self.cells[record, name] = self._cell(record, name)
        return self.cells[record, name]

    def _cell(self, record: int, name: str) -> Any:
        output = results.names(self.catalog, self.object_key).get(name)
        if output is None:
            return self.field(self.object_key, record, name)
        body = self.documents[output.kind][output.document]
        if output.population:
            return self._scalar(body)
        if output.kind == "indicator":
            return self._indicator(record, body, output.part)
        if output.kind == "score":
            return self._coverage(record, body) if output.part == "coverage" else self._score(record, body)
        if output.kind == "classification":
            return self._first_met(record, body["rows"])
        if output.kind == "matrix":
            level = name.removesuffix("_type_count")
            types = [k for k, b in self.documents["risk_type"].items() if b["matrix"] == output.document and b["object"] == self.object_key]
            return sum(self.cell(record, k) == level for k in types)
        if output.part:
            return self._first_met(record, body[output.part])
        return self._level(body, self.cell(record, f"{output.document}_likelihood"), self.cell(record, f"{output.document}_impact"))

    def _first_met(self, record: int, rows: Sequence[Mapping[str, Any]]) -> Any:
        return next((r["value"] for r in rows if not r.get("when") or self._over(record, r["when"]) is True), None)

    def _level(self, body: Mapping[str, Any], likelihood: str, impact: str) -> str:
        grid = self.documents["matrix"][body["matrix"]]
        row = [x["key"] for x in grid["likelihood"]].index(likelihood)
        level: str = grid["cells"][row][[x["key"] for x in grid["impact"]].index(impact)]
        return level

    def _scalar(self, body: Mapping[str, Any]) -> Any:
        key = body["key"]
        if key not in self.scalars:
            counted = [i for i in self.members if not body.get("filter") or self._over(i, body["filter"]) is True]
            values = [v for i in counted if (v := self._over(i, body["value"]) if body.get("value") else 1) is not None]
            self.scalars[key] = rounded(combined(body, values, [], []), body.get("decimals", 6))
        return self.scalars[key]

    # -- Scores

    def _factors(self, record: int, body: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Any]]:
        for f in body["factors"]:
            value = self._over(record, f["value"])
            yield f, rounded(value, 6) if self._checked("", f["value"], self.scope).type == NUMBER else value

    def _score(self, record: int, body: Mapping[str, Any]) -> float | None:
        points = weights = Fraction(0)
        for f, value in self._factors(record, body):
            policy = f.get("missing", "neutral")
            if value is None and policy == "block":
                return None
            if value is None and policy == "skip":
                continue
            given = POLICIES[policy] if value is None else next((b["points"] for b in f["bands"] if self._in_band(b, value)), 0)
            points += exact(f["weight"]) * exact(given)
            weights += exact(f["weight"])
        return rounded(float(points / weights), body.get("decimals", 1)) if weights else None

    def _in_band(self, band: Mapping[str, Any], value: Any) -> bool:
        op, bound = band.get("op", ""), band.get("value")
        return (
            not op
            or {">=": lambda: value >= bound, ">": lambda: value > bound, "<=": lambda: value <= bound, "<": lambda: value < bound}.get(
                op, lambda: value == bound
            )()
        )

    def _coverage(self, record: int, body: Mapping[str, Any]) -> float | None:
        found = [(exact(f["weight"]), value is not None) for f, value in self._factors(record, body)]
        everything = sum(w for w, _ in found)
        return rounded(float(sum(w for w, there in found if there) / everything * 100), 1) if everything else None

    # -- Indicators

    def _indicator(self, record: int, body: Mapping[str, Any], part: str) -> Any:
        key, kind = body["key"], results.names(self.catalog, self.object_key)[body["key"]].type
        if part in ("change", "change_pct"):
            when = body["previous"].get("when")
            if when and self._over(record, when) is not True:
                return None
            values = {"now": self.cell(record, key), "before": self.cell(record, f"{key}_prev")}
            text = "now - before" if part == "change" else "percent_change(now, before)"
            found = evaluate(self._checked("-", text, Scope({"now": Name(NUMBER), "before": Name(NUMBER)})), values, self.at)
            return rounded(found, 1 if part == "change_pct" else body.get("decimals", 6))
        if body.get("source"):
            found = self._aggregate(record, body, body["previous"] if part == "prev" else None)
        else:
            found = self._over(record, body["expression"])
        found = rounded(found, body.get("decimals", 6)) if kind == NUMBER else found
        missing = body.get("missing", 0 if body.get("aggregate") in ("count", "distinct") else None)
        missing = 0 if missing is None and body.get("aggregate") in ("count", "distinct") else missing
        if found is not None or missing is None or (body.get("missing_when") and self._over(record, body["missing_when"]) is True):
            return found
        return int(missing) if kind == INTEGER else float(missing)

    def _aggregate(self, record: int, body: Mapping[str, Any], previous: Mapping[str, Any] | None) -> Any:
        source, dated = body["source"], body.get("date")
        mine = [i for i in self.rows[source] if self._alive(source, i) and self._belongs(source, i, record, body)]
        if dated:
            first, last = stretch(body.get("window"), previous, self.at.today)
            mine = [i for i in mine if (day := self._day(source, i, dated)) is not None and (first is None or first <= day) and day <= last]
        mine = [i for i in mine if not body.get("filter") or self._run(source, i, body["filter"], record) is True]
        mine.sort(key=lambda i: ((self.field(source, i, dated),) if dated else ()) + (i,))
        given = [(i, v) for i in mine if (v := self._run(source, i, body["value"], record) if body.get("value") else 1) is not None]
        divisors = [self._run(source, i, body["divisor"], record) for i in mine] if body.get("divisor") else []
        days = [self._day(source, i, dated) for i, _ in given] if dated else []
        return combined(body, [v for _, v in given], divisors, days)

    def _belongs(self, source: str, record: int, subject: int, body: Mapping[str, Any]) -> bool:
        if body.get("match"):
            return self._run(source, record, body["match"], subject) is True
        at, object_key = record, source
        steps = body["join"].split(".")
        for n, field in enumerate(steps):
            following = self.rows[object_key][at][field]
            if following is None:
                return False
            at, object_key = following, self.catalog.get("object", object_key).fields[field].reference
            if n < len(steps) - 1 and not self._alive(object_key, at):
                return False
        return at == subject

    def _day(self, source: str, record: int, name: str) -> date | None:
        value = self.field(source, record, name)
        return value.astimezone(self.at.zone).date() if hasattr(value, "astimezone") else value


# -- Arithmetic --------------------------------------------------------------------------------------------------------------


def exact(value: Any) -> Fraction:
    return Fraction(Decimal(repr(value)))


def rounded(value: Any, decimals: int) -> float | None:
    checked, _ = check(f"round(value, {decimals})", Scope({"value": Name(NUMBER)}))
    assert checked is not None
    found: float | None = None if value is None else evaluate(checked, {"value": float(value)}, NEVER)
    return found


def combined(body: Mapping[str, Any], values: list[Any], divisors: list[Any], days: Sequence[Any]) -> Any:
    """Known values in their order, made into one."""
    aggregate = body["aggregate"]
    if not values:
        return None
    simple = {"count": len, "distinct": lambda v: len(set(v)), "first": lambda v: v[0], "last": lambda v: v[-1], "min": min, "max": max}
    if aggregate in simple:
        return simple[aggregate](values)
    given = [exact(v) for v in values]
    total = sum(given)
    if aggregate == "sum":
        return int(total) if all(isinstance(v, int) for v in values) else float(total)
    if aggregate == "avg":
        return float(total / len(given))
    if aggregate == "ratio":
        below = [exact(d) for d in divisors if d is not None]
        return float(total / sum(below) * exact(body.get("scale", 1))) if below and sum(below) else None
    if aggregate in ("median", "percentile"):
        return float(_percentile(sorted(given), exact(body.get("percent", 50)) if aggregate == "percentile" else Fraction(50)))
    mean = total / len(given)
    if aggregate == "stddev":
        return sqrt(sum((v - mean) ** 2 for v in given) / (len(given) - 1)) if len(given) > 1 else None
    return _slope(given, mean, [Fraction(day.toordinal()) for day in days])


def _percentile(ordered: list[Fraction], percent: Fraction) -> Fraction:
    place = (len(ordered) - 1) * percent / 100
    low = floor(place)
    above = ordered[min(low + 1, len(ordered) - 1)]
    return ordered[low] + (above - ordered[low]) * (place - low)


def _slope(values: list[Fraction], mean: Fraction, days: list[Fraction]) -> float | None:
    middle = sum(days) / len(days)
    spread = sum((day - middle) ** 2 for day in days)
    shared = sum((day - middle) * (value - mean) for day, value in zip(days, values, strict=True))
    return float(shared / spread) if spread else None


# -- Days --------------------------------------------------------------------------------------------------------------------


def stretch(window: Mapping[str, Any] | None, previous: Mapping[str, Any] | None, as_of: date) -> tuple[date | None, date]:
    """The first and the last day that count, by walking back through the calendar."""
    last, unit, span = (window or {}).get("last", 1), (window or {}).get("unit", "days"), (window or {}).get("span", "")
    if previous is not None and previous["unit"] == "windows":
        moved, steps = (unit, previous["back"] * (1 if span == "to_date" else last)) if window else ("days", 0)
    else:
        moved, steps = (previous["unit"], previous["back"]) if previous else ("days", 0)
    end = earlier(as_of, steps, moved)
    if not window:
        return None, end
    if span == "to_date":
        return _first_of_period(end, unit), end
    if span == "whole":
        end = first = _first_of_period(end, unit)
        for _ in range(last):
            first = _first_of_period(first - timedelta(days=1), unit)
        return first, end - timedelta(days=1)
    if moved in MONTHS and unit in MONTHS:  # months are gone back in one step
        return earlier(as_of, steps * MONTHS[moved] + last * MONTHS[unit], "months") + timedelta(days=1), end
    if moved in MONTHS or unit not in MONTHS:
        return earlier(end, last, unit) + timedelta(days=1), end
    return earlier(earlier(as_of, last, unit), steps, moved) + timedelta(days=1), end  # months before days


MONTHS = {"months": 1, "quarters": 3, "years": 12}


def earlier(day: date, steps: int, unit: str) -> date:
    if unit not in MONTHS:
        return day - timedelta(days=steps * (7 if unit == "weeks" else 1))
    year, month = day.year, day.month
    for _ in range(steps * MONTHS[unit]):
        year, month = (year - 1, 12) if month == 1 else (year, month - 1)
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _first_of_period(day: date, unit: str) -> date:
    def period(d: date) -> tuple[int, ...]:
        return {
            "days": (d.toordinal(),),
            "weeks": d.isocalendar()[:2],
            "months": (d.year, d.month),
            "quarters": (d.year, (d.month + 2) // 3),
            "years": (d.year,),
        }[unit]

    first = day
    while period(first - timedelta(days=1)) == period(day):
        first -= timedelta(days=1)
    return first
