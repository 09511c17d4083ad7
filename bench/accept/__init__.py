"""Accepting a birth over HTTP, against an endpoint that only commits one row."""
