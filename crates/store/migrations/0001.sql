CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE environment (
    app          TEXT NOT NULL,
    environment  TEXT NOT NULL,
    next_release INTEGER NOT NULL,
    -- The live release; NULL before the first deployment succeeded.
    live         INTEGER,
    -- Services stopped by hand: JSON array of names.
    stopped      TEXT NOT NULL,
    -- The table that the proxy should serve: JSON; NULL before the first switch.
    routes       TEXT,
    PRIMARY KEY (app, environment)
) STRICT;

CREATE TABLE deployment (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    app          TEXT NOT NULL,
    environment  TEXT NOT NULL,
    request      TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    requested_at TEXT NOT NULL,
    phase        TEXT NOT NULL,
    outcome      TEXT,
    started_at   TEXT,
    ended_at     TEXT,
    from_release INTEGER,
    to_release   INTEGER,
    plan         TEXT,
    -- The release it makes or returns to, whole.
    release      TEXT,
    -- What to go back to: JSON, written with the intent to switch.
    previous     TEXT,
    cause        TEXT,
    cancelled_by TEXT
) STRICT;
CREATE INDEX deployment_by_environment ON deployment (app, environment, id);
-- One deployment at a time: at most one of an environment is neither queued nor ended.
CREATE UNIQUE INDEX deployment_active ON deployment (app, environment)
    WHERE outcome IS NULL AND phase <> '"queued"';

CREATE TABLE step (
    deployment INTEGER NOT NULL REFERENCES deployment (id),
    seq        INTEGER NOT NULL,
    name       TEXT NOT NULL,
    state      TEXT NOT NULL,
    started_at TEXT NOT NULL,
    ended_at   TEXT,
    summary    TEXT,
    PRIMARY KEY (deployment, seq)
) STRICT;

CREATE TABLE event (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    deployment INTEGER NOT NULL REFERENCES deployment (id),
    at         TEXT NOT NULL,
    body       TEXT NOT NULL
) STRICT;
CREATE INDEX event_by_deployment ON event (deployment, number);

CREATE TABLE release (
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    number      INTEGER NOT NULL,
    created_at  TEXT NOT NULL,
    created_by  TEXT NOT NULL,
    body        TEXT NOT NULL,
    -- Why it is not kept any more; NULL while a rollback to it is possible.
    retired     TEXT,
    PRIMARY KEY (app, environment, number)
) STRICT;

CREATE TABLE instance (
    id          TEXT PRIMARY KEY,
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    service     TEXT NOT NULL,
    release     INTEGER NOT NULL,
    deployment  INTEGER NOT NULL,
    port        INTEGER,
    key         TEXT NOT NULL,
    state       TEXT NOT NULL
) STRICT;
CREATE INDEX instance_by_environment ON instance (app, environment, state);

-- Stable loopback ports of services.
CREATE TABLE address (
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    service     TEXT NOT NULL,
    port        INTEGER NOT NULL UNIQUE,
    PRIMARY KEY (app, environment, service)
) STRICT;

-- Tables that only a token reaches, while a deployment rehearses.
CREATE TABLE candidate (
    deployment INTEGER PRIMARY KEY REFERENCES deployment (id),
    body       TEXT NOT NULL
) STRICT;

-- Which artifact was built from which inputs.
CREATE TABLE build (
    app      TEXT NOT NULL,
    service  TEXT NOT NULL,
    inputs   TEXT NOT NULL,
    artifact TEXT NOT NULL,
    -- Digest of every input by path: JSON, for saying what changed.
    files    TEXT NOT NULL,
    built_at TEXT NOT NULL,
    PRIMARY KEY (app, service, inputs)
) STRICT;

-- What was done by hand and was no deployment.
CREATE TABLE operation (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    at          TEXT NOT NULL,
    by          TEXT NOT NULL,
    what        TEXT NOT NULL,
    ok          INTEGER NOT NULL,
    result      TEXT NOT NULL
) STRICT;
