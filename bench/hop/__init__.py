"""One hop: consume → inbox, state and outbox in one PostgreSQL transaction → publish → ack."""
