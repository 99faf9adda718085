"""Brings the database to the schema of this version: `python -m reader.migrate`. Repeatable."""

from importlib import resources

from .database import connect

#: Known to nobody else: two that run at once wait for each other.
LOCK = 7_403_221


def main() -> None:
    scripts = resources.files(__package__) / "migrations"
    names = sorted(entry.name for entry in scripts.iterdir() if entry.name.endswith(".sql"))
    with connect() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migration"
            " (name text PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())"
        )
        done = {name for (name,) in connection.execute("SELECT name FROM migration")}
        for name in names:
            if name in done:
                continue
            connection.execute((scripts / name).read_text())
            connection.execute("INSERT INTO migration (name) VALUES (%s)", [name])
            print(f"{name}: applied")
    print(f"the schema is at {names[-1]}")


if __name__ == "__main__":
    main()
