"""Births that partners hand in as files: FHIR Bundles and XML9, through the gateway to the real intake."""
