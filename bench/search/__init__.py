"""How long a search takes in a city that has many dossiers."""
