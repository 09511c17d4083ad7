"""The screens' own rules."""
