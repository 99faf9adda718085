"""A connection for commands, which may come before the database does."""

import time

import psycopg

from . import settings


def connect(patience: float = 60) -> psycopg.Connection:
    """Connects; waits so many seconds for a database that is still starting."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return psycopg.connect(settings.database_url(), connect_timeout=5)
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
