"""What PostgreSQL does to answer: the plans of queries as they were carried out."""

from collections.abc import Iterator
from typing import Any

import msgspec


class Explained:
    """A connection that keeps the plan of everything it is asked, as it is planned for these values or for any."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.nodes: list[dict[str, Any]] = []

    async def fetch(self, query: str, *values: Any) -> list[Any]:
        """The rows."""
        await self._explain(query, values)
        return list(await self._connection.fetch(query, *values))

    async def fetchval(self, query: str, *values: Any) -> Any:
        """The first value."""
        await self._explain(query, values)
        return await self._connection.fetchval(query, *values)

    async def _explain(self, query: str, values: tuple[Any, ...]) -> None:
        parameters = (await self._connection.prepare(query)).get_parameters()
        quoted = ", ".join(
            f"quote_literal(${place}::{each.name}::text)" for place, each in enumerate(parameters, 1)
        )
        literals = await self._connection.fetchval(f"SELECT concat_ws(', ', {quoted})", *values)
        await self._connection.execute(f"PREPARE asked AS {query}")
        told = await self._connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE asked ({literals})")
        await self._connection.execute("DEALLOCATE asked")
        self.nodes += _nodes(msgspec.json.decode(told)[0]["Plan"])

    @property
    def indices(self) -> set[str]:
        """The indices that were used."""
        return {node["Index Name"] for node in self.nodes if "Index Name" in node}

    @property
    def scanned(self) -> set[str]:
        """Tables that were read from end to end."""
        return {node["Relation Name"] for node in self.nodes if node["Node Type"] == "Seq Scan"}

    @property
    def most_read(self) -> float:
        """The most rows any step took out of a table, those it put away again included."""
        kept = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
        reads = (
            sum(node.get(key, 0) for key in kept) * node["Actual Loops"]
            for node in self.nodes
            if "Relation Name" in node
        )
        return max(reads, default=0)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)
