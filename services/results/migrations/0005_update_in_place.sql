-- A custody changes some eight times in its life, in no indexed column: with room on its page the index stays as it is.
ALTER TABLE custody SET (fillfactor = 70);
