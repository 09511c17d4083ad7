-- Other systems: who they are, for whom they act, what they may read.
CREATE TABLE partner (
    code text PRIMARY KEY CHECK (code ~ '^[a-z0-9][a-z0-9-]{1,62}$'),
    name_vi text NOT NULL,
    contact text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended', 'revoked')),
    -- In whose name it may do things: an agency of the catalogue, its facility where it is a hospital, some of its roles.
    agency text NOT NULL DEFAULT '',
    facility text NOT NULL DEFAULT '',
    roles text[] NOT NULL DEFAULT '{}',
    -- What it may read: types of events (`results.*`), of dossiers that concern one of `reads` (`*`: all).
    types text[] NOT NULL DEFAULT '{}',
    reads text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (agency <> '' OR (facility = '' AND roles = '{}'))
);

-- Public keys only. Several at once: the next one is added before the old one is retired.
CREATE TABLE partner_key (
    partner text NOT NULL REFERENCES partner,
    kid text NOT NULL CHECK (kid ~ '^[A-Za-z0-9._~-]{1,64}$'),
    jwk text NOT NULL,
    added_at timestamptz NOT NULL DEFAULT now(),
    not_after timestamptz,
    retired_at timestamptz,
    PRIMARY KEY (partner, kid)
);

-- Assertions that were used, until they could not be any more. By SHA-256 of the jti, which is as long as a partner likes.
CREATE TABLE used_assertion (
    partner text NOT NULL,
    jti_hash bytea NOT NULL CHECK (length(jti_hash) = 32),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (partner, jti_hash)
);
CREATE INDEX used_assertion_expiry ON used_assertion (expires_at);

-- What was done to partners and what they were given: never a key, an assertion or a token.
CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    partner text NOT NULL,
    what text NOT NULL,
    detail text NOT NULL DEFAULT '',
    who text NOT NULL,
    came_from text NOT NULL
);
CREATE INDEX audit_partner ON audit (partner, id);

-- What partners have read: the calls of one partner from one address in a moment are one row.
CREATE TABLE reading (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    began_at timestamptz NOT NULL,
    partner text NOT NULL,
    came_from text NOT NULL,
    way text NOT NULL,
    calls integer NOT NULL,
    events bigint NOT NULL,
    after bigint NOT NULL,
    until bigint NOT NULL
);
CREATE INDEX reading_partner ON reading (partner, id);

SELECT migrations.restrict('partner', 'DELETE', 'TRUNCATE');
SELECT migrations.restrict('partner_key', 'DELETE', 'TRUNCATE');
SELECT migrations.restrict('audit', 'UPDATE', 'DELETE', 'TRUNCATE');
SELECT migrations.restrict('reading', 'UPDATE', 'DELETE', 'TRUNCATE');

CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;

CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER reading_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON reading
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
