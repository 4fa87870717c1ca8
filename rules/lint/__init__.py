"""Lint: what can be known about a rule without data.

Each check is a small class with a code, D1 to D22; `CHECKS` holds them all. What the files hold
beyond that (YAML, schema, the condition's grammar) is found when they are read.
"""

from rules.lint.context import Around, Check, Context, ExceptionNote
from rules.lint.law import holes
from rules.lint.registry import CHECKS
from rules.lint.runner import lint_rule, lint_rules, lint_text

__all__ = [
    "CHECKS",
    "Around",
    "Check",
    "Context",
    "ExceptionNote",
    "holes",
    "lint_rule",
    "lint_rules",
    "lint_text",
]
