"""What is known of their money: accounts, credit reports, due diligence, guarantees, limits."""

from datetime import date, timedelta
from decimal import Decimal

from server.demo.calendar import MONTHS, Timeline, working
from server.demo.names import BANKS, person
from server.demo.plan import LINES, Plan
from server.demo.trade import Row, yuan

CHECKS = (
    "licence",
    "address_checked",
    "bank_account_checked",
    "tax_status",
    "shareholders",
    "controller",
    "related_parties",
    "court_records",
    "dishonest_list",
    "penalties",
    "statements",
    "bank_reference",
    "trade_references",
    "site_visit",
    "stock_and_capacity",
    "sanctions",
)
HAIRCUTS = {"personal": 80, "corporate": 60, "mortgage": 40, "pledge": 30, "deposit": 0, "bank_guarantee": 0, "credit_insurance": 10}
MAIN_FLAGS = ("enforcement", "litigation", "penalty", "abnormal_list", "tax_arrears")


def statements(p: Plan, time: Timeline) -> list[Row]:
    """One a fiscal year, filed at the end of April."""
    if not p.has_accounts:
        return []
    found = []
    for year in range(time.start.year - 1, time.end.year + 1):
        filed = date(year + 1, 4, 30) + timedelta(days=p.rng.randrange(-40, 20))
        if filed <= time.end and not (p.archetype == "new" and year < time.end.year - 2):
            found.append(_statement(p, year, filed))
    if found and p.size != "L" and p.rng.random() < 0.03:
        found.pop()  # this year's accounts have not come
    return found


def _statement(p: Plan, year: int, filed: date) -> Row:
    r = p.rng
    health = min(max(p.health + r.gauss(0, 0.05), -0.2), 1.1)
    revenue = p.facts.setdefault("revenue", p.annual * r.uniform(12, 35)) * r.uniform(0.92, 1.1)
    assets = revenue * r.uniform(0.7, 1.0)
    current = assets * (0.5 + 0.14 * health + r.gauss(0, 0.01))
    short = assets * max(0.55 - 0.24 * health + r.gauss(0, 0.015), 0.12)
    liabilities = max(assets * max(0.8 - 0.4 * health + r.gauss(0, 0.02), 0.15), short * 1.03)
    inventory = current * (0.42 - 0.14 * health + r.gauss(0, 0.015))
    receivables = current * r.uniform(0.28, 0.34)
    cash = max(current - inventory - receivables, 0) * r.uniform(0.5, 0.85)
    ebit = assets * (-0.01 + 0.11 * health + r.gauss(0, 0.01))
    interest = liabilities * 0.025
    return {
        "fiscal_year": year,
        "period_end": date(year, 12, 31),
        "source": r.choices(("audited", "unaudited", "tax_return"), weights=(55, 30, 15) if p.size == "L" else (20, 50, 30))[0],
        "total_assets": yuan(assets),
        "current_assets": yuan(current),
        "cash": yuan(cash),
        "receivables": yuan(receivables),
        "inventory": yuan(inventory - 2),
        "total_liabilities": yuan(liabilities),
        "current_liabilities": yuan(short),
        "retained_earnings": yuan(assets * (-0.06 + 0.32 * health)),
        "revenue": yuan(revenue),
        "cost_of_sales": yuan(revenue * (0.86 - 0.1 * health)),
        "ebit": yuan(ebit),
        "interest_expense": yuan(interest),
        "net_profit": yuan((ebit - interest) * (0.8 if ebit > interest else 1)),
        "operating_cash_flow": yuan(short * (-0.12 + 0.5 * health + r.gauss(0, 0.04))),
        "made_on": filed,
    }


def reports(p: Plan, time: Timeline) -> list[Row]:
    """About one a year; a late-paying group's score falls by 5 a month, and some end on the list of dishonest debtors."""
    if not p.has_report:
        return []
    r = p.rng
    base = r.gauss(69, 8) if p.archetype not in ("hollow", "late_group") else r.gauss(64, 5)
    month = max(p.begins, 0) + r.uniform(0, 11.5)
    months = []
    while month < MONTHS:
        months.append(month)
        month += r.uniform(10.8, 12.0)
    if not months:
        months = [r.uniform(max(p.begins, 24.5), MONTHS - 0.2)]
    if p.archetype == "late_group" or p.default is not None:
        months += [m for m in (32.0, 34.5) if m > (p.onset or p.default or 0)]
    if len(months) > 1 and r.random() < 0.03:
        months = [m for m in months if m < MONTHS - 12.5] or months[:1]
    return [_report(p, m, base, time) for m in sorted(months)]


def _report(p: Plan, month: float, base: float, time: Timeline) -> Row:
    r = p.rng
    score, flags = base + r.gauss(0, 2), []
    fallen_from = p.onset if p.archetype == "late_group" else p.default
    if fallen_from is not None and month > fallen_from and (p.recovers is None or month < p.recovers):
        score -= 5 * min(month - fallen_from, 6)
    ended = p.default is not None and month > p.default + 3
    if ended and p.number % 2 == 0:
        flags = ["dishonest_debtor", "enforcement"] if p.number % 4 else ["litigation", "insolvency"]
    elif r.random() < 0.05:
        flags = [r.choice(MAIN_FLAGS)]
        score -= 6
    score_100 = round(min(max(score, 5), 96))
    issued = min(working(time.day(month)), time.end)
    return {
        "provider": r.choices(("bureau", "insurer", "registry", "bank"), weights=(55, 25, 15, 5))[0],
        "issued_on": issued,
        "valid_until": issued + timedelta(days=365),
        "original_grade": "A" if score_100 >= 80 else "BBB" if score_100 >= 65 else "BB" if score_100 >= 50 else "B" if score_100 >= 35 else "C",
        "score_100": score_100,
        "recommended_limit": Decimal(round(p.annual * (score_100 / 100) / 6, -4)),
        "adverse_flags": flags or None,
        "made_on": issued,
    }


