"""Intake: where a dossier enters the city, from a hospital, a counter, a citizen or a partner system.

Owns: dossiers, people's data, attachments, dossier codes, receipts, duplicates.
Hears: routing's step-assigned, -returned, supplement-requested, clock-resumed, appointment-moved and dossier-settled;
results' dossier-closed.
Says: dossier-received, -accepted, -refused, -supplemented, -withdrawn, -corrected,
birth-reminder-due.
"""
