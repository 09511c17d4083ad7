-- Wrong answers of people without an account: counted per dossier and per address, so that four characters cannot be
-- found by trying. Addresses are not kept for longer than they are counted (see try_store).
CREATE TABLE citizen_try (
    at timestamptz NOT NULL DEFAULT now(),
    dossier_id uuid,                   -- none when the code leads nowhere
    client text NOT NULL
);
CREATE INDEX citizen_try_dossier ON citizen_try (dossier_id, at) WHERE dossier_id IS NOT NULL;
CREATE INDEX citizen_try_client ON citizen_try (client, at);
CREATE INDEX citizen_try_age ON citizen_try (at);