def diligence(p: Plan, time: Timeline) -> list[Row]:
    """Initial at the beginning, renewed each year; the customer carries the newest result."""
    r = p.rng
    if p.archetype == "new" and p.begins > 33.5:
        state = r.choice(("collecting", "checking"))
        return [_case(p, "initial", time.ago(r.randint(3, 20)), state, None, time)]
    fate = p.diligence
    month = p.begins + 0.3 if p.archetype == "new" else MONTHS - r.uniform(12.3, 16 if fate != "expired" else 22)
    found = [_case(p, "initial" if p.archetype == "new" else "renewal", time.day(month), "passed" if fate == "expired" else fate, fate, time)]
    if fate != "expired" and p.archetype != "new":
        found.append(_case(p, "renewal", time.day(month + 11.7), fate, fate, time))
    return found


def _case(p: Plan, kind: str, on: date, status: str, fate: str | None, time: Timeline) -> Row:
    r = p.rng
    day = min(working(on), time.end)
    open_case = fate is None
    row: Row = {check: (None if open_case and i > 4 else "ok") for i, check in enumerate(CHECKS)}
    if not open_case:
        for check in ("bank_reference", "trade_references", "stock_and_capacity", "statements"):
            if r.random() < 0.18:
                row[check] = "not_available"
        if status != "passed":
            for check in ("statements", "court_records", "related_parties"):
                row[check] = "issue"
        elif r.random() < 0.1:
            row["tax_status"] = "issue"
    has_issue = "issue" in row.values()
    return row | {
        "kind": kind,
        "requested_limit": Decimal(round(p.annual / 6, -4)),
        "status": status,
        "done_on": day,
        "issue_note": "已与客户核对，影响有限" if has_issue else None,
        "conclusion": None if open_case else status,
        "made_on": day,
    }


def diligence_status(p: Plan, cases: list[Row]) -> str:
    last = cases[-1]["status"] if cases else "none"
    return "expired" if p.diligence == "expired" else "in_progress" if last in ("collecting", "checking") else last


def guarantees(p: Plan, time: Timeline) -> list[Row]:
    r = p.rng
    if r.random() > {"L": 0.45, "M": 0.14, "S": 0.02}[p.size]:
        return []
    kind = r.choices(tuple(HAIRCUTS), weights=(18, 16, 9, 5, 8, 9, 35))[0]
    since = time.ago(r.randint(40, 320))
    released = r.random() < 0.1
    return [
        {
            "kind": kind,
            "guarantor": person(r)
            if kind == "personal"
            else r.choice(BANKS)
            if kind == "bank_guarantee"
            else "远屿信用保险"
            if kind == "credit_insurance"
            else None,
            "status": "released" if released else "valid",
            "registered": True if kind in ("mortgage", "pledge") else None,
            "value": Decimal(round(p.annual * r.uniform(0.08, 0.2), -4) or 10_000),
            "haircut_pct": Decimal(HAIRCUTS[kind]),
            "valid_from": since,
            "valid_until": since + timedelta(days=365),
            "made_on": since,
        }
    ]


def limit_of(p: Plan, year_value: float, status: str) -> Decimal | None:
    """The limit as it was agreed some time ago, from the trade of then."""
    if status not in ("passed", "conditional") or p.method in ("prepaid", "on_delivery"):
        return None
    days = (p.terms if p.method == "open_account" else 60) + 20
    then = max(year_value, p.annual * (1.1 if p.archetype in ("new", "small") else 0.5)) / ((1 + p.growth) if p.growth else 1)
    if p.archetype == "seasonal":
        then *= 1.9  # they order in five months of the year
    if p.archetype == "late_group":
        then = p.annual
    return Decimal(max(round(then / 365 * days * p.headroom, -4), 10_000))


def limit_requests(p: Plan, limit: Decimal | None, time: Timeline, wanted: str) -> list[Row]:
    """The request behind the present limit, and for a few one that is under way (`wanted` is its state)."""
    r = p.rng
    if limit is None:
        return []
    asked = time.ago(r.randint(60, 330))
    terms = p.terms if p.method == "open_account" else 30
    found: list[Row] = [_request(limit, terms, asked, "active", "按年采购额和账期核定", "资料齐全，同意")]
    if wanted:
        more = Decimal(round(float(limit) * r.uniform(1.2, 1.6), -4))
        opinion = "报告良好，建议批准" if wanted == "approval" else None
        found.append(
            _request(
                max(more, limit + 10_000), terms, time.ago(r.randint(1, 5)), wanted, f"{r.choice(('旺季备货', '新增品类', '客户扩产'))}，需要提高额度", opinion
            )
        )
    return found


def _request(limit: Decimal, terms: int, on: date, status: str, reason: str, opinion: str | None) -> Row:
    return {
        "temp": False,
        "requested_limit": limit,
        "terms_days": terms,
        "created_on": on,
        "reason": reason,
        "opinion": opinion,
        "status": status,
        "made_on": on,
    }


def product_lines(p: Plan, orders: list[Row]) -> list[str] | None:
    bought = {o["product_line"] for o in orders}
    return [line for line in LINES if line in bought] or None
