"""Read the feed along a saved cursor (pip install mot-cua-client). It may be ended at any time: nothing is lost."""

import sys

from mot_cua import Client, Event, FileCursor, SigningKey
from mot_cua.events import ResultReady


def handle(event: Event) -> None:
    """What your system does; an event may come twice, always with the same id."""
    if isinstance(event.data, ResultReady):
        print(f"{event.data.result} of {event.dossier_id} lies at {event.data.place}", flush=True)
    else:
        print(event.type, event.dossier_id, flush=True)


gateway, partner, key_file, kid = sys.argv[1:]
with Client(gateway, partner, SigningKey.from_file(key_file, kid)) as client:
    client.feed(FileCursor("cursor")).run(handle)
