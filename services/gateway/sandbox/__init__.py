"""Births made up for those who try the city out, where nobody is real."""
