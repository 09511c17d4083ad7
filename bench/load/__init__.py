"""What the bench plays against the city: a hospital, instant agencies and desks, over a client that costs little."""
