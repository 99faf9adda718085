"""What the environment says."""

import os
import sys


def database_url() -> str:
    """The address of the database, with its password."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        sys.exit("DATABASE_URL is missing: the address of Postgres, with user and password")
    return url


def version() -> str:
    return os.environ.get("VERSION", "dev")


def port() -> int:
    return int(os.environ.get("PORT", "8000"))


def drain_seconds() -> float:
    """How long open WebSockets may go on once the process is to end."""
    return float(os.environ.get("DRAIN_SECONDS", "50"))
