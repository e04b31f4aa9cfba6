"""What passes between people: contacts, complaints, surveys, follow-ups and promises to pay."""

import random
from datetime import date, datetime, timedelta
from decimal import Decimal

from server.demo.calendar import MONTHS, Timeline, working
from server.demo.names import person
from server.demo.plan import Plan
from server.demo.trade import Row, yuan

POSTS = (("decision_maker", "总经理"), ("buyer", "采购经理"), ("finance", "财务主管"), ("user", "车间主任"))
COMPLAINTS = {
    "quality": ("一批零件尺寸超差，装配不上", "表面有锈斑，要求换货", "螺纹滑牙，现场返工"),
    "delivery": ("比承诺晚到三天，产线停等", "送错仓库，重新安排", "分批到货，缺一箱"),
    "price": ("报价与合同价不一致", "同行价格更低，要求说明"),
    "service": ("电话多次无人接听", "技术问题一周没有答复"),
    "invoice": ("发票抬头有误，要求重开", "对账单与送货单不符"),
    "other": ("包装破损，但不影响使用",),
}
ACTIONS = ("已换货并加严出厂检验", "调整送货路线，指定承运商", "更正发票并向客户说明", "安排专人对接，每周回访")
TALKS = (
    ("visit", "上门拜访，了解下季度用量"),
    ("call", "电话确认交期和到货情况"),
    ("message", "微信沟通新品报价"),
    ("meeting", "季度沟通会，讨论质量与交付"),
    ("call", "回访近期订单使用情况"),
)
GOOD_TALK, COOL_TALK = "客户满意，计划照常采购", "客户表示预算收紧，订单可能减少"
ROOTS = {"quality": "product", "delivery": "logistics", "price": "process", "service": "people", "invoice": "process", "other": "customer"}


def contacts(p: Plan, time: Timeline) -> list[Row]:
    r = p.rng
    found: list[Row] = []
    for i in range({"L": 3, "M": 2, "S": 1}[p.size]):
        role, job = POSTS[1 if i == 0 else (0 if i == 1 else 2)]
        row: Row = {
            "name": person(r),
            "job_title": job,
            "role": role,
            "is_key": i < 2,
            "mobile": f"100{r.randrange(10**8):08d}",
            "email": f"{role.replace('_', '.')}@c{p.number:05d}.example",
            "relationship": r.choices(("strong", "normal", "weak"), weights=(35, 55, 10))[0],
            "status": "active",
            "left_on": None,
            "made": time.at(time.day(max(p.begins, 0))),
        }
        troubled = p.onset is not None and p.archetype in ("drifting", "unhappy", "late_group") and p.recovers is None
        if r.random() < (0.3 if troubled else 0.04):
            month = (p.onset or 0) + r.uniform(0, 3) if troubled else r.uniform(2, MONTHS)
            left = time.day(month)
            if left <= time.end:
                row |= {"status": "left", "left_on": left}
        found.append(row)
    return found


def complaints(p: Plan, orders: list[Row], people: list[int], handlers: tuple[str, ...], time: Timeline) -> list[Row]:
    r = p.rng
    found = []
    for order in orders:
        angry = p.complaint is not None and 0 <= time.month(order["order_date"]) - p.complaint + 1 < 4
        if order["delivered_on"] is not None and r.random() < (0.25 if angry else 0.021):
            on = working(order["delivered_on"] + timedelta(days=r.randint(1, 10)))
            if on <= time.end:
                weights = (30, 50, 20) if angry else (68, 28, 4)
                found.append(_complaint(p, r, on, r.choices(("minor", "major", "critical"), weights=weights)[0], people, handlers, time))
    if p.complaint is not None and time.day(p.complaint) <= time.end:
        found.append(_complaint(p, r, working(time.day(p.complaint) - timedelta(days=2)), "critical", people, handlers, time))
    return found


def _complaint(p: Plan, r: random.Random, on: date, severity: str, people: list[int], handlers: tuple[str, ...], time: Timeline) -> Row:
    category = r.choices(tuple(COMPLAINTS), weights=(40, 28, 8, 10, 9, 5))[0]
    received = time.at(on, r.randrange(500))
    slow = r.random() < (0.3 if p.archetype == "unhappy" else 0.05)
    took = r.uniform(16, 40) if slow else r.uniform(1, 9)
    closed = received + timedelta(days=took)
    row: Row = {
        "contact": r.choice(people) if people else None,
        "received_at": received,
        "channel": r.choice(("phone", "wechat", "email", "visit")),
        "category": category,
        "severity": severity,
        "description": r.choice(COMPLAINTS[category]),
        "claimed_amount": yuan(r.uniform(1000, 20000)) if severity != "minor" and r.random() < 0.4 else None,
        "root_cause": None,
        "corrective_action": None,
        "handler": None,
        "status": "new",
        "closed_at": None,
        "made": received,
    }
    if closed < time.at(time.end):
        rejected = r.random() < 0.04
        row |= {"status": "rejected" if rejected else "closed", "closed_at": closed}
    else:
        days = (time.end - on).days
        row["status"] = "new" if days < 2 else "investigating" if days < 5 else "solving"
    if row["status"] != "new":
        row["handler"] = r.choice(handlers)
    if row["status"] in ("solving", "closed"):
        row |= {"root_cause": ROOTS[category] if r.random() < 0.8 else "process", "corrective_action": r.choice(ACTIONS)}
    return row


