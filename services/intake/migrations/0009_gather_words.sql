-- A row brings some thirty words into the index, and every dossier is written a few times while it moves. What is new is
-- gathered and brought in word by word, many rows at once: less than half of the work and of the log. A search looks
-- through what is gathered as well; it is kept so little that this takes a tenth of a millisecond. Only the worker and
-- vacuum bring it in.
ALTER INDEX search_dossier_lexemes SET (fastupdate = on, gin_pending_list_limit = 256);
