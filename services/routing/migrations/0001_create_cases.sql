-- The case of each dossier. `state` is its whole state as JSON bytes (services/routing/case.py), which SQL never looks
-- into: everything below is derived from it or kept beside it. No indexed column changes, so updates stay in the page.
CREATE TABLE case_state (
    dossier_id uuid PRIMARY KEY,
    state bytea NOT NULL
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02);

-- What officers' lists ask: one row for each step that has been on an agency's desk.
CREATE TABLE step (
    dossier_id uuid NOT NULL,
    step text NOT NULL,
    code text NOT NULL,
    procedure text NOT NULL,
    agency text NOT NULL,
    state text NOT NULL CHECK (state IN ('assigned', 'started', 'completed', 'returned', 'cancelled')),
    priority smallint NOT NULL,
    assigned_at timestamptz,
    due_at timestamptz,
    flagged boolean NOT NULL,
    pending boolean NOT NULL,
    version integer NOT NULL,
    PRIMARY KEY (dossier_id, step)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);

CREATE INDEX step_on_desk ON step (agency, priority DESC, due_at, dossier_id)
    WHERE state IN ('assigned', 'started', 'returned');
-- Certificates issued without the child's number, which is still to come.
CREATE INDEX step_pending ON step (agency, dossier_id) WHERE pending;

-- The next moment of every clock. A fired row stays, so that it cannot be armed again; a cancelled one is deleted.
CREATE TABLE timer (
    dossier_id uuid NOT NULL,
    kind text NOT NULL,
    label text NOT NULL,
    due_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('armed', 'fired')),
    fired_at timestamptz CHECK ((fired_at IS NULL) = (state = 'armed')),
    PRIMARY KEY (dossier_id, kind, label)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);

CREATE INDEX timer_armed ON timer (due_at) WHERE state = 'armed';

-- What agencies entered on completing a step (personal data), every revision.
CREATE TABLE outcome (
    dossier_id uuid NOT NULL,
    step text NOT NULL,
    revision integer NOT NULL CHECK (revision > 0),
    agency text NOT NULL,
    data bytea NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (dossier_id, step, revision)
);

-- Register, card and personal numbers that may occur once: a digest of the rule's name, its scope and the values.
CREATE TABLE outcome_key (
    digest bytea PRIMARY KEY,
    name text NOT NULL,
    dossier_id uuid NOT NULL,
    step text NOT NULL
);

CREATE INDEX outcome_key_owner ON outcome_key (dossier_id, step);

-- Written apologies drafted for an officer to sign. `void` when the dossier was settled before.
CREATE TABLE apology (
    id uuid PRIMARY KEY,
    dossier_id uuid NOT NULL,
    number integer NOT NULL,
    code text NOT NULL,
    agency text NOT NULL,
    state text NOT NULL CHECK (state IN ('drafted', 'signed', 'void')),
    reason text NOT NULL,
    drafted_at timestamptz NOT NULL,
    was_at timestamptz NOT NULL,
    proposed_at timestamptz NOT NULL,
    signed_at timestamptz,
    UNIQUE (dossier_id, number)
);

CREATE INDEX apology_drafted ON apology (agency, was_at) WHERE state = 'drafted';

-- Who did what: one row for each act of an officer, never changed (TT 03/2025/TT-VPCP form 06, append only).
CREATE TABLE case_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dossier_id uuid NOT NULL,
    at timestamptz NOT NULL,
    subject text NOT NULL,
    role text NOT NULL,
    agency text NOT NULL,
    move text NOT NULL,
    step text NOT NULL,
    reason text NOT NULL,
    note text NOT NULL
);

CREATE INDEX case_log_dossier ON case_log (dossier_id, id);

SELECT migrations.restrict('case_state', 'DELETE', 'TRUNCATE');
SELECT migrations.restrict('step', 'DELETE', 'TRUNCATE');
SELECT migrations.restrict('timer', 'TRUNCATE');
SELECT migrations.restrict('outcome', 'UPDATE', 'DELETE', 'TRUNCATE');
SELECT migrations.restrict('outcome_key', 'TRUNCATE');
SELECT migrations.restrict('apology', 'DELETE', 'TRUNCATE');
SELECT migrations.restrict('case_log', 'UPDATE', 'DELETE', 'TRUNCATE');
