"""D14 and D15: how grave a firing is and when it stays quiet."""

from __future__ import annotations

from collections.abc import Iterator

from features.vocabulary import GRAINS, TYPOLOGIES
from rules.errors import RuleIssue, nearest
from rules.lint.context import Check, Context
from rules.load import Rule

_CONTEXT_SEVERITY = 2


class Severity(Check):
    """D14: severities agree with each other and with the typology."""

    code = "D14"
    title = "Severities agree with each other and with the typology"
    why = (
        "A typology that is context only stays at severity 1 or 2, bands included. The first band"
        " that holds counts, so each says something else than the one before it and the rule."
    )

    def check(self, rule: Rule, _context: Context, /) -> Iterator[RuleIssue]:
        spec = rule.spec
        if TYPOLOGIES[spec.typology].context_only:
            message = f"{spec.typology} is context only; its severity is 1 or 2"
            if spec.severity > _CONTEXT_SEVERITY:
                yield rule.issue(self.code, message, ("severity",))
            for index, band in enumerate(spec.bands):
                if band.severity > _CONTEXT_SEVERITY:
                    yield rule.issue(self.code, message, ("bands", index, "severity"))
        for index, band in enumerate(spec.bands):
            place = ("bands", index, "severity")
            if index and band.severity == spec.bands[index - 1].severity:
                message = "the band before has this severity; join the two with OR"
                yield rule.issue(self.code, message, place, warning=True)
            if index == len(spec.bands) - 1 and band.severity == spec.severity:
                message = f"the last band gives severity {spec.severity}, which holds anyway"
                yield rule.issue(self.code, message, place, warning=True)


class Suppressed(Check):
    """D15: silence is by parts of the subject's key."""

    code = "D15"
    title = "Silence is by parts of the subject's key"
    why = (
        "Firings are alike when parts of their subject are: a silence by anything else would hide"
        " strangers. A silence without an end on a graver firing needs no more than a year."
    )

    def check(self, rule: Rule, _context: Context, /) -> Iterator[RuleIssue]:
        suppress = rule.spec.suppress
        if suppress == "none":
            return
        parts = GRAINS[rule.spec.grain].parts
        for index, name in enumerate(suppress.by):
            if name not in parts:
                message = f"`{name}` is no part of the key of grain {rule.spec.grain}"
                hint = nearest(name, parts) or f"Its parts: {', '.join(parts)}."
                yield rule.issue(self.code, message, ("suppress", "by", index), hint=hint)
        most = PERIODS_A_YEAR[GRAINS[rule.spec.grain].period]
        if suppress.periods > most and not suppress.reset_on:
            message = f"quiet for {suppress.periods} periods whatever happens"
            hint = "Say what ends it: `reset_on: [severity_up]`."
            yield rule.issue(self.code, message, ("suppress", "periods"), hint=hint)


PERIODS_A_YEAR = {"d": 366, "w": 53, "m": 12, "q": 4, "y": 1}
