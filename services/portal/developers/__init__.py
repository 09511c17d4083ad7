"""The portal for integrators, below /dev: what is said and how it is read, and what a partner has at the gateway."""
