"""Births handed in as files, by whatever way they came: XML9 passed on to intake (`xml9`, `api_births`).

What became of each (`submission_store`) and how a finding of intake is read (`findings`) are FHIR's as well.
"""
