"""What a city runs, beside its servers and the keeper. A new process is added here, then it has to be deployed."""

from libs.contracts.catalogue import SERVICES
from libs.database.lines import OFF_THE_BUS

# Each with a database of its own: the services on the bus, and those that are not.
DATABASES: tuple[str, ...] = (*SERVICES, *OFF_THE_BUS)
# The screens, which have no database.
PORTAL = "portal"
PROCESSES: tuple[str, ...] = (*DATABASES, PORTAL)
