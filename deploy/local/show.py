"""The show: a city is started, a day is played in it and shown, and its papers are collected."""

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import date, datetime
from pathlib import Path

from rich.console import Console
from rich.live import Live

from deploy.local.agencies import Numbers, Officer, posts_of
from deploy.local.city import ROOT, City
from deploy.local.day import Day
from deploy.local.live import closing, picture
from deploy.local.mail import MailFolder
from deploy.local.officials import COUNTER, HOSPITAL, Official, Post
from deploy.local.ports import LOOPBACK
from libs.bus.permissions import KEEPER
from libs.catalogue import Catalogue
from libs.catalogue.calendar import VIETNAM

FOLDER = Path(os.environ.get("MOT_CUA_FOLDER", ROOT / ".local" / "city"))
DAY_DEADLINE_SECONDS = 180.0
# Whose results the day shows by name.
PROCEDURES = ("2.002621", "3.000722", "2.000815", "1.014137", "1.004222", "1.004873")
# People need a moment between two looks at a desk; a demonstration should be watched, not waited for.
OFFICER_PAUSE_SECONDS = 0.7
# A service that ends is up again within seconds; people try again.
PATIENCE_SECONDS = 30.0
# Rules wait minutes for further news before they write; on the screen of a demonstration seconds do.
NOTIFY_SETTINGS = {"WAIT_SCALE": "0.05", "QUIET_HOURS": "false"}


async def show(*, stay: bool, people: bool = False) -> int:
    """Play the day; `stay` keeps the city running afterwards until a signal. Returns the exit status.

    That is 0 when every dossier ended as it should. With `people` the day is only handed in: what the wards, the
    police, the insurance and the counters would do lies on their desks, for whoever signs in. Raises ServerError when
    the city cannot be started.
    """
    console = Console()
    started = time.monotonic()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        mail = await stack.enter_async_context(MailFolder(FOLDER / "mail"))
        console.print("Đang khởi động thành phố …")
        city = await stack.enter_async_context(city_of(os.environ, FOLDER, mail_port=mail.port))
        console.print(f"Sẵn sàng sau {time.monotonic() - started:.1f} giây.")
        day = await _play(stack, city, console, stop, mail.folder, people=people)
        if not stay:
            return verdict(console, day)
        if stop.is_set():
            return 0
        if not people:
            verdict(console, day)
        console.print("\nThành phố đang chạy. Ctrl-C để dừng; lần khởi động sau mọi thứ vẫn còn.")
        await stop.wait()
    return 0


def city_of(environment: Mapping[str, str], folder: Path, *, mail_port: int) -> City:
    """The city of the command line: what a shell may say of it stands in `environment`."""

    def given(*names: str) -> dict[str, str]:
        return {name: environment[name] for name in names if environment.get(name)}

    mail = {"SMTP_HOST": LOOPBACK, "SMTP_PORT": str(mail_port), "SMTP_START_TLS": "false"}
    return City(
        folder,
        extra={
            "*": {"UNREADY_SECONDS": "0"} | given("LOG_LEVEL"),
            "notify": NOTIFY_SETTINGS | mail,
            KEEPER: given("STREAM_BYTES_MAX", "STREAM_REPLICAS"),
        },
        database_url=environment.get("DATABASE_URL") or None,
        nats_url=environment.get("NATS_URL") or None,
    )


async def _play(
    stack: AsyncExitStack, city: City, console: Console, stop: asyncio.Event, mail: Path, *, people: bool
) -> Day:
    catalogue = Catalogue.load(ROOT / "catalogue")
    numbers = Numbers(FOLDER / "numbers")
    posts = posts_of(catalogue, _today())

    async def official(post: Post) -> Official:
        one = Official(post, city.urls, city.keys, patience_seconds=PATIENCE_SECONDS)
        return await stack.enter_async_context(one)

    officers = {post.agency: await official(post) for post in posts}
    day = Day(
        await official(HOSPITAL),
        await official(COUNTER),
        officers["police-31340-2025"],
        officers["civil-status-31340-2025"],
    )
    names = {agency.code: agency.name_vi for agency in catalogue.agencies()}
    for code in PROCEDURES:
        for _, procedure in catalogue.versions_of(code):
            names |= {result.code: result.name_vi for result in procedure.results}
    tasks = []
    if not people:
        tasks = [
            asyncio.create_task(
                Officer(each, numbers, day.reserved, office=names[agency]).run(
                    stop, pause_seconds=OFFICER_PAUSE_SECONDS
                )
            )
            for agency, each in officers.items()
        ]
        tasks.append(asyncio.create_task(day.hand_over_results(stop, pause_seconds=OFFICER_PAUSE_SECONDS)))
    script = asyncio.create_task(day.play(numbers.next(), decides=not people))
    # The desks go on working until the city stops: what you hand in yourself is settled too.
    stack.push_async_callback(_end, [*tasks, script])
    await _watch(city, day, console, stop, script, names, people=people)
    script.cancel()
    papers = await _collect(day, FOLDER / "papers", names)
    console.print(closing(city, day, papers, mail, people=people), soft_wrap=True, highlight=False)
    return day


async def _watch(
    city: City,
    day: Day,
    console: Console,
    stop: asyncio.Event,
    script: "asyncio.Task[None]",
    names: dict[str, str],
    *,
    people: bool,
) -> None:
    end = time.monotonic() + DAY_DEADLINE_SECONDS
    first = picture(city, day, names, moving=True)
    with Live(first, console=console, refresh_per_second=4, transient=False) as live:
        while time.monotonic() < end and not stop.is_set():
            await day.look()
            if script.done() and (error := script.exception()) is not None:
                day.tell(f"Kịch bản dừng: {type(error).__name__} {error}")
                break
            if day.played and (people or not day.unfinished()):
                break
            live.update(picture(city, day, names, moving=True))
            await asyncio.sleep(0.3)
        live.update(picture(city, day, names, moving=False))


async def _collect(day: Day, folder: Path, names: dict[str, str]) -> dict[Path, str]:
    """Fetch every document the desks may see, so that they can be opened from a folder with readable names."""
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[Path, str] = {}
    for dossier in day.dossiers:
        for result in dossier.results:
            name = names.get(result["code"], result["code"])
            for kind in ("document", "receipt"):
                path = folder / f"{dossier.code}-{result['code']}-v{result['version']}-{kind}.pdf"
                if not path.exists() and not await day.fetch(result["id"], kind, path):
                    continue
                found[path] = name if kind == "document" else f"biên nhận {name.lower()}"
    return found


async def _end(tasks: "list[asyncio.Task[None]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def verdict(console: Console, day: Day) -> int:
    """0 when the whole day was played and every dossier ended as it should; else what is wrong is said, and 1."""
    if not day.played:
        console.print("[red]Chưa đúng:[/] kịch bản của ngày chưa chạy hết.")
    unfinished = day.unfinished()
    for dossier in unfinished:
        console.print(
            f"[red]Chưa đúng:[/] {dossier.code} {dossier.what}: {dossier.status} {dossier.status_name}"
        )
    return 0 if day.played and not unfinished else 1


def _today() -> date:
    return datetime.now(VIETNAM).date()
