"""What the city says about itself: log lines, metrics and spans, none of which may carry personal data.

Everything written is on an allow-list (`names.py`): a field, a metric or a span attribute that is not named
there is dropped at the source, not redacted later.
"""
