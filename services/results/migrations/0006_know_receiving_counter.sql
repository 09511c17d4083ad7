-- The one-stop counter that looks after the dossier, also where a hospital handed it in: its screens show what became of the
-- results. Known from the issue of the document on; empty on those issued before.
ALTER TABLE result ADD COLUMN receiving text NOT NULL DEFAULT '';
