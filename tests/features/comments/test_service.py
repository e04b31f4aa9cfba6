"""Comments: who may write and change them, what is kept of them, and who finds them on the desk."""

import pytest
import sqlalchemy as sa

from server.errors import Forbidden, Invalid, NotFound
from server.features.access.tables import users
from server.features.audit.tables import audit_log
from server.features.comments import service as comments
from server.features.comments.tables import comment_versions
from server.features.records.service import create, delete
from server.storage.session import Database
from tests.features.records.company import BOSS, CHEN, LI, NOBODY, NOW, Company, company_of

NAMES = {a.username: a.name for a in (LI, CHEN, BOSS, NOBODY)}


@pytest.fixture
def company(database: Database) -> Company:
    """Two companies: the first is Li's, the second Chen's."""
    company = company_of(database)
    with company.work() as work:
        people = [{"username": a.username, "name": a.name, "roles": list(a.roles)} for a in (LI, CHEN, BOSS, NOBODY)]
        work.session.execute(sa.insert(users), [{**p, "password_hash": "", "locale": "en", "active": True, "created_at": NOW} for p in people])
    with company.work(BOSS) as work:
        create(work, "company", {"name": "Acme", "region": "east", "owner": "li.na"})
        create(work, "company", {"name": "Bolt", "region": "east", "nickname": "b", "owner": "chen.jie"})
    return company


def test_a_mention_is_found_and_seen(company: Company) -> None:
    with company.work(BOSS) as work:
        first = comments.add(work, "company", 1, " @李娜 please\r\nlook ")
        comments.add(work, "company", 1, "@wang.wei note to self")
        assert comments.unread(work) == []
    with company.work(LI) as work:
        (mention,) = comments.unread(work)
        assert (mention.record_name, mention.by, "".join(p.text for p in mention.parts)) == ("Acme", "wang.wei", "@李娜 please\nlook")
        assert [c.unread for c in comments.comments_of(work, "company", 1, NAMES)] == [False, True]
        assert comments.seen(work, "company", 1, [first]) == 1
        assert comments.unread(work) == [] and comments.seen(work, "company", 1, [first]) == 0


def test_the_author_changes_and_deletes_with_trace(company: Company) -> None:
    with company.work(LI) as work:
        made = comments.add(work, "company", 1, "frist")
        comments.edit(work, made, "first, @wang.wei")
        comments.edit(work, made, "first, @wang.wei")  # nothing changes, nothing is kept
        (shown,) = comments.comments_of(work, "company", 1, NAMES)
        assert shown.edited_at == NOW and [p.text for _, was in shown.before for p in was] == ["frist"]
    with company.work(BOSS) as work:
        assert len(comments.unread(work)) == 1
        for change in (lambda: comments.edit(work, made, "mine"), lambda: comments.delete(work, made)):
            with pytest.raises(Forbidden):
                change()
    with company.work(LI) as work:
        comments.delete(work, made)
        (shown,) = comments.comments_of(work, "company", 1, NAMES)
        assert shown.deleted_at == NOW and shown.text == "" and shown.before == ()
        with pytest.raises(NotFound):
            comments.edit(work, made, "again")
        assert work.session.scalar(sa.select(sa.func.count()).select_from(comment_versions)) == 1
        actions = work.session.execute(sa.select(audit_log.c.action).where(audit_log.c.action.contains("comment"))).scalars().all()
    assert actions == ["comment", "edit_comment", "delete_comment"]
    with company.work(BOSS) as work:
        assert comments.unread(work) == []


def test_only_who_may_read_the_record(company: Company) -> None:
    with pytest.raises(NotFound), company.work(LI) as work:
        comments.add(work, "company", 2, "hello")
    with pytest.raises(NotFound), company.work(LI) as work:
        comments.comments_of(work, "company", 2, NAMES)
    with pytest.raises(Invalid, match="陈洁 may not see this record"), company.work(LI) as work:
        comments.add(work, "company", 1, "@chen.jie look")
    with company.work(LI) as work:
        assert [u for u, _ in comments.people_to_mention(work, "company", 1, "")] == ["li.na", "wang.wei"]
        assert [u for u, _ in comments.people_to_mention(work, "company", 1, "WANG")] == ["wang.wei"]


def test_a_mention_about_a_record_that_went_is_not_shown(company: Company) -> None:
    with company.work(BOSS) as work:
        comments.add(work, "company", 1, "@li.na")
        delete(work, "company", 1, 1)
    with company.work(LI) as work:
        assert comments.unread(work) == []


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 4001, "a\x00b", "\ud800"])
def test_bad_text_is_refused(company: Company, text: str) -> None:
    with pytest.raises(Invalid), company.work(LI) as work:
        comments.add(work, "company", 1, text)
