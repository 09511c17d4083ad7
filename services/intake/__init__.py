"""Intake: where a dossier enters the city, from a hospital, a counter, a citizen or a partner system.

Owns: dossiers, people's data, attachments, dossier codes, receipts, duplicates.
Hears: routing's supplement-requested and dossier-settled.
Says: dossier-received, -accepted, -refused, -supplemented, -withdrawn, -corrected,
birth-reminder-due.
"""
