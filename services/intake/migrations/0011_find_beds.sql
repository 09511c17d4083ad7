-- Asked at every declaration that names a bed: who else lies there, the newest first. By hospital and day alone, all its
-- births of two weeks would be read each time.
CREATE INDEX stay_in_bed ON stay (lower(room), lower(bed), dossier_id);
