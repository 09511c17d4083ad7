"""Results: the documents a case produces, and their custody until somebody has them in hand.

Owns: result documents and their signatures, where each paper is, who received it (with the receipt), revocation.
Hears: routing's step-completed, step-amended and dossier-settled; intake's dossier-withdrawn.
Says: result-issued, result-dispatched, result-ready, result-handed-over, result-revoked, result-rejected,
dossier-closed.
"""
