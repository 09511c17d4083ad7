"""How a receiver checks a webhook's signature, in four languages: shown at /dev/mau, and run by the tests."""
