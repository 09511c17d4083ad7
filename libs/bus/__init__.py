"""How events travel: outbox → relay → JetStream → consumer → inbox; PostgreSQL is the record."""
