"""Messages go out at least once, each under one key, with what they say and how they are signed; nothing goes where it must not."""

import base64
import hashlib
import hmac
import ipaddress
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from server.errors import Invalid, Text
from server.feature import Notice, tell
from server.features.access.people import create_user
from server.features.notifications import channels, delivery, preferences, service
from server.features.notifications.delivery import Courier
from server.features.notifications.engine import TRIES
from server.features.notifications.outgoing import Failed, Outside, is_public
from server.features.notifications.senders import Message, dingtalk_sign, feishu_sign, send, webhook_sign
from server.features.notifications.tables import notification_channels
from server.storage.session import Database
from tests.features.acting import ADMIN, NOW, STAFF, World, world_of
from tests.features.notifications.receiver import dripping, mailbox, receiving

HERE = Outside(frozenset({"127.0.0.1"}), "https://crm.example.com")
LATER = timedelta(hours=1)


@pytest.fixture
def world(database: Database) -> World:
    made = world_of(database)
    with made.work(ADMIN) as work:
        create_user(work, "li.na", "李娜", "sunny-river-42", ("staff",))
        create_user(work, "admin", "管理员", "sunny-river-42", ("admin",))
    return made


def courier(world: World, now: datetime = NOW + LATER, outside: Outside = HERE) -> Courier:
    @contextmanager
    def open_work(username: str, write: bool, cause: str):
        with world.work(now=now, write=write) as work:
            yield work

    return Courier(open_work, outside)


def add(world: World, type_: str, url: str, **typed: str) -> channels.Saved:
    topics = ["task", "alert_critical"]
    with world.work(ADMIN) as work:
        return channels.save(work, None, type_, {"title": type_, "url": url, "locale": "en", **typed}, topics)


def say(world: World, title: str = "Call them", *, now: datetime = NOW, **more: object) -> None:
    with world.work(now=now) as work:
        tell(work, [Notice("task", ("user:li.na",), Text(title, title), Text("因为", "Because"), "/tasks/1", **more)])  # type: ignore[arg-type]


def log(world: World) -> list[delivery.Delivery]:
    with world.work(write=False) as work:
        return delivery.deliveries(work)


# -- Signatures --------------------------------------------------------------------------------------------------------------


def test_a_webhook_is_signed_as_the_specification_shows() -> None:
    """The example of the Standard Webhooks specification."""
    secret, key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert webhook_sign(secret, key, 1614265330, b'{"test": 2432232314}') == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_robots_are_signed_as_their_makers_say() -> None:
    """Both makers give the way and no values; the values are those of `printf ... | openssl dgst -sha256 -hmac`."""
    assert dingtalk_sign("SECthis is secret", 1700000000000) == "Rtm2YK4Eu5oP8gxZgn2C87ziY6Py5sJyH4pcuwAafMU="
    assert feishu_sign("demo", 1599360473) == "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8="


# -- Where it may go ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.9.9", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1", "255.255.255.255", "::1", "::",
        "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1",
        "192.88.99.1", "fec0::1", "3fff::1", "64:ff9b:1::7f00:1", "::127.0.0.1",
    ],
)  # fmt: skip
def test_inner_addresses_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


