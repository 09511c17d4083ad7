-- The custody of one dossier's results as the domain sees it. SQL looks only at the columns beside `state`.
CREATE TABLE custody (
    dossier_id uuid PRIMARY KEY,
    state bytea NOT NULL,
    closed_at timestamptz
);

-- One row a result document: what desks list, what the press has to print, what verification answers.
CREATE TABLE result (
    id uuid PRIMARY KEY,
    dossier_id uuid NOT NULL REFERENCES custody (dossier_id),
    code text NOT NULL,
    step text NOT NULL,
    agency text NOT NULL,
    version int NOT NULL,
    delivery text NOT NULL,
    place text NOT NULL,
    state text NOT NULL,
    changed_at timestamptz NOT NULL,
    -- the press: when to try next, and how often it was tried
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    attempts int NOT NULL DEFAULT 0,
    -- the document, once issued
    issued_at timestamptz,
    verify_token text UNIQUE,
    document_key text,
    document_sha256 bytea,
    -- A result is issued once per version, whatever is replayed.
    UNIQUE (dossier_id, code, version)
);

-- At most one version of a result is valid at any moment: a second issue of the same result cannot be stored.
CREATE UNIQUE INDEX result_one_valid ON result (dossier_id, code)
    WHERE state IN ('issued', 'dispatched', 'ready', 'handed-over');
CREATE INDEX result_to_print ON result (next_attempt_at) WHERE state = 'pending';
CREATE INDEX result_at_place ON result (place, state, changed_at)
    WHERE state IN ('issued', 'dispatched', 'ready');
CREATE INDEX result_by_agency ON result (agency, state, changed_at) WHERE state IN ('pending', 'issued');

-- Who took which papers, when, from whom, and how that person was checked. Written once, never changed.
CREATE TABLE handover (
    id uuid PRIMARY KEY,
    dossier_id uuid NOT NULL REFERENCES custody (dossier_id),
    place text NOT NULL,
    handed_over_at timestamptz NOT NULL,
    officer text NOT NULL,
    receiver bytea NOT NULL
);
CREATE INDEX handover_by_dossier ON handover (dossier_id);

CREATE TABLE handover_result (
    result_id uuid PRIMARY KEY REFERENCES result (id),
    handover_id uuid NOT NULL REFERENCES handover (id)
);
CREATE INDEX handover_result_by_handover ON handover_result (handover_id);

-- Every act of a person on a result: the chain of custody as it was told. Append-only.
CREATE TABLE custody_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    dossier_id uuid NOT NULL,
    result_id uuid NOT NULL,
    act text NOT NULL,
    actor text NOT NULL,
    agency text NOT NULL,
    note text NOT NULL DEFAULT ''
);
CREATE INDEX custody_log_by_dossier ON custody_log (dossier_id, id);

-- The service's own role writes these once and never changes them (results_migrator runs this for results_app).
DO $$
DECLARE app text := replace(current_user, '_migrator', '_app');
BEGIN
    IF app <> current_user AND EXISTS (SELECT FROM pg_roles WHERE rolname = app) THEN
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON handover, handover_result, custody_log FROM %I', app);
    END IF;
END $$;
