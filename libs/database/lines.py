"""Which migrations make a service's database, and in which order."""

from pathlib import Path

from libs.database.migrate import Line

_ROOT = Path(__file__).parents[2]
# Services with a database that neither say nor hear events: no outbox, no inbox.
OFF_THE_BUS = ("identity",)


def lines_of(service: str) -> list[Line]:
    """The bus's tables for who is on it, then those every HTTP service has, then the service's own."""
    bus = [] if service in OFF_THE_BUS else [Line("bus", _ROOT / "libs/bus/migrations")]
    return [
        *bus,
        Line("http", _ROOT / "libs/http/migrations"),
        Line(service, _ROOT / "services" / service / "migrations"),
    ]
