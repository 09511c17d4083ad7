-- Who was not recognised: a stranger at a desk, or somebody with a tracking token and the wrong digits. Counted per
-- dossier, so that identity numbers cannot be found by trying.
CREATE TABLE refused_try (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    dossier_id uuid NOT NULL,
    kind text NOT NULL,
    actor text NOT NULL,
    agency text NOT NULL
);
CREATE INDEX refused_try_recent ON refused_try (dossier_id, kind, at);

SELECT migrations.restrict('refused_try', 'UPDATE', 'DELETE', 'TRUNCATE');
