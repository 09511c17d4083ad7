"""The application of portal: the screens, with the guard, the sessions and the live pages around them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from libs.catalogue import Catalogue
from libs.http.app import EdgeLimits, Readiness, build_app
from libs.http.auth import TokenSigner, TokenVerifier
from libs.http.client import Refused, Unavailable
from libs.http.problems import Problem
from libs.papers import FormPress
from libs.process.settings import named, networks_of
from services.portal import account, assets, home, mishaps, sign_in
from services.portal.assets import Assets
from services.portal.case import dossier_page, scans
from services.portal.citizens import tracking, verification
from services.portal.citizens.tries import Tries
from services.portal.city import City
from services.portal.console import papers, search, work_queues
from services.portal.counter import attaching, desk, former, hand_over
from services.portal.developers import (
    delivery_page,
    documents,
    event_list,
    keys,
    learning,
    saying_list,
    start,
    tail,
    trying,
    webhook_list,
    webhook_page,
)
from services.portal.devices import listing, pairing
from services.portal.devices.known import Devices
from services.portal.guard import FORM_BYTES_MAX, Guard
from services.portal.hospital import bedside, declare, leaving, upload, ward
from services.portal.live import Live
from services.portal.officers import Officers
from services.portal.procedures import pages
from services.portal.procedures.pages import Shelf, today_there
from services.portal.rendering import Renderer
from services.portal.sessions import Forbidden, Sessions, SignedOut
from services.portal.settings import Settings

SERVICE = "portal"
VERSION = "0.1.0"
# Every open page holds a connection for its live state.
IN_FLIGHT_MAX = 4000
SCREENS = (
    home.router,
    sign_in.router,
    account.router,
    # devices
    listing.router,
    pairing.router,
    # hospital
    ward.router,
    declare.router,
    upload.router,
    bedside.router,
    leaving.router,
    # counter
    desk.router,
    attaching.router,
    former.router,
    hand_over.router,
    # officers
    work_queues.router,
    dossier_page.router,
    scans.router,
    search.router,
    papers.router,
    # citizens
    tracking.router,
    verification.router,
    pages.router,
    # integrators
    start.router,
    event_list.router,
    saying_list.router,
    documents.router,
    learning.router,
    webhook_list.router,
    webhook_page.router,
    delivery_page.router,
    tail.router,
    trying.router,
    keys.router,
)


def build(settings: Settings) -> FastAPI:
    """The application; its connections are closed with it. Raises SettingsError naming the wrong setting."""
    with named("SERVICE_KEY"):
        signer = TokenSigner.from_file(SERVICE, settings.service_key)
    with named("PUBLIC_KEYS"):
        verifier = TokenVerifier(settings.public_keys, SERVICE)
    with named("ASSETS"):
        files = Assets(Path(settings.assets) / "node_modules")
    with named("CATALOGUE"):
        catalogue = Catalogue.load(settings.catalogue)
        shelf = Shelf(catalogue)
        shelf.fill(today_there())
    city = City(settings.urls(), signer)
    live = Live(settings.nats_url)
    press = FormPress(Path(settings.catalogue))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        warming = asyncio.create_task(press.begin())
        yield
        warming.cancel()
        await city.close()
        await asyncio.to_thread(press.close)

    async def ready() -> Readiness:
        return Readiness(ready=True, checks={"bus": live.connected})

    app = build_app(
        service=SERVICE,
        version=VERSION,
        lifespan=lifespan,
        ready=ready,
        verifier=verifier,
        limits=EdgeLimits(in_flight_max=IN_FLIGHT_MAX, body_bytes_max=FORM_BYTES_MAX),
        scrape_networks=networks_of("SCRAPE_NETWORKS", settings.scrape_networks),
        trusted_proxies=networks_of("TRUSTED_PROXIES", settings.trusted_proxies),
    )
    app.state.assets = files
    app.state.city = city
    app.state.sessions = Sessions(city)
    app.state.devices = Devices(city)
    app.state.officers = Officers()
    app.state.renderer = Renderer(files, help_phone=settings.help_phone)
    app.state.live = live
    app.state.catalogue = catalogue
    app.state.press = press
    app.state.described = documents.Described(city)
    app.state.tails = tail.Tails()
    app.state.sandbox = settings.sandbox
    app.state.gateway_url = settings.issuer_url.rstrip("/")
    app.state.shelf = shelf
    app.state.tries = Tries()
    app.state.pairing_tries = Tries()
    app.state.public_url = settings.public_url.rstrip("/")
    app.add_middleware(Guard, origin=settings.public_url)
    _answer_mishaps(app)
    app.include_router(assets.router(files))
    for router in SCREENS:
        app.include_router(router)
    return app


def _answer_mishaps(app: FastAPI) -> None:
    for kind, answer in (
        (Problem, mishaps.answer_problem),
        (Refused, mishaps.answer_refused),
        (Unavailable, mishaps.answer_unavailable),
        (SignedOut, mishaps.answer_signed_out),
        (Forbidden, mishaps.answer_forbidden),
        (HTTPException, mishaps.answer_not_found),
        (RequestValidationError, mishaps.answer_bad_parameters),
    ):
        app.add_exception_handler(kind, answer)
