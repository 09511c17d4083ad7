"""One dossier as officers see it (/ho-so/{id}): what it says, what was done, and the next act."""
