"""Which streams are open, so that the process can end after them."""

import asyncio
import contextlib


class Streams:
    """Counts streams."""

    def __init__(self) -> None:
        self._open = 0
        self._none = asyncio.Event()
        self._none.set()

    @contextlib.contextmanager
    def one(self):
        """Holds a stream open."""
        self._open += 1
        self._none.clear()
        try:
            yield
        finally:
            self._open -= 1
            if self._open == 0:
                self._none.set()

    async def ended(self, seconds: float) -> int:
        """Waits until there is none, at most so many seconds; how many are left."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._none.wait(), seconds)
        return self._open
