"""The whole pipeline: from a birth over HTTP to a closed dossier, in a city of real processes."""
