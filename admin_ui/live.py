"""The bell's live count. One look at the database every two seconds serves all who watch: a watcher is a queue, not a thread and not a connection."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from server.clock import now
from server.features.access import sessions
from server.features.notifications.service import newest_and_unread
from server.storage.session import Database

LOOK = 2.0  # seconds between looks
BEAT = 15.0  # seconds of silence after which a line is sent, so that proxies keep the connection
LIFE = 1800.0  # seconds; then the browser connects anew
EACH, ALL = 12, 2000  # watchers of one person, of one process
OVER = b"event: over\ndata: {}\n\n"
State = tuple[int, int]  # number of the newest, how many unread


@dataclass(eq=False)
class Watcher:
    username: str
    session: str
    state: State
    told: "asyncio.Queue[State | None]" = field(default_factory=lambda: asyncio.Queue(1))

    def tell(self, state: State | None) -> None:
        """The latest state is the one that counts; None: it is over."""
        if self.told.full():
            self.told.get_nowait()
        self.told.put_nowait(state)


class Live:
    def __init__(self, database: Database, session_hours: int) -> None:
        self.database, self.session_hours = database, session_hours
        self.ending: Callable[[], bool] = bool  # the server is about to end
        self.watchers: set[Watcher] = set()
        self._looking: asyncio.Task[None] | None = None

    async def stream(self, username: str, token: str) -> AsyncIterator[bytes]:
        """Server-sent events till the session ends, the server stops or half an hour is over. The first one says how things stand."""
        watcher = Watcher(username, sessions.fingerprint(token), await run_in_threadpool(self._state_of, username))
        if self._is_full(username):
            yield OVER  # tells the page not to ask again; the count of each page stays
            return
        self.watchers.add(watcher)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        loop = asyncio.get_running_loop()
        try:
            yield b"retry: 5000\n\n" + _event(watcher.state)
            end = loop.time() + LIFE
            while loop.time() < end:
                try:
                    state = await asyncio.wait_for(watcher.told.get(), BEAT)
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if state is None:
                    yield OVER
                    return
                yield _event(state)
        finally:
            self.watchers.discard(watcher)

    def stop(self) -> None:
        for watcher in self.watchers:
            watcher.tell(None)

    def _is_full(self, username: str) -> bool:
        return len(self.watchers) >= ALL or Counter(w.username for w in self.watchers)[username] >= EACH

    async def _look(self) -> None:
        """Runs while somebody watches."""
        since = 0.0
        while self.watchers:
            await asyncio.sleep(0.25)
            since += 0.25
            if self.ending():
                self.stop()
                return
            if since >= LOOK:
                since = 0.0
                await self._tell_changes()

    async def _tell_changes(self) -> None:
        watching = tuple(self.watchers)
        try:
            states, held = await run_in_threadpool(self._states, {w.username for w in watching}, {w.session for w in watching})
        except SQLAlchemyError:  # away for a moment: the next look tells
            return
        for watcher in watching:
            state = states.get(watcher.username, (0, 0))
            if watcher.session not in held:
                watcher.tell(None)
            elif state != watcher.state:
                watcher.state = state
                watcher.tell(state)

    def _states(self, usernames: Iterable[str], fingerprints: Iterable[str]) -> tuple[Mapping[str, State], frozenset[str]]:
        with self.database.read() as connection:
            return newest_and_unread(connection, usernames), sessions.going_on(connection, fingerprints, now(), self.session_hours)

    def _state_of(self, username: str) -> State:
        with self.database.read() as connection:
            return newest_and_unread(connection, [username]).get(username, (0, 0))


def _event(state: State) -> bytes:
    newest, unread = state
    return b"event: unread\ndata: " + json.dumps({"newest": newest, "unread": unread}).encode() + b"\n\n"
