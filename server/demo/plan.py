"""Who the demo's customers are: an archetype each, and from it how they order, pay, complain and stand."""

import random
from dataclasses import dataclass, field
from datetime import date

from server.demo.calendar import MONTHS, Timeline

SHARES = {"steady": 34, "growing": 14, "small": 18, "seasonal": 10, "drifting": 7, "unhappy": 4, "late_group": 4, "hollow": 3, "new": 4, "gone": 2}
SIZE_WEIGHTS = {"hollow": (30, 70, 0), "drifting": (40, 56, 4), "unhappy": (36, 60, 4)}  # large, medium, small; others as usual
SIZES = {"L": 1_400_000, "M": 400_000, "S": 120_000}
ORDERS_A_YEAR = {"L": 46, "M": 27, "S": 13}
MARGINS = {"L": (20, 4), "M": (22, 5), "S": (25, 5)}
REGIONS = {"east": 26, "south": 20, "north": 14, "central": 11, "southwest": 9, "northwest": 6, "northeast": 6, "overseas": 8}
INDUSTRIES = {"machinery": 17, "electronics": 17, "building_materials": 12, "auto_parts": 12, "food": 9, "textile": 9, "chemicals": 9, "retail": 8, "other": 7}
LINES = ("fasteners", "tools", "electrical", "hydraulics", "safety", "consumables")
GROUP_ONSETS = (8.0, 14.0, 19.0, 20.5, 25.5, 24.0)  # month in which each late-paying group begins to pay later
COLLAPSED = {2: 26.0, 4: 31.0}  # group -> month of its end
GROUP_SIZE = 4


@dataclass
class Plan:
    """One customer's fate. Months count from the beginning of the demo's 36; `None` is never."""

    number: int
    archetype: str
    size: str
    region: str
    industry: str
    rng: random.Random
    annual: float = 0  # order value of a year at the start
    rate: float = 0  # orders a year
    begins: float = 0.0
    ends: float | None = None  # last orders
    onset: float | None = None
    lasts: float = 0.0  # months from onset to the bottom
    recovers: float | None = None
    growth: float = 0.0
    season_from: int = 1
    lines: tuple[str, ...] = ()
    margin: float = 20.0
    terms: int = 30
    method: str = "open_account"
    late_mean: float = 2.0
    late_noise: float = 2.5
    default: float | None = None  # month from which nothing is paid
    complaint: float | None = None  # month of the critical complaint
    satisfaction: int = 5
    health: float = 0.8
    group: int | None = None
    strategic: str = "normal"
    traded_since: date | None = None
    headroom: float = 1.4  # limit over what was needed when it was set
    has_accounts: bool = False
    has_report: bool = False
    has_survey: bool = False
    diligence: str = "passed"  # how the due diligence of those who passed the beginning ended
    owner: str = ""
    country: str = "cn"
    name: str = ""
    lifecycle: str = "active"
    shock_south_tools: bool = False
    facts: dict[str, float] = field(default_factory=dict)


