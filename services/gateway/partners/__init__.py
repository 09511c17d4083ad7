"""Partners: who they are, what they may read, how they prove it, and what operators and they themselves change."""
