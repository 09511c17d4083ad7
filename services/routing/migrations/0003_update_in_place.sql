-- A case's row changes at every move, in no indexed column: with room on its page the index stays as it is.
ALTER TABLE case_state SET (fillfactor = 70);
