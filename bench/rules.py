"""Three expressions as a business writes them, and each as a person writes it in Python: for the same meaning, null included.

By hand means with care: what is missing is tested once, and nothing is done that the meaning does not ask for.
"""

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from server.expressions.types import INTEGER, NUMBER, TEXT, Name, Scope

Values = Mapping[str, Any]
SCOPE = Scope(
    {
        "purchases_90d": Name(INTEGER),
        "complaints": Name(INTEGER),
        "days_since_order": Name(INTEGER),
        "overdue_days": Name(INTEGER),
        "returned_90d": Name(INTEGER),
        "years": Name(INTEGER),
        "amount_90d": Name(NUMBER),
        "growth": Name(NUMBER),
        "overdue_amount": Name(NUMBER),
        "limit_amount": Name(NUMBER),
        "utilization": Name(NUMBER),
        "region": Name(TEXT),
        "tier": Name(TEXT),
        "level": Name(TEXT),
        "contact": Name(TEXT),
        "city": Name(TEXT),
    }
)

RULE = "purchases_90d < 3 and complaints >= 2"


def rule(r: Values) -> bool | None:
    purchases, complaints = r.get("purchases_90d"), r.get("complaints")
    if purchases is not None and purchases >= 3:
        return False
    if complaints is not None and complaints < 2:
        return False
    if purchases is None or complaints is None:
        return None
    return True


SCORE = """15 * min(purchases_90d, 10) / 10
+ 10 * min(coalesce(amount_90d, 0) / 50000, 1)
+ (8 if days_since_order <= 30 else 4 if days_since_order <= 90 else 0)
+ max(0, 10 - complaints * 3)
+ min(max(growth, -20), 20) / 4
+ (5 if region == "east" else 3 if region == "north" else 2)
- min(overdue_days, 90) / 3
- 25 * min(coalesce(overdue_amount, 0) / max(coalesce(limit_amount, 0), 1), 1)
+ (6 if tier == "gold" else 3 if tier == "silver" else 0)
+ min(years, 10) * 0.8
- (10 if returned_90d > 3 and purchases_90d < 20 else 5 if returned_90d > 1 else 0)
- max(0, coalesce(utilization, 0) - 0.8) * 40
"""


def score(r: Values) -> Any:
    purchases, complaints, growth = r.get("purchases_90d"), r.get("complaints"), r.get("growth")
    overdue, years = r.get("overdue_days"), r.get("years")
    if purchases is None or complaints is None or growth is None or overdue is None or years is None:
        return None
    amount, late, limit, used = r.get("amount_90d"), r.get("overdue_amount"), r.get("limit_amount"), r.get("utilization")
    days, returned, region, tier = r.get("days_since_order"), r.get("returned_90d"), r.get("region"), r.get("tier")
    amount = 0.0 if amount is None else amount
    late = 0.0 if late is None else late
    limit = 0.0 if limit is None else limit
    used = 0.0 if used is None else used
    return (
        15 * min(purchases, 10) / 10
        + 10 * min(amount / 50000, 1)
        + (0 if days is None else 8 if days <= 30 else 4 if days <= 90 else 0)
        + max(0, 10 - complaints * 3)
        + min(max(growth, -20), 20) / 4
        + (5 if region == "east" else 3 if region == "north" else 2)
        - min(overdue, 90) / 3
        - 25 * min(late / max(limit, 1), 1)
        + (6 if tier == "gold" else 3 if tier == "silver" else 0)
        + min(years, 10) * 0.8
        - (0 if returned is None else 10 if returned > 3 and purchases < 20 else 5 if returned > 1 else 0)
        - max(0, used - 0.8) * 40
    )


TABLE = """case(
level == "D" and overdue_days > 90, "legal",
level == "D" and overdue_days > 60, "stop deliveries",
level == "D" and overdue_amount >= 100000, "visit at once",
level == "D" and overdue_amount >= 20000, "visit",
level == "D", "call",
level == "C" and overdue_days > 90, "stop deliveries",
level == "C" and overdue_days > 30 and overdue_amount >= 50000, "visit",
level == "C" and overdue_days > 30, "call",
level == "C" and overdue_amount >= 80000, "reduce limit",
level == "C", "watch",
level == "B" and overdue_days > 90 and overdue_amount >= 10000, "visit",
level == "B" and overdue_days > 60, "call",
level == "B" and overdue_days > 15 and overdue_amount >= 30000, "letter",
level == "B" and overdue_days > 15, "mail",
level == "B" and overdue_amount >= 120000, "watch",
level == "B", "keep",
level == "A" and overdue_days > 60, "call",
level == "A" and overdue_days > 30, "mail",
level == "A" and overdue_amount >= 200000, "watch",
level == "A", "thank",
"assess")"""


def table(r: Values) -> str:
    level, days, amount = r.get("level"), r.get("overdue_days"), r.get("overdue_amount")
    if days is None:
        days = -math.inf
    if amount is None:
        amount = -math.inf
    if level == "D" and days > 90:
        return "legal"
    if level == "D" and days > 60:
        return "stop deliveries"
    if level == "D" and amount >= 100000:
        return "visit at once"
    if level == "D" and amount >= 20000:
        return "visit"
    if level == "D":
        return "call"
    if level == "C" and days > 90:
        return "stop deliveries"
    if level == "C" and days > 30 and amount >= 50000:
        return "visit"
    if level == "C" and days > 30:
        return "call"
    if level == "C" and amount >= 80000:
        return "reduce limit"
    if level == "C":
        return "watch"
    if level == "B" and days > 90 and amount >= 10000:
        return "visit"
    if level == "B" and days > 60:
        return "call"
    if level == "B" and days > 15 and amount >= 30000:
        return "letter"
    if level == "B" and days > 15:
        return "mail"
    if level == "B" and amount >= 120000:
        return "watch"
    if level == "B":
        return "keep"
    if level == "A" and days > 60:
        return "call"
    if level == "A" and days > 30:
        return "mail"
    if level == "A" and amount >= 200000:
        return "watch"
    if level == "A":
        return "thank"
    return "assess"


@dataclass(frozen=True)
class Case:
    name: str
    text: str
    by_hand: Callable[[Values], Any]


CASES = (Case("rule of 2 conditions", RULE, rule), Case("score of 12 factors", SCORE, score), Case("table of 20 rows", TABLE, table))


def records(count: int, seed: int, *, missing: float = 0.0) -> list[dict[str, Any]]:
    """Customers with 16 fields; so large a part of the values null or not there at all."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        record: dict[str, Any] = {
            "purchases_90d": chance.randrange(0, 8) if chance.random() < 0.7 else chance.randrange(0, 60),
            "complaints": chance.randrange(0, 5),
            "days_since_order": chance.randrange(0, 200),
            "overdue_days": chance.choice((0, 0, 10, 20, 40, 70, 100)),
            "returned_90d": chance.randrange(0, 6),
            "years": chance.randrange(0, 15),
            "amount_90d": round(chance.uniform(0, 90_000), 2),
            "growth": round(chance.uniform(-60, 60), 1),
            "overdue_amount": round(chance.uniform(0, 150_000), 2),
            "limit_amount": round(chance.uniform(0, 300_000), 2),
            "utilization": round(chance.uniform(0, 1.5), 3),
            "region": chance.choice(("east", "north", "south", "west")),
            "tier": chance.choice(("gold", "silver", "none")),
            "level": chance.choice("ABCDE"),
            "contact": "Li Wei",
            "city": "南京",
        }
        for name in list(record):
            if chance.random() < missing:
                record[name] = None
                if chance.random() < 0.5:
                    del record[name]
        made.append(record)
    return made
