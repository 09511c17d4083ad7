-- The incoming half of the bus: what was received, how far each dossier is, what could not be applied.

-- How far this service has followed each dossier of each producer: the next event has sequence + 1.
CREATE TABLE bus.position (
    source text NOT NULL,
    dossier_id uuid NOT NULL,
    sequence bigint NOT NULL CHECK (sequence > 0),
    PRIMARY KEY (source, dossier_id)
) WITH (fillfactor = 80);

-- One row per event dealt with (applied or dead-lettered). Keyed by the event: stream sequences can go back.
CREATE TABLE bus.inbox (
    event_id uuid PRIMARY KEY,
    source text NOT NULL,
    dossier_id uuid NOT NULL,
    sequence bigint NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
);

-- Redelivered events only: begun is written before a try, failed after it. An event often begun and never
-- failed kills the process that tries it.
CREATE TABLE bus.attempt (
    event_id uuid PRIMARY KEY,
    begun integer NOT NULL DEFAULT 0,
    failed integer NOT NULL DEFAULT 0
);

CREATE TABLE bus.dead_letter (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- sha256 of subject, ce-headers and payload: the same broken message is one dead letter, however often it comes.
    fingerprint bytea NOT NULL UNIQUE,
    reason text NOT NULL CHECK (reason IN ('rejected', 'undecodable', 'unknown-version', 'exhausted', 'unfinished')),
    code text NOT NULL,
    source text NOT NULL,
    subject text NOT NULL,
    event_id uuid,
    dossier_id uuid,
    sequence bigint,
    headers bytea NOT NULL,
    payload bytea NOT NULL,
    deliveries integer NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'retried', 'discarded')),
    created_at timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz,
    resolved_by text NOT NULL DEFAULT '',
    resolution text NOT NULL DEFAULT '',
    CHECK ((status = 'open') = (resolved_at IS NULL))
);

CREATE INDEX dead_letter_open ON bus.dead_letter (id) WHERE status = 'open';
CREATE INDEX dead_letter_dossier ON bus.dead_letter (dossier_id) WHERE dossier_id IS NOT NULL;

-- A producer's stream this service has stopped listening to, until a person lets it go on.
CREATE TABLE bus.consumer_state (
    source text PRIMARY KEY,
    stopped_at timestamptz,
    stopped_reason text NOT NULL DEFAULT '',
    resumed_at timestamptz,
    resumed_by text NOT NULL DEFAULT ''
);

-- What was received, how far we are and what failed stay provable: the service cannot take them back.
SELECT migrations.restrict('bus.position', 'DELETE', 'TRUNCATE');
SELECT migrations.restrict('bus.inbox', 'UPDATE', 'DELETE', 'TRUNCATE');
SELECT migrations.restrict('bus.dead_letter', 'DELETE', 'TRUNCATE');
SELECT migrations.restrict('bus.consumer_state', 'DELETE', 'TRUNCATE');
