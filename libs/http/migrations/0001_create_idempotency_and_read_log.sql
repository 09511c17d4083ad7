-- What every service's HTTP edge stores in its own database.
CREATE SCHEMA IF NOT EXISTS http;

-- The answer to a write, kept in the transaction of the write. A second request with the same key gets this answer.
-- `client` is the authenticated caller; two callers may use the same key.
CREATE TABLE http.idempotency (
    client text NOT NULL,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
    status smallint NOT NULL CHECK (status BETWEEN 200 AND 299),
    media_type text NOT NULL,
    location text,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client, key)
);
-- For the purge: rows are written in order of time, so a block range index stays tiny.
CREATE INDEX idempotency_age ON http.idempotency USING brin (created_at);

-- Who read whose data, and what for. Rows are added in the transaction of the read and never changed.
CREATE TABLE http.read_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    read_at timestamptz NOT NULL DEFAULT now(),
    actor_kind text NOT NULL,
    actor text NOT NULL,
    agency text NOT NULL,
    purpose text NOT NULL,
    what text NOT NULL,
    dossier_id uuid NOT NULL
);
-- "Who looked at this child's file?"
CREATE INDEX read_log_dossier ON http.read_log (dossier_id, read_at);

SELECT migrations.restrict('http.read_log', 'UPDATE', 'DELETE', 'TRUNCATE');

CREATE FUNCTION http.refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'http.read_log is append-only';
END $$;

CREATE TRIGGER read_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON http.read_log
FOR EACH STATEMENT EXECUTE FUNCTION http.refuse_change();
