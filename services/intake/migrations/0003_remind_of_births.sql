-- When the family of a birth whose dossier lacks papers is reminded of the term to register it, and when that was said.
-- `due_at` follows from the day of birth, which is why the reminders are kept here, with the file.
CREATE TABLE birth_reminder (
    dossier_id uuid NOT NULL REFERENCES dossier (id),
    number smallint NOT NULL,
    due_at timestamptz NOT NULL,
    said_at timestamptz,
    PRIMARY KEY (dossier_id, number)
);
CREATE INDEX birth_reminder_due ON birth_reminder (due_at) WHERE said_at IS NULL;
-- Dossiers under way: few beside all there have been. Not by their status: each move would then rewrite every index.
CREATE INDEX dossier_under_way ON dossier (received_at) WHERE ended_at IS NULL;
