"""How long people wait at their screens, against the budgets of the interface."""
