"""The graph of steps: order, closure and the faults it can have. Works on names only."""

from collections.abc import Iterable, Mapping, Sequence


def closure(wanted: Iterable[str], depends_on: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The wanted nodes and everything they depend on, directly or not."""
    found: set[str] = set()
    waiting = list(wanted)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(depends_on.get(node, ()))
    return frozenset(found)


def ordered(nodes: Sequence[str], depends_on: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The nodes so that each comes after what it depends on, otherwise in the order given.

    Dependencies outside `nodes` are ignored. Raises ValueError naming the nodes of a cycle.
    """
    left = list(nodes)
    done: list[str] = []
    while left:
        ready = next((n for n in left if not any(d in left for d in depends_on.get(n, ()))), None)
        if ready is None:
            raise ValueError(f"steps depend on each other in a circle: {', '.join(sorted(left))}")
        left.remove(ready)
        done.append(ready)
    return tuple(done)
