CREATE TABLE note (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Set for notes that a seed brings, so that it brings them once.
    seed    text UNIQUE,
    text    text NOT NULL CHECK (length(text) BETWEEN 1 AND 10000),
    created timestamptz NOT NULL DEFAULT now()
);
