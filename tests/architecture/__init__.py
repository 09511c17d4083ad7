"""Tests about the code: each convention is held by a test whose docstring tells why it exists."""
