-- What this service says. The outbox is a ledger: rows are added in the transaction of the change they tell of,
-- marked when the stream has them, never changed otherwise and never deleted. A lost stream is refilled from it.
CREATE SCHEMA IF NOT EXISTS bus;

CREATE TABLE bus.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL UNIQUE,
    dossier_id uuid NOT NULL,
    sequence bigint NOT NULL CHECK (sequence > 0),
    subject text NOT NULL,
    occurred_at timestamptz NOT NULL,
    causation_id uuid,
    traceparent text,
    payload bytea NOT NULL,
    published_at timestamptz,
    stream_epoch integer,
    stream_seq bigint,
    UNIQUE (dossier_id, sequence),
    CHECK ((published_at IS NULL) = (stream_seq IS NULL) AND (published_at IS NULL) = (stream_epoch IS NULL))
    -- Each row is updated once, soon after it was written: vacuum must follow the writes, not the table's size.
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

CREATE INDEX outbox_unpublished ON bus.outbox (id) WHERE published_at IS NULL;
-- For the proof: what the stream must hold, in the stream's own order.
CREATE INDEX outbox_stored ON bus.outbox (stream_epoch, stream_seq) WHERE stream_seq IS NOT NULL;

-- The last sequence given to an event of each dossier. Its row lock makes commit order sequence order.
CREATE TABLE bus.dossier_sequence (
    dossier_id uuid PRIMARY KEY,
    last bigint NOT NULL CHECK (last > 0)
) WITH (fillfactor = 80);

-- One life of the stream per row. `stream_created` is the server's own text (nanoseconds), compared literally.
-- A refill republishes the rows up to `refill_to`; `refilled_to` is how far it has come.
CREATE TABLE bus.stream_epoch (
    epoch integer PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('rebuilding', 'refilling', 'current')),
    reason text NOT NULL,
    stream_created text CHECK (stream_created IS NOT NULL OR state = 'rebuilding'),
    refill_to bigint NOT NULL DEFAULT 0,
    refilled_to bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz CHECK ((finished_at IS NULL) = (state <> 'current'))
);

SELECT migrations.restrict('bus.outbox', 'UPDATE', 'DELETE', 'TRUNCATE');
SELECT migrations.restrict('bus.dossier_sequence', 'DELETE', 'TRUNCATE');
SELECT migrations.restrict('bus.stream_epoch', 'DELETE', 'TRUNCATE');

-- Whoever may add rows (the service's role, by the default privileges of its database) may also mark them.
DO $$
DECLARE
    grantee oid;
BEGIN
    FOR grantee IN
        SELECT DISTINCT acl.grantee FROM pg_class, aclexplode(pg_class.relacl) AS acl
        WHERE pg_class.oid = 'bus.outbox'::regclass AND acl.privilege_type = 'INSERT'
            AND acl.grantee <> pg_class.relowner AND acl.grantee <> 0
    LOOP
        EXECUTE format(
            'GRANT UPDATE (published_at, stream_epoch, stream_seq) ON bus.outbox TO %I', pg_get_userbyid(grantee)
        );
    END LOOP;
END $$;
