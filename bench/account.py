"""An object of thirty entered and five computed fields, its values, and files of them: what imports and saves are measured on."""

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xlsxwriter

from server.config.document import Document

OPTIONS = {"region": ("north", "south", "east", "west"), "grade": ("a", "b", "c"), "stage": ("lead", "active", "lost"), "channel": ("web", "shop", "agent")}


@dataclass(frozen=True)
class Entered:
    """One field that is entered. `kind`: the type of the field; `most`: length of text or largest number."""

    key: str
    kind: str
    most: int = 0
    required: bool = False


FIELDS = (
    Entered("code", "text", 20, required=True), Entered("name", "text", 120, required=True), Entered("contact", "text", 60),
    Entered("phone", "phone"), Entered("mail", "email"), Entered("region", "choice", required=True), Entered("grade", "choice"),
    Entered("stage", "choice"), Entered("channel", "choice"), Entered("city", "text", 60), Entered("street", "text", 120),
    Entered("staff", "integer", 1_000_000), Entered("branches", "integer", 10_000), Entered("founded", "integer", 2100), Entered("visits", "integer", 10_000),
    Entered("limit_amount", "decimal", 10**9), Entered("balance", "decimal", 10**9), Entered("overdue", "decimal", 10**9), Entered("deposit", "decimal", 10**9),
    Entered("ratio", "number", 1000), Entered("margin", "number", 1000), Entered("since", "date"), Entered("last_order", "date"), Entered("active", "yes_no"),
    Entered("vip", "yes_no"), Entered("web", "link"), Entered("bank", "text", 80), Entered("bank_account", "text", 40), Entered("owner", "text", 40),
    Entered("note", "long_text", 2000),
)  # fmt: skip
IMPORTED = FIELDS[:25]
COMPUTED = {
    "free": ("decimal", "limit_amount - balance"),
    "used_pct": ("number", "safe_ratio(balance, limit_amount) * 100"),
    "overdue_pct": ("number", "safe_ratio(overdue, balance) * 100"),
    "per_branch": ("number", "staff / branches"),
    "size": ("text", 'case(staff >= 500, "large", staff >= 50, "medium", "small")'),
}
CHECKS = (("overdue <= balance", "balance"), ("last_order >= since", "last_order"), ("founded >= 1800", "founded"))


def _title(text: str) -> dict[str, str]:
    return {"en": text.replace("_", " ").capitalize(), "zh_CN": text}


def account(key: str, *, assessed: bool) -> list[Document]:
    """The object; with a score, a classification and an alert where it is assessed."""
    properties: dict[str, dict[str, Any]] = {}
    for f in FIELDS:
        bounds = {"maxLength": f.most} if f.kind in {"text", "long_text"} else {"minimum": 0, "maximum": f.most} if f.most else {}
        properties[f.key] = {"x-type": f.kind, "x-title": _title(f.key), **bounds}
        if f.kind == "decimal":
            properties[f.key]["x-decimals"] = 2
        if f.kind == "choice":
            properties[f.key]["x-options"] = [{"key": o, "title": _title(o)} for o in OPTIONS[f.key]]
    properties["code"]["x-unique"] = True
    for name, (kind, text) in COMPUTED.items():
        properties[name] = {"x-type": kind, "x-title": _title(name), "x-computed": text, **({"x-decimals": 2} if kind == "decimal" else {})}
    checks = [{"when": when, "field": field, "message": _title(f"{field} does not fit")} for when, field in CHECKS]
    required = [f.key for f in FIELDS if f.required]
    body = {"kind": "object", "key": key, "title": _title(key), "name_field": "name", "checks": checks}
    body["schema"] = {"type": "object", "required": required, "properties": properties}
    if not assessed:
        return [Document("object", key, body)]
    factors = [
        {"key": "used", "title": _title("used"), "value": "used_pct", "weight": 60, "missing": "neutral",
         "bands": [{"op": "<=", "value": 50, "points": 0}, {"op": "<=", "value": 90, "points": 40}, {"points": 100}]},
        {"key": "late", "title": _title("late"), "value": "overdue_pct", "weight": 40, "missing": "skip",
         "bands": [{"op": "<=", "value": 5, "points": 0}, {"op": "<=", "value": 20, "points": 50}, {"points": 100}]},
    ]  # fmt: skip
    score = {"kind": "score", "key": f"{key}_risk", "title": _title("risk"), "object": key, "coverage_key": f"{key}_coverage", "factors": factors}
    return [Document("object", key, {**body, "assess": {"when": "active"}}), Document("score", f"{key}_risk", score)]


def values(n: int) -> Iterator[dict[str, str]]:
    """Good values as they are typed, the same every time."""
    rng = random.Random(3)
    for i in range(n):
        limit, since = rng.randrange(1_000_000, 9_000_000), rng.randrange(2001, 2020)
        balance = rng.randrange(limit)
        money = {"limit_amount": limit, "balance": balance, "overdue": rng.randrange(balance + 1), "deposit": rng.randrange(100_000)}
        yield {
            "code": f"A-{i:08d}", "name": f"Customer {i} Trading Co., Ltd.", "contact": f"Person {i % 977}", "phone": f"+86 138{i % 10**8:08d}",
            "mail": f"office{i}@example.com", **{key: rng.choice(options) for key, options in OPTIONS.items()}, "city": f"City {i % 300}",
            "street": f"{i % 999} Long Street", "staff": str(rng.randrange(1, 5000)), "branches": str(rng.randrange(1, 90)), "founded": str(since - 1),
            "visits": str(rng.randrange(200)), **{key: f"{cents / 100:.2f}" for key, cents in money.items()}, "ratio": f"{rng.random() * 100:.4f}",
            "margin": f"{rng.random() * 40:.3f}", "since": f"{since}-0{rng.randrange(1, 10)}-{rng.randrange(10, 28)}",
            "last_order": f"2026-0{rng.randrange(1, 7)}-{rng.randrange(10, 28)}", "active": "true", "vip": rng.choice(("true", "false")),
            "web": f"https://example.com/{i}", "bank": "Bank of Clear River", "bank_account": f"6222 {i:012d}", "owner": f"user{i % 50}",
            "note": f"Met at the fair; wants to see terms for {i % 90} days.",
        }  # fmt: skip


def csv_file(path: Path, n: int) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([f.key for f in IMPORTED])
        writer.writerows([row[f.key] for f in IMPORTED] for row in values(n))
    return path


def xlsx_file(path: Path, n: int) -> Path:
    book = xlsxwriter.Workbook(path, {"constant_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, [f.key for f in IMPORTED])
    numbers = {"integer", "decimal", "number"}
    for at, row in enumerate(values(n), 1):
        sheet.write_row(at, 0, [float(row[f.key]) if f.kind in numbers else row[f.key] for f in IMPORTED])
    book.close()
    return path
