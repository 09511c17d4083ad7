"""Forms made from a procedure's schema: their boxes, and what was typed read back into values."""
