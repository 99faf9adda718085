"""Serves the gateway: `python -m reader`."""

import uvicorn

from . import settings
from .app import app


class Server(uvicorn.Server):
    """Ends after the streams that are open: by itself, uvicorn closes WebSockets when it is to end."""

    async def shutdown(self, sockets=None) -> None:
        for server in self.servers:
            server.close()
        left = await app.state.streams.ended(settings.drain_seconds())
        if left:
            print(f"{left} streams took too long, and are closed", flush=True)
        await super().shutdown(sockets)


config = uvicorn.Config(
    app,
    host="0.0.0.0",
    port=settings.port(),
    timeout_graceful_shutdown=5,
    # What is in front of it answers for what it says of its clients.
    forwarded_allow_ips="*",
)
Server(config).run()
