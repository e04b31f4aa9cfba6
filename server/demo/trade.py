"""Orders and the invoices made of them: when each customer orders, how much, and when they pay."""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from server.demo.calendar import MONTHS, Timeline, season, working
from server.demo.plan import Plan

Row = dict[str, Any]
SLUMP, SLUMP_MONTHS = 20.0, 6.0  # building materials in the east
PRICE_CUT = 27.0  # competitor A, tools in the south
SUBSIDY = 33.0  # electronics


@dataclass
class Ledger:
    """One customer's trade in the order of time."""

    orders: list[Row]
    invoices: list[Row]


def yuan(value: float) -> Decimal:
    return Decimal(round(value))


def slumped(p: Plan, month: float) -> bool:
    return p.industry == "building_materials" and p.region == "east" and SLUMP <= month < SLUMP + SLUMP_MONTHS


def intensity(p: Plan, day: date, month: float) -> float:
    """How often they order, 1 is their usual pace. 0 means not now."""
    pace = season(day)
    if p.archetype == "seasonal":
        inside = (day.month - p.season_from) % 12 < 5
        return pace * 12 / 5 if inside else 0.0
    if p.growth:
        pace *= (1 + p.growth) ** (month / 12 * 0.6)
    if p.archetype == "late_group":
        pace *= _group_pace(p, month)
    elif p.onset is not None and month > p.onset:
        pace *= _drift(p, month)
    if slumped(p, month):
        pace *= 0.65
    if p.industry == "electronics" and month > SUBSIDY:
        pace *= 1.1
    return pace


def _drift(p: Plan, month: float) -> float:
    onset, depth = p.onset or 0, 3.0 if p.number != 1 else 5.0
    if p.recovers is not None and month > p.recovers:
        return min(1.0, 0.35 + 0.3 * (month - p.recovers))
    return 1 / (1 + (depth - 1) * min((month - onset) / max(p.lasts, 1) * 1.6, 1.0))


def _group_pace(p: Plan, month: float) -> float:
    """Before such a group pays late it orders more."""
    onset = p.onset or 0
    if month < onset - 3 or (p.recovers is not None and month > p.recovers + 2):
        return 1.0
    return 1.3 if month < onset + 3 else 0.8


def lateness(p: Plan, month: float) -> float:
    """Days after the due date, on average, of an invoice due in this month."""
    late = p.late_mean
    if p.archetype == "late_group" and p.onset is not None and month > p.onset:
        worst = month if p.recovers is None else min(month, p.recovers)
        late += 8 * (worst - p.onset)
        if p.recovers is not None and month > p.recovers:
            late = max(p.late_mean, late - 16 * (month - p.recovers))
    elif p.onset is not None and month > p.onset and (p.recovers is None or month < p.recovers):
        late += 3
    if slumped(p, month):
        late += 12
    return late


def trade(p: Plan, time: Timeline) -> Ledger:
    orders: list[Row] = []
    moment = time.day(p.begins).toordinal() + p.rng.uniform(0, 365 / p.rate)  # days, with fractions
    last = min(time.end, time.day(p.ends)) if p.ends is not None else time.end
    project = p.rng.uniform(2, 34) if p.rng.random() < 0.06 else None  # one big order that the rules should not be fooled by
    while True:
        day = date.fromordinal(int(moment))
        pace = intensity(p, day, time.month(day))
        if pace <= 0:
            moment = _next_season(p, day).toordinal() + p.rng.uniform(0, 12)
            continue
        shown = working(day)
        if shown > last:
            break
        orders.append(_order(p, shown, time, len(orders)))
        if project is not None and time.month(shown) > project:
            orders[-1].update(_priced(p, float(orders[-1]["amount"]) * p.rng.uniform(5, 8), 0.85))
            project = None
        noise = p.rng.lognormvariate(-0.05, 0.3)
        moment += max(365 / p.rate / pace * noise, 0.6)
    return Ledger(orders, [])


def _next_season(p: Plan, day: date) -> date:
    year = day.year if day.month < p.season_from else day.year + 1
    return date(year, p.season_from, 1)


