-- Where mother and child lie and when they leave. No part of the legal file: it changes with every bed, has no versions
-- and is in no event.
CREATE TABLE stay (
    dossier_id uuid PRIMARY KEY REFERENCES dossier (id),
    room text NOT NULL,
    bed text NOT NULL,
    -- What the clock on the ward shows; unknown until the physician has said it.
    discharge_at timestamp,
    changed_at timestamptz NOT NULL DEFAULT now(),
    changed_by text NOT NULL
);
