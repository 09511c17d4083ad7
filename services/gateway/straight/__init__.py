"""Straight NATS: partners read the feed from a stream of their own, and hand in events through an inbox of their own.

They connect to a server that is not the city's, in the account PARTNERS (decision 15). The feed stays the record and
the gateway the judge: it lets keys in (`admission`, `door`), keeps each partner's stream filled with what the partner
may read now (`lane`), and takes what lies in the inboxes (`inbox`).

- One process leads (`running`, `leading`); every process answers at the door.
- A lane's stream is opened, proved and made anew by `streams` (`life`: what is known of it, pure); the feed's end is
  read once for all lanes (`tail`).
- `layout` has every name on NATS and what a partner may do there, `server` the partners' server's configuration,
  `user_keys` NKeys and tokens as NATS writes them, `messages` what lies in an inbox as an event, `answers` what such
  an event is answered with.
- `administration` and `commands` are the operator's; `patience` says which errors are waited out; `*store` has all SQL.
"""
