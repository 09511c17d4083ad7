-- Who works at the counters and agencies, and how they prove it. Passwords only as argon2 hashes, sessions, devices and
-- pairings only as SHA-256 of their random token, TOTP secrets only sealed with a key the database does not have.
CREATE TABLE account (
    id uuid PRIMARY KEY,
    login text NOT NULL UNIQUE CHECK (login ~ '^[a-z0-9][a-z0-9._-]{1,62}$'),
    name text NOT NULL,
    email text NOT NULL DEFAULT '',
    agency text NOT NULL,
    roles text[] NOT NULL CHECK (cardinality(roles) > 0),
    facility text NOT NULL DEFAULT '',
    counter text NOT NULL DEFAULT '',
    -- Empty: signs in with OpenID Connect only.
    password_hash text NOT NULL DEFAULT '',
    must_change_password boolean NOT NULL DEFAULT true,
    totp_secret bytea,
    -- The time step of the last code that was accepted: no code is accepted twice (RFC 6238 5.2).
    totp_last_step bigint NOT NULL DEFAULT 0,
    openid_issuer text,
    openid_subject text,
    disabled_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (openid_issuer, openid_subject),
    CHECK ((openid_issuer IS NULL) = (openid_subject IS NULL))
);
CREATE UNIQUE INDEX account_email ON account (email) WHERE email <> '';

CREATE TABLE session (
    token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    account_id uuid NOT NULL REFERENCES account,
    via text NOT NULL CHECK (via IN ('password', 'openid')),
    second_factor boolean NOT NULL DEFAULT false,
    -- A secret shown to the person and not yet confirmed by a code.
    totp_pending bytea,
    address text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX session_account ON session (account_id);
CREATE INDEX session_age ON session (started_at);

-- Tries that failed, by what is protected: an account's login, an address, a second factor, the pairing of devices.
CREATE TABLE attempt (
    kind text NOT NULL,
    key text NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    failed_at timestamptz,
    locked_until timestamptz,
    PRIMARY KEY (kind, key)
);

-- A sign-in that has gone to the provider and not come back yet. Its state is kept as SHA-256, and used once.
CREATE TABLE openid_request (
    state_hash bytea PRIMARY KEY CHECK (length(state_hash) = 32),
    nonce text NOT NULL,
    verifier text NOT NULL,
    return_to text NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE TABLE device (
    id uuid PRIMARY KEY,
    token_hash bytea UNIQUE CHECK (length(token_hash) = 32),
    kind text NOT NULL,
    agency text NOT NULL,
    place text NOT NULL,
    name text NOT NULL,
    paired_by text NOT NULL,
    paired_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);
CREATE INDEX device_agency ON device (agency, paired_at);

CREATE TABLE pairing (
    token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    code text NOT NULL UNIQUE,
    expires_at timestamptz NOT NULL,
    device_id uuid REFERENCES device
);

-- What happened to accounts and devices. Never a password, a code, a token, nor what was typed for a login nobody has.
CREATE TABLE account_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    what text NOT NULL,
    account_id uuid,
    device_id uuid,
    actor text NOT NULL,
    address text NOT NULL
);
CREATE INDEX account_event_account ON account_event (account_id, id);

SELECT migrations.restrict('account_event', 'UPDATE', 'DELETE', 'TRUNCATE');

CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'account_event is append-only';
END $$;

CREATE TRIGGER account_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON account_event
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
