"""Which migrations make a service's database, and in which order."""

from pathlib import Path

from libs.database.migrate import Line

_ROOT = Path(__file__).parents[2]


def lines_of(service: str) -> list[Line]:
    """The bus's tables, then those every HTTP service has, then the service's own."""
    return [
        Line("bus", _ROOT / "libs/bus/migrations"),
        Line("http", _ROOT / "libs/http/migrations"),
        Line(service, _ROOT / "services" / service / "migrations"),
    ]
