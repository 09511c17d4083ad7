"""Straight NATS: partners read the feed from a stream of their own, and hand in events through an inbox of their own.

They connect to a server that is not the city's, in the account PARTNERS (decision 15). The feed stays the record and
the gateway the judge: it lets keys in (`admission`, `door`), keeps each partner's stream filled with what the partner
may read now (`lane`), and takes what lies in the inboxes (`inbox`).
"""
