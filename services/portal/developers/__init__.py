"""The portal for integrators, below /dev: what is said and how it is read, and what a partner has at the gateway.

- `door`: who comes in, and which pages there are; `start`: the way to a verified webhook.
- For everybody, made from the contracts and the gateway's own description: `event_list` and `saying_list`, `documents`
  (AsyncAPI, OpenAPI), `learning` (samples, signature checker); `events` and `described` are pure, behind them.
- A partner's own: `webhook_list`, `webhook_page`, `delivery_page`, `keys` (and the audit), `tail`, `trying` (the
  sandbox); `webhooks` and `partner` are what the gateway answers.
- `*_words`: codes and contracts in Vietnamese.
"""
