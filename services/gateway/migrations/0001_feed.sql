-- Whom a dossier concerns so far: facility/<code>, agency/<code>, unit/<code>. It only grows.
CREATE TABLE dossier (
    dossier_id uuid PRIMARY KEY,
    readers text[] NOT NULL
) WITH (fillfactor = 80);

-- Everything said, in one order. `readers` are those whom the dossier concerned when the event was recorded; `data` is
-- the event's JSON as its producer wrote it. No index but the key's: readers go along it.
CREATE TABLE feed (
    position bigint PRIMARY KEY,
    event_id uuid NOT NULL,
    source text NOT NULL,
    type text NOT NULL,
    dossier_id uuid NOT NULL,
    sequence bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    causation_id uuid,
    traceparent text,
    data bytea NOT NULL,
    readers text[] NOT NULL
);

-- One row: the last position given, and the first one kept. Its lock makes commit order the order of positions.
-- `feed` names this feed: a cursor of another one (a database made anew) is known as such.
CREATE TABLE feed_head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    feed text NOT NULL,
    last bigint NOT NULL DEFAULT 0,
    first bigint NOT NULL DEFAULT 1
) WITH (fillfactor = 10);
INSERT INTO feed_head (feed) VALUES (left(md5(gen_random_uuid()::text), 8));

SELECT migrations.restrict('dossier', 'DELETE', 'TRUNCATE');
-- Rows leave at the end of their retention only (feed_store.forget).
SELECT migrations.restrict('feed', 'UPDATE', 'TRUNCATE');
SELECT migrations.restrict('feed_head', 'INSERT', 'DELETE', 'TRUNCATE');
