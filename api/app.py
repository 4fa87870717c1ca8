"""Puts the door together: routes, guard, errors, pages, over one installation."""

from __future__ import annotations

import os
import pkgutil
from collections.abc import Collection
from importlib import import_module
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from fastapi import Depends, FastAPI
from starlette.staticfiles import StaticFiles

from api import errors, repeats, routes
from api.auth import authorized
from api.description import describe
from api.guard import LOCAL_HOSTS, Guard
from api.known import KnownFacts, facts_of
from api.measures import Measures, Meter
from api.queue_answers import Known as KnownQueries
from api.rates import Kind, Rates
from api.repeats import Keeper, once
from api.segments import Segments
from api.tallies import Tallies
from api.web.render import problem_page
from detector.answering import keep_all_beside
from detector.rule_studies import Studies
from detector.system import System, open_system
from detector.warming import warm_beside


def create_app(
    system: System,
    *,
    known: KnownFacts | None = None,
    hosts: Collection[str] | None = LOCAL_HOSTS,
) -> FastAPI:
    """The HTTP interface and the pages of one installation: every module of `api.routes`.

    Args:
        known: what every screen says it knows; the ledger and the results in force when None.
        hosts: host names answered to; None for any, behind a proxy that checks them.
    """
    app = FastAPI(
        title="Marketwarden",
        version=version("marketwarden"),
        # the ready-made pages of documentation load scripts from other hosts
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(authorized), Depends(once)],
    )
    app.state.system = system
    app.state.rates = Rates(_per_minute(system))
    app.state.measures = Measures()
    app.state.tallies = Tallies()
    app.state.known_queries = KnownQueries()
    app.state.studies = Studies(system)
    app.state.known = known or facts_of(system)
    app.state.problem_page = problem_page
    for module in sorted(m.name for m in pkgutil.iter_modules(routes.__path__)):
        app.include_router(import_module(f"api.routes.{module}").router)
    app.mount("/static", StaticFiles(directory=str(files("api.web").joinpath("static"))))
    errors.install(app)
    repeats.install(app)
    describe(
        app, limits={str(kind).replace("-", "_"): n for kind, n in _per_minute(system).items()}
    )
    app.add_middleware(Keeper, system=system)
    sizes = system.settings
    app.add_middleware(
        Guard, hosts=hosts, file_bytes=sizes.attachment_bytes, filing_bytes=sizes.upload_bytes
    )
    app.add_middleware(Meter, measures=app.state.measures)
    app.add_middleware(Segments)
    return app


def _per_minute(system: System) -> dict[Kind, int]:
    rates = system.settings.rates
    return {
        Kind.READ: rates.read_per_minute,
        Kind.CHANGE: rates.change_per_minute,
        Kind.SIGN_IN: rates.sign_in_per_minute,
    }


def application() -> FastAPI:
    """The door over the installation named by WARDEN_HOME, for a server that starts by name.

    WARDEN_HOSTS lists further host names to answer to, separated by commas; `*` is any.
    """
    home = Path(os.environ.get("WARDEN_HOME", "warden-home"))
    more = {name.strip() for name in os.environ.get("WARDEN_HOSTS", "").split(",") if name.strip()}
    system = open_system(home)
    keep_all_beside(system)
    warm_beside(system)
    return create_app(system, hosts=None if "*" in more else LOCAL_HOSTS | more)