def test_public_addresses_are() -> None:
    assert is_public(ipaddress.ip_address("93.184.216.34")) and is_public(ipaddress.ip_address("2606:2800:220:1::1"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"])
def test_an_inner_host_is_refused_at_once_unless_the_setting_names_it(sqlite_database: Database, host: str) -> None:
    with receiving() as receiver:
        made = world_of(sqlite_database)
        with made.work(ADMIN) as work:
            create_user(work, "li.na", "李娜", "sunny-river-42", ("staff",))
        add(made, "slack", f"https://{host}:{receiver.port}/hook")
        say(made)
        courier(made, outside=Outside()).once()
        (one,) = log(made)
        assert receiver.got == [] and one.state == "parked" and one.reason is not None
        assert "inner address" in one.reason.en and "WEATHERGLASS_OUTGOING_HOSTS" in one.reason.en


def test_a_redirect_is_not_followed(world: World) -> None:
    with receiving() as receiver:
        receiver.answers = [(302, b"")]
        add(world, "slack", receiver.url)
        say(world)
        assert courier(world).once() == 0
        assert [r.path for r in receiver.got] == ["/hook"]
        (one,) = log(world)
        assert one.state == "waiting" and one.reason is not None and "redirects" in one.reason.en


# -- What goes out -----------------------------------------------------------------------------------------------------------


def test_each_robot_gets_what_it_understands(world: World) -> None:
    with receiving() as receiver:
        receiver.answers = [(200, b'{"errcode":0,"errmsg":"ok"}')]
        for type_ in ("wecom", "dingtalk", "feishu", "slack", "webhook"):
            add(world, type_, receiver.url, **({"sign": "SECabc"} if type_ in {"dingtalk", "feishu"} else {}))
        say(world, 'Call <at user_id="all"></at> <!channel> {body}')
        assert courier(world).once() == 5
        got = {r.json.get("msgtype") or r.json.get("msg_type") or r.json.get("type") or "slack": r for r in receiver.got}
        texts = [r.json for r in receiver.got]
        feishu = next(t for t in texts if "msg_type" in t)
        assert feishu["content"]["text"].startswith("Call ＜at user_id") and {"timestamp", "sign"} <= feishu.keys()
        slack = next(t for t in texts if set(t) == {"text"})
        assert "<!channel>" not in slack["text"] and "&lt;!channel&gt; {body}\nBecause\nhttps://crm.example.com/tasks/1" in slack["text"]
        signed = next(r for r in receiver.got if "sign=" in r.path)
        query = parse_qs(urlsplit(signed.path).query)
        assert query["sign"] == [dingtalk_sign("SECabc", int(query["timestamp"][0]))]
        hook = got["notification.sent"]
        with world.work(ADMIN, write=False) as work:
            secret = next(c for c in channels.list_channels(work) if c.type == "webhook").secrets["sign"]
        key, at = hook.headers["webhook-id"], hook.headers["webhook-timestamp"]
        expected = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), f"{key}.{at}.".encode() + hook.body, hashlib.sha256).digest()
        assert hook.headers["webhook-signature"] == "v1," + base64.b64encode(expected).decode()
        assert hook.json["data"]["notifications"][0]["body"] == "Because"
        assert {d.state for d in log(world)} == {"sent"} and len({d.key for d in log(world)}) == 5


def test_mail_goes_to_who_gave_an_address_as_they_chose_it(world: World) -> None:
    with mailbox() as (port, letters):
        mail = {"title": "mail", "host": "127.0.0.1", "port": str(port), "security": "none", "sender": "alerts@example.com"}
        with world.work(ADMIN) as work:
            channels.save(work, None, "mail", mail, [])
        say(world)  # nobody has an address yet
        with world.work(STAFF) as work:
            preferences.save(
                work, {"email": "li@example.com", "mail_task": "daily", "daily_hour": "9", "app_task": "1", "mail_mention": "now", "app_mention": "1"}
            )
        say(world, "One\nBcc: x@example.com")
        say(world, "Two")
        with world.work() as work:
            tell(work, [Notice("mention", ("user:li.na",), Text("甲", "Hello"), Text("", ""), "/x")])
        assert courier(world, NOW + timedelta(minutes=2)).once() == 1  # the mention; the tasks wait for tomorrow nine o'clock
        assert courier(world, NOW + timedelta(hours=22)).once() == 0
        assert courier(world, NOW + timedelta(hours=23, minutes=1)).once() == 1
    first, second = (message_from_bytes(letter, policy=policy.default) for letter in letters)
    assert first["to"] == "li@example.com" and first["subject"] == "甲" and first["message-id"].startswith("<msg_")
    assert second["subject"] == "2 条通知" and second["bcc"] is None
    assert "Two\n因为\nhttps://crm.example.com/tasks/1" in second.get_content().replace("\r\n", "\n")
    assert "https://crm.example.com/notifications/preferences" in second.get_content()


def test_what_was_read_inside_is_not_mailed(world: World) -> None:
    with mailbox() as (port, letters):
        mail = {"title": "mail", "host": "127.0.0.1", "port": str(port), "security": "none", "sender": "alerts@example.com"}
        with world.work(ADMIN) as work:
            channels.save(work, None, "mail", mail, [])
        with world.work(STAFF) as work:
            preferences.save(work, {"email": "li@example.com", "mail_task": "now", "app_task": "1"})
        say(world)
        with world.work(STAFF, NOW + timedelta(seconds=5)) as work:
            service.mark_all(work)
        courier(world).once()
        assert letters == [] and [d.state for d in log(world)] == ["dropped"]


def test_many_events_are_one_message_and_those_after_it_the_next(world: World) -> None:
    with receiving() as receiver:
        add(world, "slack", receiver.url)
        many = {"group": "task:x", "many": Text("{count} 项任务", "{count} tasks"), "many_link": "/tasks"}
        for _ in range(30):
            say(world, **many)
        assert courier(world, NOW + timedelta(minutes=1)).once() == 1
        assert receiver.got[0].json["text"].startswith("30 tasks")
        say(world, now=NOW + timedelta(minutes=2), **many)
        say(world, now=NOW + timedelta(minutes=2), **many)
        courier(world, NOW + timedelta(minutes=20)).once()
        assert [r.json["text"].splitlines()[0] for r in receiver.got] == ["30 tasks", "2 tasks"]


