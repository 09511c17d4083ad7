"""Events pushed to partners' endpoints after the Standard Webhooks specification (decision 14)."""
