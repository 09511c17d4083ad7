"""A sender as a process: `python -m tests.integration.notify.sender_process <database> <smtp port> <dossier> ...`.

It knows how to reach the applicants of the dossiers named and sends until SIGTERM, two letters at once. It says when
it has heard SIGTERM.
"""

import asyncio
import signal
import sys
from uuid import UUID

from libs.bus.writer import Writer
from libs.database.pool import open_pool
from services.notify.delivery import Delivery
from services.notify.email_channel import EmailChannel, SmtpSettings
from services.notify.rules import load_rules
from services.notify.sender import Sender, SenderSettings
from services.notify.wording import Wording
from tests.fixtures.servers import ROOT
from tests.integration.notify.conftest import CATALOGUE, Intake

AT_ONCE = 2
LEASE_SECONDS = 4.0
STOPPING = "stopping"


async def main(dsn: str, port: str, *dossiers: str) -> None:
    """Send until SIGTERM, then end as the service's process does."""
    stop = asyncio.Event()

    def end() -> None:
        stop.set()
        sys.stdout.write(f"{STOPPING}\n")
        sys.stdout.flush()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
    intake = Intake()
    for dossier in dossiers:
        intake.add(UUID(dossier))
    pool = await open_pool(dsn, application_name="notify")
    wording = Wording(CATALOGUE, "http://city.example")
    book = load_rules(ROOT / "catalogue").adjusted(quiet=False)
    mail = EmailChannel(SmtpSettings(host="127.0.0.1", port=int(port), start_tls=False, timeout_seconds=10))
    sender = Sender(
        pool=pool,
        writer=Writer(pool, lambda: None),
        contacts=intake,
        wording=wording,
        book=book,
        delivery=Delivery(
            channels={mail.name: mail}, ranking=[mail.name], rules=book.by_code(), wording=wording
        ),
        settings=SenderSettings(at_once=AT_ONCE, lease_seconds=LEASE_SECONDS, poll_seconds=0.05),
    )
    await sender.run(stop)
    await pool.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
