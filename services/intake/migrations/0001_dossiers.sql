-- A dossier as the domain sees it (`state`, without any person), beside it what SQL looks things up by.
CREATE TABLE dossier (
    id uuid PRIMARY KEY,
    code text NOT NULL UNIQUE,
    token text NOT NULL UNIQUE,
    procedure text NOT NULL,
    receiving_agency text NOT NULL,
    facility text NOT NULL,
    status smallint NOT NULL,
    received_at timestamptz NOT NULL,
    appointment_at timestamptz NOT NULL,
    ended_at timestamptz,
    state bytea NOT NULL
);
CREATE INDEX dossier_of_agency ON dossier (receiving_agency, id);
CREATE INDEX dossier_of_facility ON dossier (facility, id) WHERE facility <> '';

-- The file: everything personal, one row a version. Corrections add a version; nothing is overwritten.
CREATE TABLE file (
    dossier_id uuid NOT NULL REFERENCES dossier (id),
    version int NOT NULL,
    kind text NOT NULL,              -- birth (BirthDeclaration) or form (by the procedure's schema)
    content bytea NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now(),
    written_by text NOT NULL,
    reason text NOT NULL DEFAULT '',
    PRIMARY KEY (dossier_id, version)
);

-- Running numbers of dossier codes: per agency prefix and local day (TT 01/2018/TT-VPCP Đ19).
CREATE TABLE code_counter (
    prefix text NOT NULL,
    day date NOT NULL,
    last int NOT NULL,
    PRIMARY KEY (prefix, day)
-- One row takes every code of a day; room on its page keeps the updates from touching an index.
) WITH (fillfactor = 10);

-- What makes a birth the same birth: the certificate, or mother + minute + order. Hashes, so that no error text or
-- index shows a person. A withdrawn or refused dossier gives its keys back.
-- Keys are claimed before the dossier has its code and its row, hence the deferred reference.
CREATE TABLE natural_key (
    key text PRIMARY KEY,
    dossier_id uuid NOT NULL REFERENCES dossier (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX natural_key_by_dossier ON natural_key (dossier_id);

-- Births whose mothers' folded names and days are near: for a human to compare.
CREATE TABLE likely_key (
    key text NOT NULL,
    dossier_id uuid NOT NULL REFERENCES dossier (id),
    PRIMARY KEY (key, dossier_id)
);
CREATE TABLE likely_duplicate (
    dossier_id uuid NOT NULL REFERENCES dossier (id),
    other_id uuid NOT NULL REFERENCES dossier (id),
    decided text NOT NULL DEFAULT '' CHECK (decided IN ('', 'same', 'different')),   -- '' is open
    decided_by text NOT NULL DEFAULT '',
    decided_at timestamptz,
    PRIMARY KEY (dossier_id, other_id)
);
CREATE INDEX likely_duplicate_open ON likely_duplicate (dossier_id) WHERE decided = '';

CREATE TABLE attachment (
    dossier_id uuid NOT NULL REFERENCES dossier (id),
    number int NOT NULL,             -- counts from 1 within the dossier
    component text NOT NULL,
    media_type text NOT NULL,
    bytes int NOT NULL,
    sha256 bytea NOT NULL,
    key text NOT NULL,
    added_at timestamptz NOT NULL DEFAULT now(),
    added_by text NOT NULL,
    PRIMARY KEY (dossier_id, number),
    UNIQUE (dossier_id, sha256)
);

-- XML9 uploads and what became of each record: the report can be fetched again, and a file sent twice is known.
CREATE TABLE upload (
    id uuid PRIMARY KEY,
    facility text NOT NULL,
    fingerprint text NOT NULL,
    report bytea NOT NULL,
    uploaded_at timestamptz NOT NULL DEFAULT now(),
    uploaded_by text NOT NULL,
    UNIQUE (facility, fingerprint)
);
