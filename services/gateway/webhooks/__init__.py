"""Events pushed to partners' endpoints after the Standard Webhooks specification (decision 14).

The dispatcher, by itself:
- `dispatching`: one process leads, and lets the others below have their turns;
- `holding`: endpoints as the database has them; `line`: one of them, pure: what may be sent now and what an answer
  leads to; `queue`: what waits for it, and which is next; `health`: whether it is trusted, failing, given up;
- `scanning`: looks along the feed and lines events up; `replaying`: the same for what a partner has asked for again;
- `pumping`: sends what may be sent; `recording`: writes what became of it;
- `telling`: has partners' contacts told what was given up;
- `letters`, `rights`, `schedule`: bodies kept once, what may be read, when to try again.

One attempt: `sending`, through `connecting` (only to addresses that `addresses` allows, as `resolving` finds them),
signed by `signing`.

Partners: `api*` is their HTTP, `tended` what that works with, `tending` what they do to endpoints, `showing` how
they see them, `manual` what a person sends by hand, `by_hand` lets one of equal requests send.
`endpoint` has the shapes, `*_store` all SQL.
"""
