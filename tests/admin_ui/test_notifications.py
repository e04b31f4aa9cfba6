"""The bell, its page and its live count, over HTTP as people use them."""

import asyncio
import html
import re

import httpx2 as httpx
import pytest
import sqlalchemy as sa

from server.errors import Text
from server.feature import Notice, tell
from server.features.comments import service as comments
from server.features.notifications import service
from tests.admin_ui.conftest import PASSWORD, Site
from tests.serving import ROOT, Server


def say(site: Site, *usernames: str, title: str = "Call them", **more: object) -> None:
    notice = Notice("task", tuple(f"user:{u}" for u in usernames), Text(title, title), Text("", ""), "/tasks", **more)  # type: ignore[arg-type]
    with site.work(write=True) as work:
        tell(work, [notice])


def bell(page: str) -> str:
    return html.unescape(re.search(r'id="bell"[^>]*aria-label="([^"]*)"', page).group(1))  # type: ignore[union-attr]


def test_the_bell_counts_and_the_page_lists_marks_and_leads_on(site: Site) -> None:
    client = site.client("li")
    assert bell(client.get("/").text) == "Notifications"
    assert "No notifications yet" in client.get("/notifications").text
    with site.work("wang", write=True) as work, pytest.raises(Exception, match="no such record"):
        comments.add(work, "customer", 1, "@li")  # customer 1 is not his
    with site.work("wu", write=True) as work:
        comments.add(work, "customer", 1, "please look, @li <b>now</b>")
    say(site, "li")
    text = client.get("/notifications").text
    assert bell(text) == "Notifications, unread 2"
    assert "wu mentioned you at" in text and "&lt;b&gt;now&lt;/b&gt;" in text
    part = client.get("/notifications", headers={"hx-request": "true", "hx-request-type": "partial"}).text
    assert "mentioned you at" in part and "<html" not in part
    found = re.findall(r'href="/notifications/(\d+)"', text)
    answer = client.get(f"/notifications/{found[1]}")
    assert answer.status_code == 303 and answer.headers["location"].startswith("/o/customer/1?tab=timeline#c")
    assert bell(client.get("/").text) == "Notifications, unread 1"
    assert "mentioned you" not in client.get("/notifications?unread=1").text
    assert "Call them" not in client.get("/notifications?kind=mention").text
    client.post("/notifications/mark", data={"id": found[1], "as_unread": "1"})
    assert bell(client.get("/").text) == "Notifications, unread 2"
    client.post("/notifications/mark", data={"all": "1"})
    assert bell(client.get("/").text) == "Notifications"


def test_nobody_opens_or_marks_what_is_another_persons(site: Site) -> None:
    say(site, "li")
    with site.work("li") as work:
        (one,) = service.mine(work)
    other = site.client("wang")
    assert other.get(f"/notifications/{one.id}").headers["location"] == "/notifications"
    other.post("/notifications/mark", data={"id": str(one.id)})
    other.post("/notifications/mark", data={"all": "1"})
    with site.work("li") as work:
        assert service.mine_unread(work) == (one.id, 1)


def test_the_list_is_read_in_pages(site: Site) -> None:
    for i in range(120):
        say(site, "li", title=f"number-{i}.")
    client, seen, path = site.client("li"), [], "/notifications"
    for _ in range(3):
        text = client.get(path).text
        seen += re.findall(r"number-(\d+)\.</a>", text)
        more = re.search(r'href="(/notifications\?[^"]*before=[^"]*)"', text)
        path = html.unescape(more.group(1)) if more else ""
    assert path == "" and seen == [str(i) for i in range(119, -1, -1)]
    assert bell(text) == "Notifications, unread 99+"


def test_preferences_are_kept_and_mistakes_are_said_beside_what_was_typed(site: Site) -> None:
    client = site.client("li")
    wrong = client.post("/notifications/preferences", data={"email": "li at example", "zone": "Mars/Paris", "quiet_from": "22:00", "daily_hour": "8"})
    assert wrong.status_code == 422
    text = html.unescape(wrong.text)
    assert (
        "This is no e-mail address" in text
        and "There is no time zone Mars/Paris; for example Europe/Paris" in text
        and "Quiet hours need" in text
        and "li at example" in text
    )
    typed = {"email": "li@example.com", "zone": "europe/paris", "quiet_from": "22:00", "quiet_to": "07:00", "daily_hour": "9", "mail_task": "off"}
    assert client.post("/notifications/preferences", data=typed).status_code == 303
    text = client.get("/notifications/preferences").text
    assert 'value="li@example.com"' in text and 'value="22:00"' in text and 'name="zone" list="np-zones" value="Europe/Paris"' in text
    say(site, "li")  # the bell was switched off for all: no box was ticked
    assert bell(client.get("/").text) == "Notifications"


def test_the_live_count_asks_for_a_session(site: Site) -> None:
    answer = site.client().get("/notifications/live")
    assert answer.status_code in {303, 401} and "event-stream" not in answer.headers.get("content-type", "")


def test_many_watch_and_hear_of_it_while_pages_go_on_and_signing_out_ends_it(site: Site) -> None:
    head = max(path.name for path in (ROOT / "migrations" / "versions").glob("*.py"))[:4]
    with site.database.write() as connection:
        connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(sa.text("INSERT INTO alembic_version VALUES (:head)"), {"head": head})
    server = Server(site.settings.database_url)
    server.start()

    async def watch() -> None:
        async with httpx.AsyncClient(base_url=server.address, timeout=30) as client:
            cookies = []
            for username in ["li"] * 6 + ["wang"] * 2:
                await client.post("/login", data={"username": username, "password": PASSWORD, "next": "/"})
                cookies.append(client.cookies.get("weatherglass_session"))
                client.cookies.clear()
            heard: list[list[str]] = [[] for _ in range(60)]

            async def listen(n: int) -> None:
                cookie = cookies[n % 8]
                async with client.stream("GET", "/notifications/live", headers={"cookie": f"weatherglass_session={cookie}"}) as answer:
                    assert answer.headers["content-type"].startswith("text/event-stream") and answer.headers["x-accel-buffering"] == "no"
                    async for line in answer.aiter_lines():
                        if line.startswith(("event", "data")):
                            heard[n].append(line)

            tasks = [asyncio.create_task(listen(n)) for n in range(60)]
            await asyncio.sleep(1.5)
            page = await asyncio.wait_for(client.get("/", headers={"cookie": f"weatherglass_session={cookies[0]}"}), 10)
            assert page.status_code == 200  # watchers hold no thread and no connection
            await asyncio.to_thread(say, site, "li")
            await asyncio.sleep(3.5)
            last = ["full" if h[0] == "event: over" else h[-1] for h in heard]
            with site.work("li") as work:
                (one,) = service.mine(work)
            assert last.count(f'data: {{"newest": {one.id}, "unread": 1}}') == 12 and last.count("full") == 36  # twelve of one person
            assert last.count('data: {"newest": 0, "unread": 0}') == 12
            await client.post("/logout", headers={"cookie": f"weatherglass_session={cookies[6]}"})
            await asyncio.sleep(3)
            assert {h[-2] for n, h in enumerate(heard) if n % 8 == 6} == {"event: over"}
            stopping = asyncio.create_task(asyncio.to_thread(server.stop))
            await asyncio.wait_for(stopping, 5)  # who watches does not keep the server from ending
            await asyncio.gather(*tasks, return_exceptions=True)

    try:
        asyncio.run(watch())
    finally:
        if server.process is not None and server.process.poll() is None:
            server.kill()
    assert "Traceback" not in server.said() and "ERROR" not in server.said()
