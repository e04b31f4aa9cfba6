"""The demo company 晴川工业品 in memory: every record of every object, the same for the same seed, size and as-of day."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from server.demo import finance, market, relations
from server.demo.calendar import MONTHS, Timeline
from server.demo.lines import order_lines
from server.demo.names import BANKS, ROADS, company_names, credit_code, person
from server.demo.plan import Plan, plans
from server.demo.trade import Row, invoice, lifecycle, trade, yearly

# In the order of loading: what is referenced comes first.
OBJECTS = (
    "customer",
    "contact",
    "order",
    "order_line",
    "payment",
    "complaint",
    "survey",
    "follow_up",
    "credit_report",
    "financial_statement",
    "due_diligence",
    "limit_request",
    "guarantee",
    "market_event",
    "competitor_move",
    "risk_register",
)
OWNERS = ("li", "wang", "zhao", "chen")
CREDIT = ("sun", "zhou")
REVIEWER = "wu"


@dataclass(frozen=True)
class Company:
    """`rows[object]`: values by field, with `id`, and `made`, `by`: when and by whom the record was made."""

    plans: tuple[Plan, ...]
    rows: dict[str, list[Row]]


def company(seed: int, count: int, time: Timeline) -> Company:
    found = plans(seed, count, time, OWNERS)
    named = company_names(random.Random(f"{seed}:names"), [p.region for p in found], [p.industry for p in found])
    rows: dict[str, list[Row]] = {key: [] for key in OBJECTS}
    requests_under_way = 0
    for p, (country, name) in zip(found, named, strict=True):
        p.country, p.name = country, name
        people = _add(rows["contact"], p, relations.contacts(p, time))
        orders = trade(p, time).orders
        _add(rows["order"], p, orders)
        invoices = invoice(p, orders, time, len(rows["payment"]) + 1)
        _add(rows["payment"], p, invoices, by=CREDIT[0])
        _add(rows["complaint"], p, relations.complaints(p, orders, people, OWNERS, time))
        _add(rows["survey"], p, relations.surveys(p, people, time))
        talks = [*relations.follow_ups(p, people, time), *relations.collections(p, invoices, people, time)]
        _add(rows["follow_up"], p, sorted(talks, key=lambda t: t["happened_at"]))
        _add(rows["credit_report"], p, finance.reports(p, time), by=CREDIT[1])
        _add(rows["financial_statement"], p, finance.statements(p, time), by=CREDIT[1])
        cases = finance.diligence(p, time)
        _add(rows["due_diligence"], p, cases, by=CREDIT[0])
        status = finance.diligence_status(p, cases)
        p.lifecycle = lifecycle(p, orders, time)
        limit = finance.limit_of(p, yearly(p, orders, time), status)
        wanted = ""
        if limit is not None and p.archetype in ("growing", "steady") and status == "passed" and p.number % 17 == 5 and requests_under_way < 12:
            wanted = ("approval", "analysis", "draft")[requests_under_way % 3]
            requests_under_way += 1
        requests = finance.limit_requests(p, limit, time, wanted)
        _add(rows["limit_request"], p, requests)
        _add(rows["guarantee"], p, finance.guarantees(p, time), by=CREDIT[0])
        rows["customer"].append(_customer(p, orders, invoices, status, limit, requests, time))
    _add(rows["market_event"], None, market.events(time), by="chen")
    _add(rows["competitor_move"], None, market.moves(found, time), by="chen")
    _add(rows["risk_register"], None, _register(found, time), by=REVIEWER)
    _number(rows)
    rows["order_line"] += order_lines(seed, rows["order"], time)
    for key in OBJECTS:
        for row in rows[key]:
            row.setdefault("made", _made(row, time))
            row.setdefault("by", OWNERS[0])
    return Company(tuple(found), rows)


def _add(target: list[Row], p: Plan | None, rows: Iterable[Row], by: str = "") -> list[int]:
    ids = []
    for row in rows:
        row["id"] = len(target) + 1
        if p is not None:
            row["customer"] = p.number
        row["by"] = by or (p.owner if p else "")
        target.append(row)
        ids.append(row["id"])
    return ids


def _number(rows: dict[str, list[Row]]) -> None:
    for row in rows["order"]:
        row["order_no"] = f"DD{row['order_date']:%y}{row['id']:06d}"
    for key, field, prefix in (
        ("complaint", "complaint_no", "K"),
        ("credit_report", "report_no", "R"),
        ("due_diligence", "case_no", "DD"),
        ("limit_request", "request_no", "L"),
        ("guarantee", "guarantee_no", "G"),
    ):
        for row in rows[key]:
            row[field] = f"{prefix}-{row['id']:05d}"


def _made(row: Row, time: Timeline) -> datetime:
    """When a record was made: the day it speaks of, at an hour that its number gives."""
    for key in ("made_on", "order_date", "invoice_date", "answered_on"):
        if row.get(key) is not None:
            return time.at(min(row[key], time.end), row["id"] * 7 % 480)
    return time.at(time.start)


def _customer(p: Plan, orders: list[Row], invoices: list[Row], status: str, limit: Decimal | None, requests: list[Row], time: Timeline) -> Row:
    r = random.Random(f"{p.number}:{p.name}")
    abroad = p.region == "overseas"
    capital = Decimal(round(p.annual * r.uniform(2, 12), -5))
    city = p.name[:2] if not abroad else ""
    hold = p.lifecycle == "blocked" or (p.default is not None and p.default < MONTHS - 2)
    last_review = time.ago(r.randint(5, 340))
    late_review = r.random() < 0.015
    contract = r.random() < {"L": 0.75, "M": 0.4, "S": 0.1}[p.size] and p.lifecycle == "active"
    current = requests[0] if requests else None
    return {
        "id": p.number,
        "by": p.owner,
        "made": time.at(max(p.traded_since or time.start, time.day(-110)), p.number % 480),
        "customer_no": f"C-{p.number:05d}",
        "name": p.name,
        "country": p.country,
        "unified_credit_code": None if abroad else credit_code(r, p.number),
        "registration_no": f"REG{r.randrange(10**7):07d}" if abroad else None,
        "region": p.region,
        "address": None if abroad else f"{city}市{r.choice(ROADS)}{r.randint(1, 400)}号",
        "industry": p.industry,
        "company_type": r.choices(("private", "state_owned", "foreign", "joint_venture", "sole_trader"), weights=(70, 9, 9, 8, 4))[0],
        "company_size": {"L": "large", "M": "medium", "S": r.choice(("small", "micro"))}[p.size],
        "founded_on": (p.traded_since or time.start) - timedelta(days=r.randint(200, 6000)),
        "registered_capital": capital,
        "paid_in_capital": Decimal(round(float(capital) * r.choice((1, 1, 0.6, 0.3)))),
        "legal_representative": person(r),
        "actual_controller": person(r),
        "parent_customer": _parent(p),
        "lifecycle": p.lifecycle,
        "owner": p.owner,
        "first_trade_on": p.traded_since if orders else None,
        "product_lines": finance.product_lines(p, orders),
        "strategic_importance": p.strategic,
        "contract_until": time.ago(-r.randint(20, 340)) if contract else None,
        "share_of_wallet": Decimal(r.randint(10, 70)) if p.size != "S" else None,
        "known_competitors": sorted(r.sample(("comp_a", "comp_b", "comp_c"), r.randint(1, 2))) if r.random() < 0.5 else None,
        "payment_method": p.method,
        "payment_terms_days": p.terms if p.method == "open_account" else None,
        "credit_limit": limit,
        "temp_limit": None,
        "temp_limit_until": None,
        "limit_expires_on": current["created_on"] + timedelta(days=365) if current else None,
        "credit_hold": hold,
        "hold_reason": ("货款逾期，停止发货" if hold else None),
        "bank_name": None if abroad else f"{r.choice(BANKS)}{city}分行",
        "bank_account": f"62{r.randrange(10**15):015d}",
        "due_diligence_status": status,
        "last_review_on": last_review,
        "next_review_on": time.ago(r.randint(2, 25)) if late_review else time.ago(-r.randint(3, 365 - (time.as_of - last_review).days + 3)),
        "note": None,
    }


def _parent(p: Plan) -> int | None:
    """Members of a late-paying group belong to its first."""
    return None if p.group is None or p.facts.get("parent") is None or p.facts["parent"] == p.number else int(p.facts["parent"])


def _register(found: list[Plan], time: Timeline) -> list[Row]:
    """A few risks that people have written down."""
    rows: list[Row] = []
    for p in found:
        if p.group == 4:
            rows.append(_risk(p, "credit_default", "集团拖款，货款可能无法收回", "high", "high", "transfer", time, len(rows)))
        elif p.number == 1:
            rows.append(_risk(p, "high_value_churn", "采购明显减少，可能转向竞品", "high", "high", "reduce", time, len(rows)))
        elif p.archetype == "hollow" and p.size == "L":
            rows.append(_risk(p, "credit_default", "付款正常，但报表恶化", "medium", "medium", "reduce", time, len(rows)))
    return rows[:12]


def _risk(p: Plan, risk_type: str, title: str, likelihood: str, impact: str, treatment: str, time: Timeline, index: int) -> Row:
    on = time.ago(12 + 5 * index)
    return {
        "customer": p.number,
        "risk_type": risk_type,
        "title": f"{p.name[:20]}：{title}",
        "identified_on": on,
        "source": "expert",
        "likelihood": likelihood,
        "impact": impact,
        "reason": title,
        "owner": p.owner,
        "treatment": treatment,
        "due_on": time.ago(-20 - index),
        "status": "treating" if index % 2 else "open",
        "review_on": time.ago(-60),
        "residual_likelihood": "medium",
        "residual_impact": impact,
        "made_on": on,
    }