def surveys(p: Plan, people: list[int], time: Timeline) -> list[Row]:
    if not p.has_survey:
        return []
    r = p.rng
    found = []
    month = p.begins + r.uniform(0, 5)
    while time.day(month) <= time.end:
        over = p.ends is not None and month > p.ends + 1
        if not over:
            for i in range(2 if p.size == "L" else 1):
                found.append(_survey(p, r, working(time.day(month) + timedelta(days=3 * i)), month, people))
        month += r.uniform(4.2, 5.6)
    return [row for row in found if row["answered_on"] <= time.end]


def _survey(p: Plan, r: random.Random, on: date, month: float, people: list[int]) -> Row:
    score = float(p.satisfaction) - (1 if r.random() < 0.06 else 0)
    if p.archetype == "unhappy" and p.complaint is not None and month > p.complaint - 0.5 and (p.recovers is None or month < p.recovers):
        score -= r.choice((1, 2, 2))
    elif p.archetype == "drifting" and p.onset is not None and month > p.onset and (p.recovers is None or month < p.recovers) and p.number % 2:
        score -= 1
    csat = int(min(max(score, 1), 5))
    return {
        "contact": r.choice(people) if people else None,
        "answered_on": on,
        "csat": csat,
        "nps": min(max(csat * 2 - r.choice((0, 0, 1, 1, 2)), 0), 10),
        **{topic: min(max(csat + r.choice((-1, 0, 0, 0, 1)), 1), 5) for topic in ("quality", "delivery", "service", "price")},
        "comment": r.choice(("交期再快一点就好", "质量稳定", "价格偏高", "服务响应及时")) if r.random() < 0.3 else None,
        "source": r.choices(("public_link", "phone", "visit"), weights=(60, 25, 15))[0],
    }


def follow_ups(p: Plan, people: list[int], time: Timeline) -> list[Row]:
    r = p.rng
    gap = {"L": 20, "M": 27, "S": 38}[p.size]
    found: list[Row] = []
    moment = time.day(p.begins).toordinal() + r.uniform(0, gap)
    while (day := working(date.fromordinal(int(moment)))) <= time.end:
        month = time.month(day)
        lost = p.ends is not None and month > p.ends + 3
        cool = p.archetype in ("drifting", "unhappy", "gone") and p.onset is not None and month > p.onset and (p.recovers is None or month < p.recovers)
        found.append(_talk(r, time.at(day, r.randrange(500)), cool, people))
        moment += gap * (6 if lost else 2.5 if cool else 1) * r.uniform(0.6, 1.5)
    return found


def _talk(r: random.Random, at: datetime, cool: bool, people: list[int]) -> Row:
    kind, what = r.choice(TALKS)
    mood = r.choices(("positive", "neutral", "negative"), weights=(10, 50, 40) if cool else (45, 50, 5))[0]
    return {
        "contact": r.choice(people) if people else None,
        "happened_at": at,
        "kind": kind,
        "summary": f"{what}。{COOL_TALK if mood == 'negative' else GOOD_TALK if mood == 'positive' else '没有新情况'}",
        "sentiment": mood,
        "competitor_mentioned": r.random() < (0.2 if cool else 0.03),
        "next_action": "下次联系" if r.random() < 0.3 else None,
        "next_on": at.date() + timedelta(days=r.randint(10, 40)) if r.random() < 0.3 else None,
        "made": at,
    }


def collections(p: Plan, invoices: list[Row], people: list[int], time: Timeline) -> list[Row]:
    """A call ten days after an invoice fell due, a promise, and what became of it."""
    r = p.rng
    found: list[Row] = []
    quiet_until = date.min
    for row in invoices:
        called = working(row["due_date"] + timedelta(days=10))
        if called > time.end or (row["paid_on"] is not None and row["paid_on"] <= called) or called < quiet_until:
            continue
        quiet_until = called + timedelta(days=14)
        promised = called + timedelta(days=r.randint(5, 14))
        settled = row["paid_on"] is not None and not row["written_off_amount"] and row["paid_on"] <= promised + timedelta(days=5)
        status = "kept" if settled else "pending" if promised + timedelta(days=5) > time.end else "broken"
        at = time.at(called, r.randrange(500))
        found.append(
            {
                "contact": r.choice(people) if people else None,
                "happened_at": at,
                "kind": "collection",
                "summary": f"催收发票 {row['invoice_no']}，对方承诺 {promised:%m月%d日} 前付款",
                "sentiment": "neutral" if status == "kept" else "negative",
                "competitor_mentioned": False,
                "promised_amount": max(row["amount"] - row["credit_note_amount"] - row["paid_amount"], Decimal(0)) if status != "kept" else row["paid_amount"],
                "promised_on": promised,
                "promise_status": status,
                "next_action": "到期未付则停货" if status == "pending" else None,
                "next_on": promised if status == "pending" else None,
                "made": at,
            }
        )
    return found