def _order(p: Plan, day: date, time: Timeline, index: int) -> Row:
    r, month = p.rng, time.month(day)
    lines = p.lines
    if p.onset is not None and p.archetype in ("drifting", "unhappy") and month > p.onset + 1 and (p.recovers is None or month < p.recovers):
        lines = p.lines[: max(1, len(p.lines) - 1)] if month < p.onset + 3 else p.lines[: max(1, len(p.lines) - 2)]
    line = lines[index % len(lines)] if r.random() < 0.8 else r.choice(lines)
    if p.shock_south_tools and line == "tools" and month > PRICE_CUT and r.random() < 0.3 and len(lines) > 1:
        line = next(x for x in lines if x != "tools")
    amount = p.annual / p.rate * r.lognormvariate(-0.06, 0.35)
    if p.growth:
        amount *= (1 + p.growth) ** (month / 12 * 0.4)
    delivered = working(day + timedelta(days=r.randint(2, 9)))
    promised = delivered - timedelta(days=r.choices((0, 1, 3, 6), weights=(80, 10, 7, 3))[0])
    row: Row = {"order_date": day, "product_line": line, "promised_on": max(promised, day), "delivered_on": None, "return_amount": Decimal(0)}
    row.update(_priced(p, amount, 1.0))
    cancelled = r.random() < 0.012
    unhappy = p.complaint is not None and month > p.complaint - 1.5 and (p.recovers is None or month < p.recovers)
    if not cancelled and r.random() < (0.15 if unhappy else 0.045):
        row["return_amount"] = yuan(float(row["amount"]) * r.uniform(0.08, 0.3))
    if cancelled:
        row["status"] = "cancelled"
    elif delivered > time.end:
        row["status"] = "confirmed"
    else:
        row["delivered_on"] = delivered
        row["status"] = "closed" if delivered < time.ago(12) else "delivered"
    return row


def _priced(p: Plan, amount: float, margin_factor: float) -> Row:
    margin = max(p.margin * margin_factor + p.rng.gauss(0, 2), 1) / 100
    value = max(yuan(amount), Decimal(200))
    return {"amount": value, "cost_amount": yuan(float(value) * (1 - margin))}


def invoice(p: Plan, orders: list[Row], time: Timeline, first: int) -> list[Row]:
    """One invoice for each delivered order; `first` is the number of the first. The order learns what is not invoiced yet."""
    found: list[Row] = []
    for order in orders:
        order["uninvoiced_amount"] = Decimal(0) if order["status"] == "cancelled" else order["amount"]
        if order["delivered_on"] is None:
            continue
        on = working(order["delivered_on"] + timedelta(days=p.rng.randint(0, 3)))
        if on > time.end:
            continue
        order["uninvoiced_amount"] = Decimal(0)
        due = on + timedelta(days=_days_until_due(p))
        found.append(
            {
                "invoice_no": f"FP{on:%y}{first + len(found):06d}",
                "order": order["id"],
                "invoice_date": on,
                "due_date": due,
                "amount": order["amount"],
                "credit_note_amount": order["return_amount"],
                **_paid(p, order, on, due, time),
            }
        )
    return found


def _days_until_due(p: Plan) -> int:
    return p.terms if p.method == "open_account" else {"bank_acceptance": 60, "letter_of_credit": 30}.get(p.method, 0)


def _paid(p: Plan, order: Row, on: date, due: date, time: Timeline) -> Row:
    r = p.rng
    owed = order["amount"] - order["return_amount"]
    row: Row = {"paid_amount": Decimal(0), "written_off_amount": Decimal(0), "paid_on": None, "disputed": False, "dispute_reason": None}
    month = time.month(due)
    if p.method in ("prepaid", "on_delivery"):
        return row | {"paid_amount": owed, "paid_on": on}
    defaulted = p.default is not None and month >= p.default
    late = r.gauss(lateness(p, month), p.late_noise)
    if not defaulted and r.random() < 0.012:  # a dispute that ends well, after weeks
        late += r.uniform(15, 45)
        row |= {"disputed": True, "dispute_reason": r.choice(("数量与送货单不符", "价格与合同不符", "质量异议，待检测"))}
    paid = working(max(due + timedelta(days=round(late)), on))
    if not defaulted and paid <= time.end:
        return row | {"paid_amount": owed, "paid_on": paid}
    written_off = due + timedelta(days=250)
    if defaulted and written_off <= time.end:
        return row | {"written_off_amount": owed, "paid_on": written_off}
    if not defaulted and r.random() < 0.03:
        row["paid_amount"] = yuan(float(owed) * r.uniform(0.3, 0.6))
    return row


def yearly(p: Plan, orders: list[Row], time: Timeline) -> float:
    """Value of the orders of the last 365 days, the basis of limits."""
    since = time.ago(365)
    return math.fsum(float(o["amount"]) for o in orders if o["order_date"] > since and o["status"] != "cancelled")


def lifecycle(p: Plan, orders: list[Row], time: Timeline) -> str:
    if not orders:
        return "prospect"
    silent = (time.as_of - orders[-1]["order_date"]).days
    if p.default is not None and p.default < MONTHS - 12:
        return "blocked"
    if p.archetype == "seasonal" or silent <= 150:
        return "active"
    if p.default is not None:
        return "active"
    return "dormant" if silent <= 260 or p.number % 5 == 0 else "lost"
