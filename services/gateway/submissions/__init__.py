"""Births handed in as files, by whatever way they came: XML9 passed on to intake, and what became of each."""
