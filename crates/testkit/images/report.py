"""What is told to the person, and what stops the work."""

import subprocess
import sys


class Failure(Exception):
    """Something that a person has to put right; its text says what."""


def say(text):
    """Prints a line of progress."""
    print(f"images: {text}", file=sys.stderr, flush=True)


def run(command, **options):
    """Runs a command, silent unless it fails; what it printed."""
    command = [str(word) for word in command]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
        )
    except FileNotFoundError as error:
        raise Failure(f"{command[0]} is missing: install it") from error
    if done.returncode != 0:
        last = (done.stdout + done.stderr).decode(errors="replace").strip().splitlines()[-15:]
        raise Failure("\n".join([f"{' '.join(command[:6])} failed with {done.returncode}", *last]))
    return done.stdout.decode(errors="replace")
