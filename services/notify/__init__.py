"""Notify: tells people what they must know, once, on the channel they prefer.

Owns: messages, their states at each destination, templates' use, provider receipts, the desks' inboxes.
Hears: what a person must know, from intake, routing and results (the list is HANDLERS).
Says: message-sent, message-delivered, message-failed.
"""
