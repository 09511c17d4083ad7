"""Journeys: a person does their work on the screens, in a real browser, against a running city."""
