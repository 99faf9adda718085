"""Brings the notes that everybody starts with: `python -m reader.seed`. Repeatable."""

from .database import connect

NOTES = {
    "welcome": "A note is a line of text. Write the first one of your own.",
    "streams": "Messages that are streamed arrive one by one, and none of them twice.",
    "workers": "What takes long is computed by workers.",
}


def main() -> None:
    with connect() as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO note (seed, text) VALUES (%s, %s) ON CONFLICT (seed) DO NOTHING",
            list(NOTES.items()),
        )
        print(f"{cursor.rowcount} notes are new, {len(NOTES) - cursor.rowcount} were there")


if __name__ == "__main__":
    main()
