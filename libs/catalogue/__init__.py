"""What the city offers, read from `catalogue/`: procedures, agencies, working time, units and identifier rules."""
