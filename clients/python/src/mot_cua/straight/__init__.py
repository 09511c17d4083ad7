"""Events by NATS, both ways, on the partners' server: `NatsFeed` reads, `NatsInbox` hands in, `answer_in` tells what
became of it. `pip install mot-cua-client[nats]`; awaited only."""

from mot_cua.straight.feed import NatsFeed
from mot_cua.straight.inbox import NatsInbox, answer_in

__all__ = ["NatsFeed", "NatsInbox", "answer_in"]
