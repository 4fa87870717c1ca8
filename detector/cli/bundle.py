"""`bundle`: the evidence behind an alert or a case in one signed file, or as one OCSF event."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector.cli.approvals import Approval, ForCase, Purpose, asked_for
from detector.cli.output import note, opened, say
from detector.whole_files import replace_bytes, require_folder

if TYPE_CHECKING:
    from detector.bundle.wording import Lang


class Reader(StrEnum):
    """Who a bundle is for."""

    INTERNAL = "internal"
    PARTY = "party"
    PUBLIC = "public"


class Languages(StrEnum):
    """Languages of the report."""

    EN = "en"
    ZH = "zh"
    BOTH = "both"


class Form(StrEnum):
    """What is written."""

    ZIP = "zip"
    OCSF = "ocsf"


def bundle(
    alert: Annotated[
        str, typer.Argument(help="Id of an alert, as in the queue, or number of a case.")
    ],
    out: Annotated[Path, typer.Option(help="File to write: a .zip, or .json for OCSF.")],
    profile: Annotated[
        Reader, typer.Option(help="Who it is for; decides what is left out.")
    ] = Reader.INTERNAL,
    lang: Annotated[Languages, typer.Option(help="Languages of the report.")] = Languages.BOTH,
    form: Annotated[
        Form, typer.Option("--format", help="The bundle, or one OCSF event.")
    ] = Form.ZIP,
    party: Annotated[
        str | None, typer.Option(help="The firm a `party` bundle is for, where several are named.")
    ] = None,
    actor: Annotated[
        str, typer.Option(envvar="WARDEN_ACTOR", help="Who takes it out; no name, no bundle.")
    ] = "",
    approval: Approval = None,
    purpose: Purpose = "",
    case: ForCase = "",
) -> None:
    """Write all evidence behind an alert or a case into one signed file anybody can verify."""
    from detector.bundle.build import Asked, made_by, make, outgoing
    from detector.bundle.case_build import AskedCase, is_number, make_case, outgoing_case
    from detector.bundle.profiles import Profile
    from detector.bundle.wording import LANGS

    require_folder(out)
    langs: tuple[Lang, ...] = tuple(one for one in LANGS if lang.value in (one, "both"))
    system = opened()
    if is_number(alert):
        whole = AskedCase(alert, Profile(profile.value), langs, party)
        if purpose:
            asked_for(system, outgoing_case(system, whole, form.value), purpose, case, actor)
            return
        content = make_case(system, whole, actor, form.value, approval)
    else:
        asked = Asked(alert, Profile(profile.value), langs, party)
        if purpose:
            asked_for(system, outgoing(system, asked, form.value), purpose, case, actor)
            return
        content = make(system, asked, actor, form.value, approval)
    replace_bytes(out, content)
    key = made_by(system)
    subject = "case" if is_number(alert) else "alert"
    say({subject: alert, "out": str(out), "bytes": len(content), "key": key}, f"{out} written.")
    if form is Form.ZIP:
        note(f"Verify it with `python verify.py {out.name} --key {key}`; verify.py lies in it.")
