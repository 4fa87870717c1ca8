"""Filings the demonstration does not make: honest ones of our own, with the schemes for them.

A module here holds one family: `WORLDS`, each with a function that files honestly and the schemes
planted into it. Whatever is drawn is of our own making: it says what a rule does with such filings,
not how common they are. A module is found by being here.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.detection.schemes.planting import World


def made_worlds() -> tuple[World, ...]:
    """Worlds of every module of this folder, by name of the module."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found: list[World] = []
    for name in names:
        found += import_module(f"{__name__}.{name}").WORLDS
    return tuple(found)
