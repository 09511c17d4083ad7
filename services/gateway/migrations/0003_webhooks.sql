-- Where partners want events pushed to. `cursor`: everything in the feed up to it has a row in `delivery`, or is not for
-- this endpoint. `version` changes with every deed that the dispatcher must hear of.
CREATE TABLE endpoint (
    id uuid PRIMARY KEY,
    partner text NOT NULL REFERENCES partner,
    url text NOT NULL CHECK (length(url) <= 2000),
    types text[] NOT NULL,
    description text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'failing', 'paused', 'disabled')),
    reason text NOT NULL DEFAULT '',
    cursor bigint NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    last_success_at timestamptz,
    last_failure_at timestamptz,
    failing_since timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Gone for everybody; its rows are tidied away.
    removed_at timestamptz
) WITH (fillfactor = 50);
CREATE INDEX endpoint_partner ON endpoint (partner) WHERE removed_at IS NULL;

-- Sealed with WEBHOOK_KEY for the endpoint. All that count sign.
CREATE TABLE endpoint_secret (
    id uuid PRIMARY KEY,
    endpoint uuid NOT NULL REFERENCES endpoint,
    sealed bytea NOT NULL,
    added_at timestamptz NOT NULL DEFAULT now(),
    not_after timestamptz
);
CREATE INDEX endpoint_secret_endpoint ON endpoint_secret (endpoint);

-- One event for one endpoint. Event ids are of UUID version 7: the key orders by when an event was said.
-- `tries` counts along the retry table and begins anew when somebody starts it again; `attempts` are all, as JSON.
-- Pending ones of a dossier go one after another, by position; an event of a test has none, and its body is here.
CREATE TABLE delivery (
    endpoint uuid NOT NULL,
    event_id uuid NOT NULL,
    position bigint,
    type text NOT NULL,
    dossier_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
    tries integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    attempts text[] NOT NULL DEFAULT '{}',
    attempts_made integer NOT NULL DEFAULT 0,
    replay uuid,
    body bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (endpoint, event_id),
    CHECK ((position IS NULL) = (body IS NOT NULL))
) WITH (fillfactor = 80);
CREATE INDEX delivery_pending ON delivery (endpoint, position) WHERE state = 'pending';

-- Asked for by a partner, done by the dispatcher a page at a time. `until` is the last position it looks at.
CREATE TABLE replay (
    id uuid PRIMARY KEY,
    endpoint uuid NOT NULL REFERENCES endpoint,
    kind text NOT NULL CHECK (kind IN ('recover', 'replay-missing')),
    since timestamptz NOT NULL,
    after bigint NOT NULL,
    until bigint NOT NULL,
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done')),
    total integer NOT NULL DEFAULT 0,
    done integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX replay_running ON replay (endpoint, kind) WHERE state = 'running';
CREATE INDEX replay_endpoint ON replay (endpoint);
