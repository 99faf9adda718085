CREATE TABLE task (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    size     integer NOT NULL CHECK (size BETWEEN 1 AND 2000),
    created  timestamptz NOT NULL DEFAULT now(),
    finished timestamptz,
    result   jsonb
);

CREATE INDEX task_open ON task (id) WHERE finished IS NULL;
