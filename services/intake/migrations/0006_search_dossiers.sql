-- The search index. A worker fills it from what is committed (search_feeding); it can be made anew from nothing.
CREATE TABLE search_dossier (
    dossier_id uuid PRIMARY KEY,
    version int NOT NULL,              -- of the file it was read from
    readers text[] NOT NULL,           -- who may find it: agencies concerned, facility/<code> of its hospital
    names text[] NOT NULL,
    numbers uuid[] NOT NULL,
    lexemes tsvector NOT NULL          -- folded words of the names, and the readers with @ before them
);
-- Searches are answered by the index itself, not by what still waits to be put into it: only the worker pays for that.
CREATE INDEX search_dossier_lexemes ON search_dossier USING gin (lexemes) WITH (fastupdate = off);

-- The dossiers of each reader in order of time: what fits many of them is found among the newest.
CREATE TABLE search_reader (
    reader text NOT NULL,
    dossier_id uuid NOT NULL,
    PRIMARY KEY (reader, dossier_id)
);

-- Numbers as digests: no index, plan, statistic or error text shows a person's number.
CREATE TABLE search_number (
    digest uuid NOT NULL,
    dossier_id uuid NOT NULL,
    PRIMARY KEY (digest, dossier_id)
);

-- The words names are made of, without accents, and in about how many dossiers: some thousand rows. Mistyped words are
-- compared with these, not with a million names.
CREATE TABLE search_word (
    word text COLLATE "C" PRIMARY KEY,
    dossiers bigint NOT NULL
);
CREATE INDEX search_word_alike ON search_word USING gin (word gin_trgm_ops);

-- Which dossiers the worker has to look at. A row is visible when what it tells of is committed, and goes away in the
-- transaction that brings it into the index: nothing depends on the order of commits. No index, nothing to wait for.
CREATE TABLE search_note (
    dossier_id uuid NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- One call a statement, however many rows. By triggers, so that a process of the version before this one notes as well.
CREATE FUNCTION note_new_files() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO search_note (dossier_id) SELECT dossier_id FROM added;
    RETURN NULL;
END $$;
CREATE FUNCTION note_changed_dossiers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO search_note (dossier_id) SELECT id FROM changed;
    RETURN NULL;
END $$;
CREATE TRIGGER note_for_search AFTER INSERT ON file
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION note_new_files();
CREATE TRIGGER note_for_search AFTER UPDATE ON dossier
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_changed_dossiers();

-- What there is already.
INSERT INTO search_note (dossier_id) SELECT id FROM dossier;
