-- One message to one audience. No address and no name is stored: both are read from intake when it is sent.
CREATE TABLE message (
    id uuid PRIMARY KEY,
    dossier_id uuid NOT NULL,
    rule text NOT NULL,
    audience text NOT NULL,
    grouping text NOT NULL,
    occasions bytea NOT NULL,
    state text NOT NULL DEFAULT 'queued',
    not_before timestamptz NOT NULL,
    attempts int NOT NULL DEFAULT 0,
    lease_until timestamptz,
    channel text NOT NULL DEFAULT '',
    provider_id text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz,
    delivered_at timestamptz,
    failed_at timestamptz
);
CREATE INDEX message_by_dossier ON message (dossier_id);
CREATE INDEX message_due ON message (not_before) WHERE state = 'queued';
CREATE INDEX message_sending ON message (lease_until) WHERE state = 'sending';
CREATE UNIQUE INDEX message_by_provider ON message (channel, provider_id) WHERE provider_id <> '';

-- Every occasion a person was or will be told of, once: a replayed or repeated event tells nobody twice.
CREATE TABLE occasion (
    dossier_id uuid NOT NULL,
    rule text NOT NULL,
    key text NOT NULL,
    message_id uuid NOT NULL REFERENCES message (id),
    PRIMARY KEY (dossier_id, rule, key)
);

-- What lies in the inbox of a desk (hospital or counter) until somebody has read it.
CREATE TABLE inbox (
    message_id uuid PRIMARY KEY REFERENCES message (id),
    agency text NOT NULL,
    dossier_id uuid NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    arrived_at timestamptz NOT NULL DEFAULT now(),
    read_at timestamptz,
    read_by text NOT NULL DEFAULT ''
);
CREATE INDEX inbox_unread ON inbox (agency, message_id) WHERE read_at IS NULL;
