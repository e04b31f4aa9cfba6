"""How numbers, money, days and moments read in each language. Babel knows the rules; this file knows which one we want."""

from datetime import UTC, timedelta
from datetime import date as Day
from datetime import datetime as Moment
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from babel import dates, numbers

from server.errors import Text

DASH = "–"
MINUS = "\u2212"
SYMBOLS = {"CNY": "¥", "RMB": "¥", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
# Units that stand behind a number, as words; anything else is shown as it is.
UNITS = {
    "CNY": Text("元", "¥"),
    "%": Text("%", "%"),
    "days": Text("天", "days"),
    "day": Text("天", "days"),
    "months": Text("个月", "months"),
    "years": Text("年", "years"),
    "times": Text("次", "times"),
    "points": Text("分", "points"),
    "hours": Text("小时", "hours"),
    "people": Text("人", "people"),
    "orders": Text("单", "orders"),
    "pcs": Text("件", "pcs"),
    "x": Text("倍", "×"),
}
Number = int | float | Decimal


class Formats:
    """The formats of one language in the organisation's time zone."""

    def __init__(self, locale: str, zone: ZoneInfo) -> None:
        self.locale = locale
        self.zone = zone
        self.zh = locale.startswith("zh")

    def number(self, value: Number | None, decimals: int | None = None, *, sign: bool = False) -> str:
        """Grouped digits; `decimals` rounds half away from zero, None keeps what is there (at most 6). A real minus sign, a dash for nothing."""
        if value is None:
            return DASH
        amount = Decimal(str(value))
        if decimals is None:
            decimals = max(0, -int(round(amount, 6).normalize().as_tuple().exponent))
        amount = amount.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
        text = numbers.format_decimal(abs(amount), format="#,##0." + "0" * decimals if decimals else "#,##0", locale=self.locale)
        if amount < 0:
            return MINUS + text
        return "+" + text if sign and amount > 0 else text

    def quantity(self, value: Number | None, unit: str = "", decimals: int | None = None, *, sign: bool = False) -> str:
        """A number with its unit where the language puts it."""
        text = self.number(value, decimals, sign=sign)
        if value is None or not unit or unit == "count":
            return text
        if unit.startswith("of ") and self.zh:
            return f"{text} / {unit[3:]}"
        if unit in SYMBOLS:
            return (
                f"{text} 元"
                if self.zh and unit in {"CNY", "RMB"}
                else (text[:1] + SYMBOLS[unit] + text[1:] if text[:1] in f"+{MINUS}" else SYMBOLS[unit] + text)
            )
        word = self.unit(unit)
        return text + word if word == "%" else f"{text} {word}"

    def with_unit(self, text: str, unit: str) -> str:
        """A number that is text already, with its unit; counts need none."""
        if not text or not unit or unit == "count":
            return text
        if unit in SYMBOLS and not (self.zh and unit in {"CNY", "RMB"}):
            return SYMBOLS[unit] + text
        word = self.unit(unit)
        return text + word if word == "%" else f"{text} {word}"

    def unit(self, unit: str) -> str:
        """The unit as a word of the language."""
        known = UNITS.get(unit)
        return known.of(self.locale) if known else unit

    def money(self, value: Number | None, currency: str = "CNY", decimals: int = 2) -> str:
        return self.quantity(value, currency, decimals)

    def money_short(self, value: Number | None, currency: str = "CNY") -> str:
        """Money where space is scarce: 1,862 万, ¥18.6M."""
        if value is None:
            return DASH
        amount = Decimal(str(value))
        for size, word in ((10**8, " 亿"), (10**4, " 万")) if self.zh else ((10**9, "B"), (10**6, "M"), (10**3, "k")):
            if abs(amount) >= size:
                share = amount / size
                decimals = 0 if abs(share) >= 1000 else 1 if abs(share) >= 10 else 2
                text = self.number(share, decimals) + word
                break
        else:
            text = self.number(amount, 0)
        return text if self.zh else SYMBOLS.get(currency, "") + text

    def percent(self, share: Number | None, decimals: int = 0) -> str:
        """0.12 is 12%."""
        return DASH if share is None else self.number(Decimal(str(share)) * 100, decimals) + "%"

    def local(self, value: Moment) -> Moment:
        return value.astimezone(self.zone)

    def date(self, value: Day | Moment | None) -> str:
        """The day in full: 2026-10-16, 16 Oct 2026."""
        if value is None:
            return DASH
        day = self.local(value).date() if isinstance(value, Moment) else value
        return day.isoformat() if self.zh else dates.format_date(day, "d MMM yyyy", locale="en")

    def day(self, value: Day | Moment | None, today: Day | None = None) -> str:
        """The day in short: without the year while it is near."""
        if value is None:
            return DASH
        day = self.local(value).date() if isinstance(value, Moment) else value
        if today is not None and abs((day - today).days) > 300:
            return dates.format_date(day, "yyyy年M月" if self.zh else "MMM yyyy", locale=self.locale)
        return dates.format_date(day, "MM-dd" if self.zh else "d MMM", locale=self.locale)

    def long_day(self, day: Day) -> str:
        return dates.format_date(day, "M月d日 EEEE" if self.zh else "EEEE d MMMM", locale=self.locale)

    def datetime(self, value: Moment | None) -> str:
        """Day and minute."""
        if value is None:
            return DASH
        there = self.local(value)
        return dates.format_datetime(there, "yyyy-MM-dd HH:mm" if self.zh else "d MMM yyyy HH:mm", locale=self.locale)

    def ago(self, value: Moment | None, now: Moment | None = None) -> str:
        """How long since, within a week; then the day."""
        if value is None:
            return DASH
        now = now or Moment.now(UTC)
        past = now - value
        if timedelta() <= past < timedelta(minutes=1):
            return "刚刚" if self.zh else "just now"
        if timedelta() <= past < timedelta(hours=1):
            n = int(past.total_seconds() // 60)
            return f"{n} 分钟前" if self.zh else f"{n} min ago"
        days = (self.local(now).date() - self.local(value).date()).days
        if days == 0 and past >= timedelta():
            n = int(past.total_seconds() // 3600)
            return f"{n} 小时前" if self.zh else f"{n} h ago"
        if days == 1:
            clock = self.local(value).strftime("%H:%M")
            return f"昨天 {clock}" if self.zh else f"yesterday {clock}"
        if 1 < days < 7:
            return f"{days} 天前" if self.zh else f"{days} d ago"
        return self.day(value, self.local(now).date()) if abs(days) <= 300 else self.date(value)

    def due(self, day: Day | None, today: Day) -> str:
        """A due date seen from today: late by, today, tomorrow, the day."""
        if day is None:
            return DASH
        left = (day - today).days
        if left < 0:
            return f"逾期 {-left} 天" if self.zh else f"{-left} d late"
        if left <= 1:
            return (("今天", "明天") if self.zh else ("today", "tomorrow"))[left]
        return self.day(day, today)
