"""What may be done, by which role. Whatever is not granted here is refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

from features.errors import WardenError
from rules.errors import nearest


class Permission(StrEnum):
    """One thing a person may be allowed to do; also the scopes of a key."""

    ALERTS_READ = "alerts.read"
    ALERTS_DECIDE = "alerts.decide"
    ALERTS_APPROVE = "alerts.approve"
    CASES_READ = "cases.read"
    CASES_WRITE = "cases.write"
    FIRMS_READ = "firms.read"
    EVIDENCE_EXPORT = "evidence.export"
    EXPORTS_APPROVE = "exports.approve"
    RULES_READ = "rules.read"
    THRESHOLDS_READ = "thresholds.read"
    RULES_WRITE = "rules.write"
    RULES_APPROVE = "rules.approve"
    EXCEPTIONS_WRITE = "exceptions.write"
    EXCEPTIONS_APPROVE = "exceptions.approve"
    RUNS_READ = "runs.read"
    DATA_WRITE = "data.write"
    AUDIT_READ = "audit.read"
    PEOPLE_MANAGE = "people.manage"
    REIDENTIFY = "persons.reidentify"
    REIDENTIFY_APPROVE = "persons.approve"


class Role(StrEnum):
    """What a person is in the authority; a person may be several."""

    READER = "reader"
    REGULATOR = "regulator"
    INVESTIGATOR = "investigator"
    RULE_AUTHOR = "rule_author"
    RULE_APPROVER = "rule_approver"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


_P = Permission
_LOOK = frozenset({_P.ALERTS_READ, _P.RULES_READ, _P.RUNS_READ})

GRANTS: Mapping[Role, frozenset[Permission]] = {
    Role.READER: _LOOK,
    Role.REGULATOR: _LOOK
    | {
        _P.ALERTS_DECIDE, _P.ALERTS_APPROVE, _P.CASES_READ, _P.CASES_WRITE, _P.FIRMS_READ,
        _P.EVIDENCE_EXPORT, _P.EXPORTS_APPROVE, _P.THRESHOLDS_READ, _P.EXCEPTIONS_WRITE,
        _P.EXCEPTIONS_APPROVE, _P.REIDENTIFY_APPROVE,
    },
    Role.INVESTIGATOR: _LOOK
    | {
        _P.ALERTS_DECIDE, _P.CASES_READ, _P.CASES_WRITE, _P.FIRMS_READ, _P.EVIDENCE_EXPORT,
        _P.THRESHOLDS_READ, _P.REIDENTIFY,
    },
    Role.RULE_AUTHOR: _LOOK | {_P.RULES_WRITE, _P.THRESHOLDS_READ, _P.EXCEPTIONS_WRITE},
    Role.RULE_APPROVER: _LOOK
    | {_P.RULES_WRITE, _P.RULES_APPROVE, _P.THRESHOLDS_READ, _P.EXCEPTIONS_APPROVE},
    Role.AUDITOR: frozenset({_P.AUDIT_READ, _P.RULES_READ, _P.RUNS_READ}),
    Role.ADMINISTRATOR: frozenset({_P.PEOPLE_MANAGE, _P.RUNS_READ, _P.DATA_WRITE, _P.AUDIT_READ}),
}  # fmt: skip
"""An administrator keeps the machine and its people, and sees no alert by it; an auditor reads the
trail and touches nothing. Nobody holds everything by one role."""


def roles_of(names: Collection[str]) -> tuple[Role, ...]:
    """Roles by name, sorted.

    Raises:
        WardenError: `unknown_role`.
    """
    found = set()
    for name in names:
        try:
            found.add(Role(name))
        except ValueError:
            raise WardenError(
                "unknown_role",
                f"There is no role `{name}`.",
                nearest(name, list(Role)) or f"Roles: {', '.join(Role)}.",
            ) from None
    return tuple(sorted(found))


def granted(roles: Collection[Role]) -> frozenset[Permission]:
    """Everything the roles together allow."""
    return frozenset().union(*(GRANTS[role] for role in roles))


def scopes_of(names: Collection[str]) -> tuple[Permission, ...]:
    """Scopes by name, sorted.

    Raises:
        WardenError: `unknown_scope`.
    """
    found = set()
    for name in names:
        try:
            found.add(Permission(name))
        except ValueError:
            raise WardenError(
                "unknown_scope",
                f"There is no scope `{name}`.",
                nearest(name, list(Permission)) or f"Scopes: {', '.join(Permission)}.",
            ) from None
    return tuple(sorted(found))