def test_templates_know_their_fields_only(world: World) -> None:
    with receiving() as receiver:
        with pytest.raises(Invalid, match="There is no {secret}"):
            add(world, "slack", receiver.url, template_en="{title} {secret}")
        add(world, "slack", receiver.url, template_en="[{topic}] {title} x{count}")
        say(world, "{body} {0.__class__}")
        courier(world).once()
        assert receiver.got[0].json["text"] == "[Tasks given to me] {body} {0.__class__} x1"


# -- Tries -------------------------------------------------------------------------------------------------------------------


def test_it_tries_again_later_and_later_and_gives_up_with_the_reason(world: World) -> None:
    with receiving() as receiver:
        receiver.answers = [(500, b"no")]
        add(world, "slack", receiver.url)
        say(world)
        waits, now = [], NOW + LATER
        for _ in range(TRIES):
            courier(world, now).once()
            (one,) = log(world)
            waits.append((one.due_at - now).total_seconds())
            now = max(one.due_at, now) + timedelta(seconds=1)
        assert (one.state, one.attempts) == ("parked", TRIES) and one.reason == Text("127.0.0.1 应答 500", "127.0.0.1 answered 500")
        assert all(0.75 * 30 * 3**i <= w <= min(1.25 * 30 * 3**i, 6 * 4500) for i, w in enumerate(waits[:-1]))
        assert courier(world, now + timedelta(days=9)).once() == 0
        receiver.answers = [(200, b"ok")]
        with world.work(ADMIN, now) as work:
            assert delivery.redeliver(work, one.id)
        assert courier(world, now).once() == 1
        assert len(receiver.got) == TRIES + 1 and len({(r.headers["webhook-id"], r.body) for r in receiver.got}) == 1


def test_a_robot_that_says_no_in_a_good_answer_is_believed_and_a_full_one_is_waited_for(world: World) -> None:
    with receiving() as receiver:
        receiver.answers = [(200, b'{"errcode":93000,"errmsg":"invalid webhook url"}'), (429, b""), (200, b'{"errcode":0}')]
        add(world, "wecom", receiver.url)
        say(world)
        courier(world, NOW + LATER).once()
        (one,) = log(world)
        assert one.reason is not None and one.reason.en == "127.0.0.1 refused: 93000 invalid webhook url"
        courier(world, one.due_at).once()
        (two,) = log(world)
        assert two.due_at - one.due_at == timedelta(seconds=90)
        assert courier(world, two.due_at).once() == 1


def test_what_a_webhook_answers_in_its_own_words_is_no_refusal(world: World) -> None:
    with receiving() as receiver:
        receiver.answers = [(200, b'{"code":200,"msg":"taken"}')]
        add(world, "webhook", receiver.url)
        say(world)
        assert courier(world).once() == 1


def test_a_slow_channel_keeps_no_other_waiting(world: World) -> None:
    with receiving() as slow, receiving() as quick:
        slow.slow = 1.5
        add(world, "slack", slow.url)
        for i in range(3):
            say(world, f"No {i}")
        sending = courier(world)
        busy = threading.Thread(target=sending.once)
        busy.start()
        while not slow.got:
            time.sleep(0.01)
        add(world, "slack", quick.url)
        say(world, "Quick")
        begun = time.monotonic()
        assert sending.once() == 1  # the slow one is still at it, and is not begun twice
        assert time.monotonic() - begun < 1.4 and [r.json["text"].splitlines()[0] for r in quick.got] == ["Quick"]
        busy.join()
        assert len(slow.got) == 3 and sending.once() == 1


def test_a_message_that_cannot_be_sent_at_all_is_given_up_with_the_reason(world: World) -> None:
    saved = add(world, "slack", "https://example.com/hook")
    say(world)
    with world.work() as work:
        work.session.execute(sa.update(notification_channels).where(notification_channels.c.id == saved.id).values(type="pigeon"))
    now = NOW + LATER
    for _ in range(TRIES):
        courier(world, now).once()
        (one,) = log(world)
        now = max(one.due_at, now) + timedelta(seconds=1)
    assert (one.state, one.attempts, one.reason) == ("parked", TRIES, delivery.BUG)


