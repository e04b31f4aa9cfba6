"""The thread in which a server's jobs run. It waits until the server is up before it loads the engine, whose libraries take a second.

What of SQLAlchemy the engine needs is loaded here, before anybody is served: sqlalchemy.orm takes part in every statement as soon as it begins to load,
and half loaded it breaks those that other threads are making at that moment.
"""

import importlib
import logging
import threading
from dataclasses import replace

import sqlalchemy.orm  # noqa: F401

from server.jobs.perform import House

log = logging.getLogger("weatherglass")
PATIENCE = 1.0  # seconds the server has for its own start
AGAIN = 5.0  # seconds until an engine that could not run is started anew: the database may be away


class Background:
    def __init__(self, house: House) -> None:
        self.stopped = threading.Event()
        self.house = replace(house, stopping=self.stopped.is_set)
        self.thread = threading.Thread(target=self._run, name="jobs", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        """A job under way ends after its present step and goes on at the next start."""
        self.stopped.set()
        self.thread.join(10)

    def _run(self) -> None:
        if self.stopped.wait(PATIENCE):
            return
        engine = importlib.import_module("server.jobs.engine")
        while not self.stopped.is_set():
            try:
                engine.Engine(self.house, self.stopped).run()
            except Exception:
                log.exception("background jobs cannot run; tried again in %d s", AGAIN)
                self.stopped.wait(AGAIN)
