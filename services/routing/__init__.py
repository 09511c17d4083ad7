"""Routing: the case of each dossier, from acceptance to decision.

Owns: the case with its steps, agencies, clocks and deadlines; the outcome of each step (register numbers,
card numbers); who did what in it.
Hears: intake's dossier-accepted, -supplemented, -withdrawn and -corrected; results' result-rejected and
dossier-closed.
Says: case-opened, step-assigned, -started, -released, -completed, -amended, -returned and -refused,
supplement-requested and -withdrawn, clock-paused and -resumed, deadline-near and -missed, appointment-moved,
reminder-due, dossier-settled.
"""
