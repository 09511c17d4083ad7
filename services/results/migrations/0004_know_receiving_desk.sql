-- The counter or hospital that handed the dossier in: it may fetch an electronic result for the family. Known from the
-- issue of the document on; empty on those issued before.
ALTER TABLE result ADD COLUMN desk text NOT NULL DEFAULT '';
