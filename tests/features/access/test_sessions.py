"""Signing in: slow-down, one answer for all refusals, sessions that end when they should."""

import statistics
import threading
import time
from datetime import timedelta

import pytest
import sqlalchemy as sa

from server.errors import Conflict, Forbidden, Invalid
from server.feature import Actor
from server.features.access import people, sessions
from server.features.access.tables import login_sessions, setup
from server.features.access.tables import users as people_table
from server.features.audit.tables import audit_log
from server.storage.session import Database
from tests.features.acting import ADMIN, NOW, STAFF, World, world_of

GOOD = "rain-before-seven"


@pytest.fixture
def world(database: Database) -> World:
    world = world_of(database)
    with world.work() as work:
        people.create_user(work, "li.na", "李娜", GOOD, ["staff"])
        people.create_user(work, "admin", "管理员", "fine-by-eleven", ["admin"])
    return world


def sign_in(world: World, username: str = "li.na", password: str = GOOD, address: str = "10.0.0.1", seconds: float = 0) -> sessions.Login:
    with world.work(now=NOW + timedelta(seconds=seconds)) as work:
        return sessions.login(work, username, password, address)


def actor(world: World, token: str, after: timedelta = timedelta()) -> Actor | None:
    with world.work(write=False) as work:
        return sessions.actor_of(work.session, token, NOW + after)


def test_login_gives_the_person(world: World) -> None:
    login = sign_in(world, "LI.NA ")
    assert login.refusal is None
    assert actor(world, login.token) == Actor("li.na", "李娜", ("staff",), "zh_CN")
    assert actor(world, login.token + "x") is None
    assert actor(world, "") is None


def test_only_the_hash_is_stored_and_each_login_has_a_new_token(world: World) -> None:
    first, second = sign_in(world).token, sign_in(world).token
    assert first != second
    assert len(first) >= 43  # 256 bits
    with world.work() as work:
        stored = work.session.scalars(sa.select(login_sessions.c.token_hash)).all()
        assert not {first, second} & set(stored)
        hashes = work.session.scalars(sa.select(people_table.c.password_hash)).all()
    assert all(h.startswith("$argon2id$") for h in hashes)


def test_unknown_user_wrong_password_and_disabled_user_get_one_answer(world: World) -> None:
    with world.work(ADMIN) as work:
        people.create_user(work, "gone", "走了", GOOD, ["staff"])
        people.update_user(work, "gone", active=False)
    answers = {sign_in(world, *pair).refusal for pair in (("li.na", "wrong"), ("nobody", "wrong"), ("gone", GOOD), ("", ""), ("li.na", "x" * 100_000))}
    assert len(answers) == 1
    assert None not in answers


def test_unknown_user_takes_the_same_time(world: World) -> None:
    def seconds(username: str) -> float:
        times = []
        for i in range(7):
            with world.work(write=False) as work:
                start = time.perf_counter()
                sessions.attempt(work, username, "wrong", f"10.1.0.{i}")
                times.append(time.perf_counter() - start)
        return statistics.median(times)

    known, unknown = seconds("li.na"), seconds("nobody")
    assert 0.5 < known / unknown < 2


def test_slows_down_after_five_failures_for_right_passwords_too(world: World) -> None:
    for i in range(5):
        assert sign_in(world, password="wrong", seconds=i).token == ""
    assert sign_in(world, seconds=5).wait_seconds > 0
    assert sign_in(world, address="10.0.0.2", seconds=5).token, "another address is not kept waiting"
    assert sign_in(world, seconds=40).token
    assert sign_in(world, password="wrong", seconds=41).wait_seconds == 0, "a success forgets the failures"


def test_unknown_users_are_slowed_down_alike(world: World) -> None:
    for i in range(5):
        sign_in(world, "nobody", "wrong", seconds=i)
    blocked = sign_in(world, "nobody", "wrong", seconds=5)
    for i in range(5):
        sign_in(world, password="wrong", seconds=i)
    assert blocked == sign_in(world, seconds=5)


def test_guesses_sent_at_once_do_not_pass_the_limit(world: World) -> None:
    tried = []
    with world.work(write=False) as work:
        for i in range(12):
            tried.append(sessions.attempt(work, "li.na", GOOD if i == 11 else "wrong", "10.0.0.9"))
    results = []
    for attempt in tried:
        with world.work() as work:
            results.append(sessions.finish(work, attempt))
    assert results[-1].token == ""
    assert results[-1].wait_seconds > 0


def test_failures_survive_a_restart(world: World) -> None:
    for i in range(5):
        sign_in(world, password="wrong", seconds=i)
    again = Database(world.database.url.render_as_string(hide_password=False))
    try:
        assert sign_in(World(again, world.catalog), seconds=6).wait_seconds > 0
    finally:
        again.close()


