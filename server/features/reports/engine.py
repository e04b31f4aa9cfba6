"""Conclusions and recommendations from figures, and the suggested limit. Pure: what is not known (None) concludes nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from server.errors import Text


@dataclass(frozen=True)
class Figures:
    """What the rules for the company look at. Shares are percent of the whole."""

    high_revenue_share: float | None = None
    overdue_ratio: float | None = None
    overdue_ratio_before: float | None = None  # a quarter earlier
    largest_share: float | None = None
    largest_name: str = ""
    industry_share: float | None = None
    industry: Text | None = None
    groups: int | None = None  # parents with three or more customers at medium or above
    churn_extreme: int | None = None
    root_cause_share: float | None = None
    root_cause: Text | None = None
    weak_exposure_share: float | None = None  # exposure of those with a coverage below WEAK_COVERAGE
    alert_precision: float | None = None


@dataclass(frozen=True)
class CustomerFigures:
    level: str | None = None
    level_rank: int = 0  # 0 the lowest
    level_top: bool = False
    extreme: tuple[Text, ...] = ()  # risk types at the highest level of their matrix
    overdue_amount: float | None = None
    max_days_overdue: float | None = None
    coverage: float | None = None
    revenue_share: float | None = None
    exposure_over_limit: float | None = None
    open_critical: int = 0
    late_tasks: int = 0
    class_title: Text | None = None


@dataclass(frozen=True)
class Conclusion:
    key: str
    text: Text
    detail: Text  # the figures behind it
    recommendation: Text
    owner: str  # role
    due_on: date
    good: bool = False


# Limits of the rules, in percent unless said otherwise.
HIGH_REVENUE, OVERDUE, OVERDUE_RISE, ONE_CUSTOMER, ONE_INDUSTRY, ROOT_CAUSE, WEAK_EXPOSURE, PRECISION = 10, 12, 3, 10, 30, 20, 15, 60
WEAK_COVERAGE = 60
GROUP_SIZE = 3


@dataclass(frozen=True)
class _Rule:
    key: str
    text: Text
    recommendation: Text
    owner: str
    days: int
    find: Callable[[Figures], Text | None]


def _above(value: float | None, limit: float) -> bool:
    return value is not None and value > limit


def _high_revenue(f: Figures) -> Text | None:
    return (
        _share("高风险客户收入占比", "Revenue of high-risk customers", f.high_revenue_share, HIGH_REVENUE)
        if _above(f.high_revenue_share, HIGH_REVENUE)
        else None
    )


def _overdue(f: Figures) -> Text | None:
    rise = None if f.overdue_ratio is None or f.overdue_ratio_before is None else f.overdue_ratio - f.overdue_ratio_before
    if not _above(f.overdue_ratio, OVERDUE) and (rise is None or rise < OVERDUE_RISE):
        return None
    moved = Text("", "") if rise is None else Text(f",一季度内变化 {rise:+.1f} 个百分点", f", {rise:+.1f} points within a quarter")
    return Text(f"逾期率 {f.overdue_ratio:.1f}%(目标 {OVERDUE}%){moved.zh}", f"Overdue ratio {f.overdue_ratio:.1f} % (target {OVERDUE} %){moved.en}")


def _concentration(f: Figures) -> Text | None:
    parts = []
    if _above(f.largest_share, ONE_CUSTOMER):
        parts.append(Text(f"{f.largest_name} 占收入 {f.largest_share:.1f}%", f"{f.largest_name} is {f.largest_share:.1f} % of revenue"))
    if _above(f.industry_share, ONE_INDUSTRY) and f.industry:
        parts.append(Text(f"{f.industry.zh}行业占收入 {f.industry_share:.1f}%", f"{f.industry.en} is {f.industry_share:.1f} % of revenue"))
    return Text(";".join(p.zh for p in parts), "; ".join(p.en for p in parts)) if parts else None


def _groups(f: Figures) -> Text | None:
    return (
        Text(f"{f.groups} 个集团各有 {GROUP_SIZE} 家以上客户处于中高风险", f"{f.groups} groups with {GROUP_SIZE} or more customers at medium or above")
        if f.groups
        else None
    )


def _churn(f: Figures) -> Text | None:
    return (
        Text(f"{f.churn_extreme} 家高价值客户流失风险极高", f"{f.churn_extreme} high-value customers at extreme risk of leaving") if f.churn_extreme else None
    )


def _root_cause(f: Figures) -> Text | None:
    if f.root_cause_share is None or f.root_cause is None or f.root_cause_share < ROOT_CAUSE:
        return None
    return Text(f"{f.root_cause.zh}占投诉权重 {f.root_cause_share:.0f}%", f"{f.root_cause.en} is {f.root_cause_share:.0f} % of the weight of complaints")


def _weak(f: Figures) -> Text | None:
    if not _above(f.weak_exposure_share, WEAK_EXPOSURE):
        return None
    return Text(
        f"{f.weak_exposure_share:.0f}% 的敞口数据覆盖不足 {WEAK_COVERAGE}%",
        f"{f.weak_exposure_share:.0f} % of the exposure is assessed on less than {WEAK_COVERAGE} % of the data",
    )


def _precision(f: Figures) -> Text | None:
    if f.alert_precision is None or f.alert_precision >= PRECISION:
        return None
    return Text(f"预警准确率 {f.alert_precision:.0f}%(目标 {PRECISION}%)", f"{f.alert_precision:.0f} % of the alerts were right (target {PRECISION} %)")


def _share(zh: str, en: str, value: float | None, limit: float) -> Text:
    return Text(f"{zh} {value:.1f}%(上限 {limit:g}%)", f"{en} {value:.1f} % (limit {limit:g} %)")


RULES: tuple[_Rule, ...] = (
    _Rule(
        "high_revenue",
        Text("风险集中偏高", "Too much revenue at high risk"),
        Text("逐户执行高风险措施,每周例会跟进", "Measures at high risk for each, a weekly meeting"),
        "reviewer",
        7,
        _high_revenue,
    ),
    _Rule(
        "overdue",
        Text("回款恶化", "Collection worsens"),
        Text("对逾期最大的五户启动信用应对,收紧账期", "The credit strategy for the five largest; tighter terms"),
        "credit_control",
        7,
        _overdue,
    ),
    _Rule(
        "concentration",
        Text("集中度风险", "Concentration"),
        Text("设敞口上限、投保,拓展新的客户群", "A cap, insurance, new segments"),
        "reviewer",
        30,
        _concentration,
    ),
    _Rule("group", Text("集团风险", "Group risk"), Text("统一集团额度,合并复审", "One limit for the group, a joint review"), "credit_control", 14, _groups),
    _Rule(
        "churn",
        Text("高价值客户濒临流失", "A key account is about to leave"),
        Text("14 天内安排高层拜访", "An executive visit within 14 days"),
        "reviewer",
        14,
        _churn,
    ),
    _Rule("root_cause", Text("系统性问题", "A systemic cause"), Text("立项改进产品或流程", "A product or process project"), "reviewer", 30, _root_cause),
    _Rule(
        "weak_basis",
        Text("评估依据不足", "A weak basis"),
        Text("先补齐信用报告和财务报表", "Order reports and collect accounts first"),
        "credit_control",
        14,
        _weak,
    ),
    _Rule("alerts", Text("预警需校准", "The alerts need tuning"), Text("用回测调整阈值", "Tune the thresholds by back-test"), "admin", 30, _precision),
)


def conclude(figures: Figures, day: date) -> tuple[Conclusion, ...]:
    found = []
    for rule in RULES:
        detail = rule.find(figures)
        if detail is not None:
            found.append(Conclusion(rule.key, rule.text, detail, rule.recommendation, rule.owner, day + timedelta(days=rule.days)))
    return tuple(found) or (_fine(day),)


def _fine(day: date) -> Conclusion:
    return Conclusion(
        "under_control",
        Text("总体可控", "Under control"),
        Text("没有规则被触发", "No rule was met"),
        Text("继续监控", "Continue monitoring"),
        "credit_control",
        day + timedelta(days=90),
        True,
    )


def conclude_customer(f: CustomerFigures, day: date) -> tuple[Conclusion, ...]:
    found: list[Conclusion] = []

    def add(key: str, text: Text, detail: Text, recommendation: Text, owner: str, days: int) -> None:
        found.append(Conclusion(key, text, detail, recommendation, owner, day + timedelta(days=days)))

    if f.level_top:
        title = f.class_title or Text("高", "High")
        add(
            "level_high",
            Text("风险等级高", "The risk level is high"),
            Text(f"等级:{title.zh}", f"Level: {title.en}"),
            Text("执行高风险措施:预付款、担保、月度复审", "Measures at high risk: payment in advance, collateral, monthly review"),
            "credit_control",
            1,
        )
    if f.extreme:
        names = Text("、".join(t.zh for t in f.extreme), ", ".join(t.en for t in f.extreme))
        add(
            "extreme",
            Text("有极高风险", "An extreme risk"),
            names,
            Text("启动对应的应对策略,14 天内高层介入", "Start the strategy for it; management within 14 days"),
            "reviewer",
            14,
        )
    if _above(f.max_days_overdue, 30):
        add(
            "overdue",
            Text("严重逾期", "Seriously overdue"),
            Text(
                f"最长逾期 {f.max_days_overdue:.0f} 天,逾期 {f.overdue_amount or 0:,.2f}",
                f"Oldest {f.max_days_overdue:.0f} days, {f.overdue_amount or 0:,.2f} overdue",
            ),
            Text("催收并约定还款日,必要时停货、报险", "Collect with a dated promise; hold shipments and tell the insurer where needed"),
            "credit_control",
            2,
        )
    if _above(f.exposure_over_limit, 0):
        add(
            "over_limit",
            Text("超过信用额度", "Over the credit limit"),
            Text(f"超出 {f.exposure_over_limit:,.2f}", f"{f.exposure_over_limit:,.2f} over"),
            Text("暂停新订单或申请临时额度", "Hold new orders or ask for a temporary limit"),
            "credit_control",
            1,
        )
    if f.coverage is not None and f.coverage < WEAK_COVERAGE:
        add(
            "weak_basis",
            Text("评估依据不足", "A weak basis"),
            Text(f"数据覆盖 {f.coverage:.0f}%", f"{f.coverage:.0f} % of the data"),
            Text("补齐信用报告、财务报表和满意度", "Get a credit report, accounts and a survey"),
            "credit_control",
            14,
        )
    if _above(f.revenue_share, ONE_CUSTOMER):
        add(
            "concentration",
            Text("收入集中", "Concentration"),
            Text(f"占公司收入 {f.revenue_share:.1f}%", f"{f.revenue_share:.1f} % of the company's revenue"),
            Text("设敞口上限、投保", "A cap on the exposure, insurance"),
            "reviewer",
            30,
        )
    if f.open_critical or f.late_tasks:
        add(
            "open_work",
            Text("有未完成的应对", "Responses are open"),
            Text(f"严重预警 {f.open_critical} 项,逾期任务 {f.late_tasks} 项", f"{f.open_critical} critical alerts, {f.late_tasks} late tasks"),
            Text("先处理严重预警和逾期任务", "Handle the critical alerts and late tasks first"),
            "credit_control",
            3,
        )
    return tuple(found) or (_fine(day),)


LIMIT_FACTORS: Mapping[str, float] = {"A": 1.2, "B": 1.0, "C": 0.6, "D": 0.2, "E": 0.0, "N": 0.0}
EQUITY_SHARE = 0.1


@dataclass(frozen=True)
class SuggestedLimit:
    """Shown, never applied."""

    amount: float
    purchases: float  # what the purchases carry
    equity: float | None  # what the equity carries; None: not known
    guaranteed: float
    factor: float


def suggested_limit(
    yearly: float | None, terms_days: float | None, rating: str | None, equity: float | None, guaranteed: float | None
) -> SuggestedLimit | None:
    """min(purchases of (terms + 15) days × factor of the rating, 10 % of the equity if known) + what is guaranteed."""
    if yearly is None or rating is None or rating not in LIMIT_FACTORS:
        return None
    factor = LIMIT_FACTORS[rating]
    purchases = yearly / 365 * ((terms_days or 0) + 15) * factor
    share = None if equity is None else max(equity * EQUITY_SHARE, 0.0)
    carried = purchases if share is None else min(purchases, share)
    return SuggestedLimit(round(carried + (guaranteed or 0.0), 2), round(purchases, 2), share, guaranteed or 0.0, factor)