def plans(seed: int, count: int, time: Timeline, owners: tuple[str, ...]) -> list[Plan]:
    r = random.Random(f"{seed}:plans")
    kinds = _archetypes(r, count)
    regions, industries = list(REGIONS), list(INDUSTRIES)
    found = []
    groups = 0
    for i, kind in enumerate(kinds):
        rng = random.Random(f"{seed}:customer:{i}")
        region = rng.choices(regions, weights=list(REGIONS.values()))[0]
        industry = rng.choices(industries, weights=list(INDUSTRIES.values()))[0]
        if kind == "late_group":
            plan = Plan(i + 1, kind, "LMML"[groups % GROUP_SIZE] if groups // GROUP_SIZE == 4 else rng.choice("MMMS"), region, industry, rng)
            plan.group = groups // GROUP_SIZE
            groups += 1
        else:
            plan = Plan(i + 1, kind, _size(rng, kind), region, industry, rng)
        if i == 0:
            plan.region, plan.industry, plan.size = "east", "machinery", "L"
        found.append(plan)
        _trade(plan, time)
        _fate(plan, time)
        plan.owner = owners[i % len(owners)]
    heads: dict[int, int] = {}
    for plan in found:
        if plan.group is not None:
            plan.facts["parent"] = heads.setdefault(plan.group, plan.number)
    _standing(found)
    return found


def _archetypes(r: random.Random, count: int) -> list[str]:
    """Each in its share, shuffled; the members of late-paying groups come in whole groups, the first customer is drifting."""
    counts = {kind: round(count * share / 100) for kind, share in SHARES.items()}
    counts["late_group"] -= counts["late_group"] % GROUP_SIZE
    counts["steady"] += count - sum(counts.values())
    kinds = [kind for kind, n in counts.items() for _ in range(n)]
    r.shuffle(kinds)
    if "drifting" in kinds:
        first = kinds.index("drifting")
        kinds[0], kinds[first] = kinds[first], kinds[0]
    return kinds


def _size(r: random.Random, kind: str) -> str:
    if kind == "small":
        return "S"
    return r.choices("LMS", weights=SIZE_WEIGHTS.get(kind, (19, 67, 14)))[0]


def _trade(p: Plan, time: Timeline) -> None:
    r = p.rng
    p.annual = min(SIZES[p.size] * r.lognormvariate(0, 0.38), 4_200_000)
    p.rate = max(ORDERS_A_YEAR[p.size] * r.lognormvariate(0, 0.2), 6)
    if p.archetype == "small":
        p.rate = max(p.rate * 0.8, 6)
    wanted = {"L": (4, 5), "M": (2, 4), "S": (1, 2)}[p.size]
    p.lines = tuple(r.sample(LINES, r.randint(*wanted)))
    p.margin = max(r.gauss(*MARGINS[p.size]), 4)
    p.terms = r.choices((30, 45, 60), weights=(12, 40, 48))[0]
    p.method = r.choices(("open_account", "bank_acceptance", "prepaid", "on_delivery"), weights=(84, 5, 6, 5))[0]
    if p.region == "overseas":
        p.method = r.choices(("open_account", "letter_of_credit"), weights=(60, 40))[0]
    p.late_mean, p.late_noise = r.uniform(-2, 3.8), r.uniform(1.5, 3)
    p.satisfaction = r.choices((5, 4, 3), weights=(60, 36, 4))[0]
    p.health = min(max(r.gauss(0.58, 0.18), 0.18), 1.05)
    p.strategic = r.choices(("key", "normal", "low"), weights={"L": (50, 48, 2), "M": (9, 81, 10), "S": (0, 70, 30)}[p.size])[0]
    p.headroom = r.uniform(1.4, 1.8) * (1.4 if p.size == "S" else 1)
    years = r.uniform(0.2, 9)
    p.traded_since = time.day(-12 * years)


def _fate(p: Plan, time: Timeline) -> None:
    r = p.rng
    if p.archetype == "growing":
        p.growth, p.headroom = r.uniform(0.15, 0.30), r.uniform(1.5, 1.9)
        p.annual *= 0.8
    elif p.archetype == "small":
        p.lines, p.satisfaction = p.lines[:2], 4
    elif p.archetype == "seasonal":
        p.season_from, p.rate = r.randint(1, 12), max(p.rate, 12)
    elif p.archetype == "drifting":
        p.onset, p.lasts = r.uniform(3, 34.5), r.uniform(4, 7)
        if p.number == 1:
            p.onset, p.lasts, p.annual, p.strategic, p.lines = 32.3, 5.0, 2_600_000, "key", LINES[:4]
            p.traded_since, p.method, p.margin = time.day(-36), "open_account", 26
        elif r.random() < 1 / 3:
            p.recovers = p.onset + p.lasts + r.uniform(0.5, 2)
        else:
            p.ends = p.onset + p.lasts
    elif p.archetype == "unhappy":
        p.complaint = r.uniform(4, 35.3)
        p.onset, p.lasts = p.complaint + r.uniform(0.5, 3), r.uniform(3, 5)
        p.satisfaction = 4
        if r.random() < 0.4:
            p.recovers = p.onset + p.lasts + 1
        else:
            p.ends = p.onset + p.lasts
    elif p.archetype == "late_group":
        _group_fate(p)
    elif p.archetype == "hollow":
        p.health, p.late_mean, p.late_noise = r.uniform(-0.1, 0.22), r.uniform(-2, 1), 1.5
        if r.random() < 0.4:
            p.default = r.uniform(20, 35.5)
            p.ends = p.default + 1
    elif p.archetype == "new":
        p.begins = r.uniform(30.5, 35.2)
        p.traded_since = time.day(p.begins)
        p.late_mean = r.uniform(0, 4)
        if p.begins > 33.5:
            p.method = "prepaid"  # until the due diligence is done
    elif p.archetype == "gone":
        p.ends = r.uniform(20, 29)
    if p.archetype in ("steady", "growing", "seasonal") and p.size != "L" and r.random() < 0.05:  # noise: slow payers of no archetype
        p.late_mean, p.health = r.uniform(22, 44), r.uniform(0.1, 0.5)
    if p.archetype not in ("new", "late_group"):
        p.diligence = r.choices(("passed", "conditional", "expired", "failed"), weights=(94.2, 1.5, 3.4, 0.9))[0]
    if p.diligence in ("expired", "failed") and r.random() < 0.75:
        p.method = "prepaid"
    _shocked(p, r)


def _group_fate(p: Plan) -> None:
    group = p.group or 0
    p.onset = GROUP_ONSETS[group % len(GROUP_ONSETS)]
    p.health, p.method, p.headroom = p.rng.uniform(0.2, 0.5), "open_account", 1.7
    if group in COLLAPSED:
        p.ends, p.default = COLLAPSED[group] + 0.4, COLLAPSED[group] - 3
        if group == 4:
            p.annual *= 1.2
    elif group in (0, 1):
        p.recovers = p.onset + 6


def _shocked(p: Plan, r: random.Random) -> None:
    """Month 27: a rival's price cut on tools in the south; 15 % of those who buy tools there leave."""
    p.shock_south_tools = p.region == "south" and "tools" in p.lines
    if p.shock_south_tools and p.ends is None and p.archetype in ("steady", "growing", "small") and r.random() < 0.15:
        p.onset, p.lasts = 27.0, 3.0
        p.ends = 30.0


def _standing(found: list[Plan]) -> None:
    """Accounts, reports and surveys exist for a share of each size: the larger in it first, as a seller would collect them."""
    for size, (accounts, reports, surveys) in {"L": (0.9, 1.0, 0.85), "M": (0.7, 0.85, 0.55), "S": (0.3, 0.55, 0.2)}.items():
        ranked = sorted((p for p in found if p.size == size), key=lambda p: -p.annual * (1 + p.growth) ** 3 * p.rng.uniform(0.94, 1.06))
        plain = [p for p in ranked if p.archetype not in ("small", "late_group")]
        for p in plain[: round(len(ranked) * accounts)]:
            p.has_accounts = True
        for p in ranked[: round(len(ranked) * reports)]:
            p.has_report = True
        shuffled = [p for p in ranked if p.archetype not in ("small", "new")]
        shuffled.sort(key=lambda p: p.rng.random())
        for p in shuffled[: round(len(ranked) * surveys)]:
            p.has_survey = True
    for p in found:
        if p.archetype in ("late_group", "hollow", "unhappy"):
            p.has_accounts, p.has_report = p.archetype != "unhappy" or p.has_accounts, True
        if p.archetype in ("drifting", "unhappy") and p.size != "S":
            p.has_survey = True
        if p.number == 1:
            p.has_accounts = p.has_report = p.has_survey = True


def is_over(p: Plan) -> bool:
    return p.ends is not None and p.ends < MONTHS