def test_sessions_run_out_idle_and_in_total(world: World) -> None:
    token = sign_in(world).token
    assert actor(world, token, timedelta(hours=11, minutes=59))
    assert actor(world, token, timedelta(hours=12, minutes=1)) is None
    now = NOW
    while now < NOW + timedelta(days=7) - timedelta(hours=6):
        now += timedelta(hours=6)
        with world.work() as work:
            assert (held := sessions.holder(work.session, token, now)) and held.touch_due
            sessions.touch(work.session, token, now)
            assert (held := sessions.holder(work.session, token, now)) and not held.touch_due
    assert actor(world, token, timedelta(days=7) - timedelta(minutes=1))
    assert actor(world, token, timedelta(days=7, minutes=1)) is None


def test_logout_disable_and_roles_act_at_once(world: World) -> None:
    first, second = sign_in(world).token, sign_in(world).token
    with world.work() as work:
        sessions.logout(work, first)
    assert actor(world, first) is None
    with world.work(ADMIN) as work:
        people.update_user(work, "li.na", roles=["reviewer"], locale="en")
    assert actor(world, second) == Actor("li.na", "李娜", ("reviewer",), "en")
    with world.work(ADMIN) as work:
        people.update_user(work, "li.na", active=False)
    assert actor(world, second) is None
    with world.work(ADMIN) as work:
        people.update_user(work, "li.na", active=True)
    assert actor(world, second) is None, "enabled again is not signed in again"


def test_new_password_ends_all_sessions(world: World) -> None:
    token = sign_in(world).token
    with world.work(STAFF) as work, pytest.raises(Invalid):
        people.change_password(work, "not this", "another-good-one")
    with world.work(STAFF) as work:
        people.change_password(work, GOOD, "another-good-one")
    assert actor(world, token) is None
    assert sign_in(world, password="another-good-one").token
    assert sign_in(world).token == ""


def test_own_sessions_are_seen_and_ended_others_need_the_right(world: World) -> None:
    token = sign_in(world).token
    sign_in(world)
    with world.work(STAFF) as work:
        listed = sessions.sessions_of(work, "li.na")
        assert len(listed) == 2
        with pytest.raises(Forbidden):
            sessions.sessions_of(work, "admin")
        with pytest.raises(Forbidden):
            sessions.end_sessions(work, "admin")
        sessions.end_session(work, "li.na", listed[0].id)
    with world.work(ADMIN) as work:
        sessions.end_sessions(work, "li.na")
    assert actor(world, token) is None


def test_only_those_with_the_right_manage_people(world: World) -> None:
    with world.work(STAFF) as work:
        with pytest.raises(Forbidden):
            people.create_user(work, "eve", "Eve", GOOD, ["admin"])
        with pytest.raises(Forbidden):
            people.update_user(work, "li.na", roles=["admin"])


def test_people_are_checked(world: World) -> None:
    with world.work(ADMIN) as work:
        for arguments in (
            ("li.na", "二号", GOOD, ["staff"]),
            ("x", "短", GOOD, ["staff"]),
            ("eve", "Eve", "12345678", ["staff"]),
            ("eve", "Eve", GOOD, ["king"]),
            ("eve", " ", GOOD, []),
        ):
            with pytest.raises(Invalid):
                people.create_user(work, *arguments)


def test_the_last_administrator_stays(world: World) -> None:
    with world.work(ADMIN) as work:
        with pytest.raises(Conflict):
            people.update_user(work, "admin", active=False)
        with pytest.raises(Conflict):
            people.update_user(work, "admin", roles=["staff"])
        people.update_user(work, "li.na", roles=["staff", "admin"])
        people.update_user(work, "admin", active=False)
        assert people.usernames_of_role(work, "admin") == ("li.na",)


def test_first_administrator_once_of_fifty(database: Database) -> None:
    world = world_of(database)
    made, refused, other = [], [], []
    start = threading.Barrier(50)

    def set_up(number: int) -> None:
        start.wait()
        try:
            with world.work(Actor("", "")) as work:
                made.append(people.first_admin(work, f"boss{number}", "Boss", GOOD))
        except Conflict:
            refused.append(number)
        except (sa.exc.SQLAlchemyError, Invalid) as error:
            other.append(error)

    threads = [threading.Thread(target=set_up, args=(n,)) for n in range(50)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert (len(made), len(refused), other) == (1, 49, [])
    with world.work() as work:
        assert [u.username for u in people.users(work)] == [made[0].username]
        assert work.session.scalar(sa.select(sa.func.count()).select_from(setup)) == 1
        assert not people.needs_setup(work.session)
    assert sign_in(world, made[0].username).token


def test_no_first_administrator_where_there_are_people(world: World) -> None:
    with world.work() as work, pytest.raises(Conflict):
        people.first_admin(work, "boss", "Boss", GOOD)


def test_no_password_and_no_typed_name_reaches_the_audit(world: World) -> None:
    sign_in(world, "my-secret-in-the-wrong-box", "wrong")
    sign_in(world, "li.na", "wrong")
    sign_in(world)
    with world.work(ADMIN) as work:
        people.update_user(work, "li.na", password="yet-another-good")
        text = " ".join(work.session.scalars(sa.select(audit_log.c.actor + audit_log.c.action + audit_log.c.detail)))
    assert "wrong-box" not in text
    assert GOOD not in text
    assert "argon2" not in text
    assert "yet-another" not in text
    assert "login_failed" in text
