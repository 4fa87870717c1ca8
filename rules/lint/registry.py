"""All checks, in the order of their codes."""

from __future__ import annotations

from rules.lint.alerting import Severity, Suppressed
from rules.lint.context import Check
from rules.lint.examples import Examples, PersonalData
from rules.lint.identity import Duplicates, FileName, Metadata
from rules.lint.law import DatedTables, LawInForce
from rules.lint.local import Exceptions, Overlays
from rules.lint.logic import Literals, Redundance, Scope, Support
from rules.lint.lookback import Lookback
from rules.lint.names import Names, NoClock
from rules.lint.telling import Shown, Wording
from rules.lint.versions import NewVersion, RetiredUnchanged

CHECKS: tuple[Check, ...] = (
    FileName(), Metadata(), Duplicates(), LawInForce(), Names(), NoClock(), Scope(), Support(),
    Redundance(), Literals(), Examples(), Shown(), Wording(), Severity(), Suppressed(), Lookback(),
    DatedTables(), NewVersion(), RetiredUnchanged(), Exceptions(), Overlays(), PersonalData(),
)  # fmt: skip
