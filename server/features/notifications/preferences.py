"""How each person wants to be told: which topics, by which way, when not."""

import re
from collections.abc import Iterable, Mapping
from datetime import time
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import sqlalchemy as sa

from server.errors import Invalid, Problem, Text
from server.feature import Work
from server.features.notifications.engine import MODES, OFF, TOPICS, Preferences
from server.features.notifications.tables import notification_preferences as stored

ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def preferences_of(work: Work, usernames: Iterable[str]) -> dict[str, Preferences]:
    """Of everybody named; who never chose has the usual ones."""
    wanted = sorted(set(usernames))
    rows = {row.username: row for row in work.session.execute(sa.select(stored).where(stored.c.username.in_(wanted)))} if wanted else {}
    return {name: _read(rows[name]) if name in rows else Preferences(zone=work.zone) for name in wanted}


def mine(work: Work) -> Preferences:
    return preferences_of(work, [work.actor.username])[work.actor.username]


def _read(row: Any) -> Preferences:
    choices: Mapping[str, Mapping[str, Any]] = row.choices
    usual = Preferences()
    return Preferences(
        email=row.email,
        app=frozenset(key for key in TOPICS if choices.get(key, {}).get("app", True)),
        mail={key: choices.get(key, {}).get("mail", usual.mail[key]) for key in TOPICS},
        daily_hour=row.daily_hour,
        quiet_from=time.fromisoformat(row.quiet_from) if row.quiet_from else None,
        quiet_to=time.fromisoformat(row.quiet_to) if row.quiet_to else usual.quiet_to,
        urgent=row.urgent,
        zone=ZoneInfo(row.zone),
    )


def save(work: Work, typed: Mapping[str, str]) -> None:
    """One's own, as the form sends them: `email`, `app_<topic>`, `mail_<topic>`, `daily_hour`, `quiet_from`, `quiet_to`, `urgent`, `zone`."""
    email, zone = typed.get("email", "").strip(), _zone(typed.get("zone", "")) or str(work.zone)
    quiet_from, quiet_to = typed.get("quiet_from", "").strip(), typed.get("quiet_to", "").strip()
    problems = []
    if email and (len(email) > 254 or not ADDRESS.fullmatch(email)):
        problems.append(Problem("email", Text("这不是邮箱地址，应像 li@example.com", "This is no e-mail address; write it like li@example.com"), code="email"))
    if zone not in available_timezones():
        problems.append(Problem("zone", Text(f"没有时区 {zone}", f"There is no time zone {zone}"), _like(zone), code="zone"))
    for name, clock in (("quiet_from", quiet_from), ("quiet_to", quiet_to)):
        if clock and not CLOCK.fullmatch(clock):
            problems.append(Problem(name, Text("时间应写成 22:00", "Write the time like 22:00"), code="clock"))
    if bool(quiet_from) != bool(quiet_to):
        missing = "quiet_to" if quiet_from else "quiet_from"
        problems.append(Problem(missing, Text("免打扰要写明起止时间", "Quiet hours need a beginning and an end"), code="required"))
    hour = typed.get("daily_hour", "8")
    if not (hour.isascii() and hour.isdigit() and int(hour) < 24):
        problems.append(Problem("daily_hour", Text("小时为 0 到 23", "The hour is 0 to 23"), code="range"))
    if problems:
        raise Invalid(problems)
    usual = Preferences()
    choices = {key: {"app": bool(typed.get(f"app_{key}")), "mail": _mode(typed.get(f"mail_{key}", ""), usual.mail[key])} for key in TOPICS}
    values = {"email": email, "choices": choices, "daily_hour": int(hour), "zone": zone, "urgent": bool(typed.get("urgent"))}
    values |= {"quiet_from": quiet_from, "quiet_to": quiet_to}
    mine_ = stored.c.username == work.actor.username
    if not work.session.execute(sa.update(stored).where(mine_).values(**values)).rowcount:
        work.session.execute(sa.insert(stored).values(username=work.actor.username, **values))


def _zone(text: str) -> str:
    """As it is called, however it was typed: "asia/ho chi minh" is Asia/Ho_Chi_Minh."""
    wanted = "_".join(text.split())
    return next((zone for zone in available_timezones() if zone.lower() == wanted.lower()), wanted)


def _like(zone: str) -> Text:
    """Zones that it may have been meant for, or an example."""
    place = zone.rpartition("/")[2].lower()
    near = [z for z in sorted(available_timezones()) if place and place in z.lower()] or get_close_matches(zone, available_timezones(), 3)
    names = ", ".join(near[:3] or ["Asia/Shanghai"])
    return Text(f"例如 {names}", f"for example {names}")


def _mode(text: str, usual: str) -> str:
    return text if text in MODES else usual or OFF
