"""Computes the tasks in the database, and finishes the one in hand before it exits.

A task is locked while it is computed: another worker skips it, and takes it if this one dies.
"""

import os
import signal
import socket
import sys
import threading
import time

import numpy
import psycopg
from psycopg.types.json import Jsonb

#: Seconds between two looks at an empty table.
PAUSE = 0.2

NEXT = "SELECT id, size FROM task WHERE finished IS NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
DONE = "UPDATE task SET finished = clock_timestamp(), result = %s WHERE id = %s"

stopping = threading.Event()


def compute(size: int) -> dict:
    """Multiplies a matrix with itself: nothing but arithmetic."""
    began = time.monotonic()
    matrix = numpy.random.default_rng(size).random((size, size))
    product = matrix
    for _ in range(10):
        product = product @ matrix
        product /= numpy.abs(product).max()
    return {
        "trace": float(numpy.trace(product)),
        "took_ms": round((time.monotonic() - began) * 1000),
        "worker": socket.gethostname(),
        # How many threads the process has: more than one shows that nothing limits the arithmetic.
        "threads": len(os.listdir("/proc/self/task")),
    }


def take(connection: psycopg.Connection) -> bool:
    """Computes the next task; whether there was one."""
    with connection.transaction():
        task = connection.execute(NEXT).fetchone()
        if task is None:
            return False
        id, size = task
        print(f"task {id}: {size} rows", flush=True)
        connection.execute(DONE, [Jsonb(compute(size)), id])
    print(f"task {id}: done", flush=True)
    return True


def work(url: str) -> None:
    """Works until the process is to end."""
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        print("takes tasks", flush=True)
        while not stopping.is_set():
            if not take(connection):
                stopping.wait(PAUSE)


def main() -> None:
    url = os.environ.get("DATABASE_URL")
    if not url:
        sys.exit("DATABASE_URL is missing: the address of Postgres, with user and password")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    while not stopping.is_set():
        try:
            work(url)
        except (psycopg.OperationalError, psycopg.errors.UndefinedTable) as error:
            # It comes back, and the table comes with the first migration.
            print(f"database: {error}", flush=True)
            stopping.wait(1)
    print("ends", flush=True)


main()
