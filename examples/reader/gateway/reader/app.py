"""Routes of the gateway."""

import asyncio
import contextlib
from typing import Annotated

import psycopg
from fastapi import FastAPI, HTTPException, Query, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from pydantic import BaseModel, Field

from . import settings
from .streams import Streams


class NewNote(BaseModel):
    text: Annotated[str, Field(min_length=1, max_length=10_000)]


class NewTask(BaseModel):
    #: Rows of the matrix that a worker multiplies with itself.
    size: Annotated[int, Field(ge=1, le=2000)] = 300


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI):
    pool = AsyncConnectionPool(
        settings.database_url(),
        min_size=1,
        max_size=8,
        timeout=5,
        open=False,
        kwargs={"row_factory": dict_row},
        # A database that was started again ended the connections that are kept.
        check=AsyncConnectionPool.check_connection,
    )
    await pool.open()
    app.state.pool = pool
    yield
    await pool.close()


app = FastAPI(title="Reader", lifespan=lifespan)
app.state.streams = Streams()


async def ask(query: str, values: tuple = ()) -> list[dict]:
    async with app.state.pool.connection() as connection:
        cursor = await connection.execute(query, values)
        return await cursor.fetchall()


@app.exception_handler(PoolTimeout)
@app.exception_handler(psycopg.OperationalError)
async def database_is_away(_request: Request, error: Exception) -> JSONResponse:
    print(f"database: {error}", flush=True)
    return JSONResponse({"detail": "the database does not answer"}, 503)


@app.get("/api/health")
async def health() -> dict:
    await ask("SELECT 1 AS one")
    return {"status": "ok"}


@app.get("/api/version")
async def version() -> dict:
    return {"version": settings.version()}


@app.get("/api/notes")
async def notes() -> list[dict]:
    return await ask("SELECT id, text, created FROM note ORDER BY id DESC LIMIT 100")


@app.post("/api/notes", status_code=201)
async def write(note: NewNote) -> dict:
    [row] = await ask("INSERT INTO note (text) VALUES (%s) RETURNING id, text, created", (note.text,))
    return row


@app.post("/api/tasks", status_code=202)
async def start(task: NewTask) -> dict:
    [row] = await ask("INSERT INTO task (size) VALUES (%s) RETURNING id", (task.size,))
    return row


@app.get("/api/tasks/count")
async def count() -> dict:
    [row] = await ask("SELECT count(*) AS total, count(finished) AS finished FROM task")
    return row


@app.get("/api/tasks/{id}")
async def task(id: int) -> dict:
    rows = await ask("SELECT id, size, created, finished, result FROM task WHERE id = %s", (id,))
    if not rows:
        raise HTTPException(404, "no such task")
    return rows[0]


@app.websocket("/ws")
async def stream(
    socket: WebSocket,
    n: Annotated[int, Query(ge=0, le=100_000)] = 10,
    every_ms: Annotated[int, Query(ge=0, le=60_000)] = 1000,
) -> None:
    """Sends messages numbered from 1 to `n`, one every so many milliseconds, and closes."""
    with app.state.streams.one(), contextlib.suppress(WebSocketDisconnect):
        await socket.accept()
        for number in range(1, n + 1):
            await socket.send_json({"number": number, "of": n, "version": settings.version()})
            await asyncio.sleep(every_ms / 1000)
        await socket.close()
