"""Pages of citizens as a telephone on a slow network gets them."""