@pytest.mark.parametrize("security", ["tls", "none"])
def test_a_receiver_that_drips_is_cut_off_when_the_time_is_over(security: str) -> None:
    """Each byte comes soon enough, the whole never. Encrypted connections too, whose handle is another one than the first."""
    with dripping() as port:
        config = {"host": "127.0.0.1", "port": port, "security": security, "sender": "alerts@example.com"}
        message = Message("msg_1", {"subject": "x", "text": "x", "created_at": NOW.isoformat()}, "li@example.com")
        begun = time.monotonic()
        with pytest.raises(Failed):
            send("mail", config, {}, message, replace(HERE, seconds=1.0), NOW)
        assert 0.9 < time.monotonic() - begun < 4


def test_of_several_couriers_one_sends(world: World) -> None:
    with receiving() as receiver:
        receiver.slow = 0.3
        add(world, "slack", receiver.url)
        for i in range(4):
            say(world, f"No {i}")
        with ThreadPoolExecutor(3) as pool:
            assert sum(pool.map(lambda _: courier(world).once(), range(3))) == 4
        assert len(receiver.got) == 4


def test_a_channel_that_is_gone_sends_nothing(world: World) -> None:
    with receiving() as receiver:
        saved = add(world, "slack", receiver.url)
        say(world)
        with world.work(ADMIN) as work:
            channels.remove(work, saved.id)
        courier(world).once()
        assert receiver.got == [] and [d.state for d in log(world)] == ["dropped"]


# -- Killed ------------------------------------------------------------------------------------------------------------------

SENDING = """
    import sys
    from contextlib import contextmanager
    from datetime import timedelta
    from server.clock import now
    from server.config.catalog import Catalog
    from server.feature import SYSTEM, Hooks, Work
    from server.features.notifications.delivery import Courier
    from server.features.notifications.outgoing import Outside
    from server.storage.session import Database
    from zoneinfo import ZoneInfo

    database = Database(sys.argv[1])

    @contextmanager
    def open_work(username, write, cause):
        with database.write() if write else database.read() as connection:
            yield Work(connection, SYSTEM, Catalog(1, {}, {}), now(), ZoneInfo("UTC"), Hooks())

    courier = Courier(open_work, Outside(frozenset({"127.0.0.1"})), lease=timedelta(seconds=1))
    while courier.once() or True:
        pass
"""


def test_a_courier_killed_while_it_sends_loses_nothing_and_repeats_under_the_same_key(world: World) -> None:
    with receiving() as receiver:
        receiver.slow = 0.05
        add(world, "slack", receiver.url)
        for i in range(9):
            say(world, f"No {i}", now=datetime.now(UTC) - timedelta(minutes=5))
        url = world.database.url.render_as_string(hide_password=False)
        lives = 0
        deadline = time.monotonic() + 200
        while time.monotonic() < deadline and any(d.state == "waiting" for d in log(world)):
            environment = {k: v for k, v in os.environ.items() if not k.startswith("WEATHERGLASS_")}
            process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(SENDING), url], env=environment)
            before = len(receiver.got)
            while len(receiver.got) < before + 3 and time.monotonic() < deadline and any(d.state == "waiting" for d in log(world)):
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
            process.wait()
            lives += 1
        assert {d.state for d in log(world)} == {"sent"} and lives >= 3
        keys: dict[str, set[str]] = {}
        for received in receiver.got:
            keys.setdefault(received.json["text"].splitlines()[0], set()).add(received.headers["webhook-id"])
        assert {title: len(found) for title, found in keys.items()} == {f"No {i}": 1 for i in range(9)}
        assert len(receiver.got) <= 9 + lives


# -- Secrets -----------------------------------------------------------------------------------------------------------------


def test_a_secret_is_bound_to_its_host_and_is_not_told(world: World) -> None:
    saved = add(world, "dingtalk", "https://oapi.dingtalk.com/robot/send?access_token=TOKEN1", sign="SECRET1")
    changed = {"title": "x", "locale": "en", "enabled": "1"}
    with world.work(ADMIN) as work:
        channels.save(work, saved.id, "", changed, ["task"])  # nothing typed: both stay
        assert channels.get_channel(work, saved.id).secrets["sign"] == "SECRET1"
        assert "SECRET1" not in repr(channels.get_channel(work, saved.id)) and "TOKEN1" not in repr(channels.get_channel(work, saved.id))
        with pytest.raises(Invalid, match="another host"):
            channels.save(work, saved.id, "", {**changed, "url": "https://evil.example.com/"}, [])
        kept = work.session.execute(sa.text("SELECT detail FROM audit_log")).scalars().all()
        assert not any("SECRET1" in str(row) or "TOKEN1" in str(row) for row in kept)
