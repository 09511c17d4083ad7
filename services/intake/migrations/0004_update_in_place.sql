-- A dossier's row changes four times in its life, until its end in no indexed column: with room on its page the indexes
-- stay as they are.
ALTER TABLE dossier SET (fillfactor = 70);
