-- Births that partners' software knows by the number of its certificate, and the dossier each became. Digests only - senders
-- write names where numbers belong - and nothing of the declaration: people's data lie with intake.
CREATE TABLE fhir_birth (
    partner text NOT NULL REFERENCES partner,
    -- SHA-256 of the certificate's kind and number.
    certificate bytea NOT NULL,
    -- sending: handed to intake, whose answer is not known yet; taken: it has a dossier; void: that was withdrawn.
    state text NOT NULL DEFAULT 'sending' CHECK (state IN ('sending', 'taken', 'void')),
    dossier_id uuid,
    -- SHA-256 of what was declared last, and of the Bundle that said so.
    declared bytea NOT NULL,
    document bytea,
    -- How many times it was void: what is declared after that is another declaration, whatever it says.
    voids integer NOT NULL DEFAULT 0,
    first_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (partner, certificate),
    CHECK (state = 'sending' OR dossier_id IS NOT NULL)
);

-- The audit of what was handed in: files and Bundles by their digest, and what became of the births in them.
CREATE TABLE submission (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    partner text NOT NULL REFERENCES partner,
    way text NOT NULL CHECK (way IN ('http', 'folder')),
    format text NOT NULL CHECK (format IN ('fhir', 'xml9')),
    sha256 bytea NOT NULL,
    status integer NOT NULL,
    taken integer NOT NULL,
    known integer NOT NULL,
    refused integer NOT NULL
);
CREATE INDEX submission_partner ON submission (partner, id);

SELECT migrations.restrict('fhir_birth', 'TRUNCATE');
SELECT migrations.restrict('submission', 'UPDATE', 'DELETE', 'TRUNCATE');

CREATE TRIGGER submission_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON submission
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
