"""Judgement as data: rules in YAML over named features."""
