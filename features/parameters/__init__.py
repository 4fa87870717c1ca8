"""Dated legal parameters that features compute with, each with its source."""
