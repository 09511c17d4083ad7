-- One scan may hold several papers of a dossier: the further components it serves, beside the one it was attached for.
ALTER TABLE attachment ADD COLUMN also_for text[] NOT NULL DEFAULT '{}';

-- Who has to compare a birth may read both files; the pair is looked up from either side.
CREATE INDEX likely_duplicate_other_open ON likely_duplicate (other_id) WHERE decided = '';
