"""Filings about themselves: figures of platforms by vintage, vendor lists, what was expected."""

from __future__ import annotations

import dataframely as dy

from features.contracts import columns as c
from features.contracts.table import TableContract, earlier


class MetricFilings(dy.Schema):
    """One row per figure and vintage; a later vintage may restate an earlier cell."""

    operator_id = c.ident("Operator", required=True)
    service_id = c.ident("Service")
    metric = c.text("What is counted, with every dimension", required=True)
    period_start = c.day("First day", required=True)
    period_end = c.day("Last day")
    value = c.figure("Figure; empty when the operator says it is not available", "the row's unit")
    unit = c.text("Unit: count, percent, share and so on")
    filed_on = c.day("Day of the publication")
    vintage = c.text("Publication, in an order that sorts")
    reporter_id = c.ident("Who reports the figure, where it is not the operator")
    source = c.source()

    ends_before_start = c.at_most("period_start", "period_end")


class VendorDeclarations(dy.Schema):
    """One row per vendor of a consent framework and vintage of its list."""

    framework = c.text("Framework", required=True)
    vintage = c.text("Version of the list")
    vendor_id = c.ident("Vendor", required=True)
    name = c.text("Name")
    purposes = c.listing("Purposes on consent, by number")
    legitimate_interests = c.listing("Purposes on legitimate interest, by number")
    features = c.listing("Features, by number")
    special_features = c.listing("Special features, by number")
    cookie_max_age_s = c.quantity("Longest life of a cookie", "seconds")
    deleted_on = c.day("Day the vendor was deleted from the list")
    filed_on = c.day("Day of the publication")
    source = c.source()


class ExpectedFilings(dy.Schema):
    """A filing that a calendar or the law expects."""

    operator_id = c.ident("Operator", required=True)
    filing = c.text("Which filing: a table, a report or a metric", required=True)
    period_start = c.day("First day it is about", required=True)
    period_end = c.day("Last day it is about")
    due_on = c.day("Day it is due")
    legal_basis = c.text("Why it is due")
    source = c.source()

    ends_before_start = c.at_most("period_start", "period_end")


METRIC_FILINGS = TableContract(
    "metric_filings",
    "Figures platforms publish",
    MetricFilings,
    ("operator_id", "service_id", "metric", "period_start", "period_end", "vintage", "reporter_id"),
    ("period_start",),
    checks={
        "ends_before_start": earlier(
            "period_end", "period_start", "a period cannot end before it began"
        )
    },
)
VENDOR_DECLARATIONS = TableContract(
    "vendor_declarations",
    "Declarations of vendors",
    VendorDeclarations,
    ("framework", "vintage", "vendor_id"),
    ("filed_on",),
)
EXPECTED_FILINGS = TableContract(
    "expected_filings",
    "Filings expected",
    ExpectedFilings,
    ("operator_id", "filing", "period_start"),
    ("period_start",),
    checks={
        "ends_before_start": earlier(
            "period_end", "period_start", "a period cannot end before it began"
        )
    },
)
TABLES = (METRIC_FILINGS, VENDOR_DECLARATIONS, EXPECTED_FILINGS)
