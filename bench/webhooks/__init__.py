"""Webhooks to two hundred receivers of which forty are of no use: how soon the others have an event."""
