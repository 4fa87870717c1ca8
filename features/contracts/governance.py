"""Duties of operators: requests, leaks, transfers, retention, releases, complaints, audits."""

from __future__ import annotations

import dataframely as dy

from features.contracts import columns as c
from features.contracts.table import TableContract, earlier

STATES = ("active", "archived", "deleted", "anonymised")


class DsarRequests(dy.Schema):
    """One row per request of an individual."""

    request_id = c.ident("Request", required=True)
    operator_id = c.ident("Operator")
    type = c.text("Type: access, delete, correct, port, opt_out and so on")
    jurisdiction = c.text("Whose deadline applies", unit="code")
    received_on = c.day("Day it was received")
    acked_on = c.day("Day it was acknowledged")
    extended = c.flag("Whether the time was extended with notice")
    closed_on = c.day("Day it was closed, empty while it is open")
    outcome = c.text("Outcome: granted, partial, refused and so on")
    refusal_ground = c.text("Ground of the refusal")
    fee = c.money("Fee charged to the person")
    currency = c.currency()
    source = c.source()

    closed_before_received = c.at_most("received_on", "closed_on")
    acked_before_received = c.at_most("received_on", "acked_on")


class ExternalLeaks(dy.Schema):
    """Leaks seen outside."""

    leak_id = c.ident("Leak", required=True)
    operator_id = c.ident("Operator whose data it seems to be")
    first_seen = c.day("Day it was first seen")
    persons_est = c.whole("Persons affected, estimated", "persons")
    confidence = c.share("How sure it is that the data is this operator's")
    incident_id = c.ident("Notification it was matched to")
    source = c.source()


class CrossborderTransfers(dy.Schema):
    """What was sent abroad on a day, by recipient and type of data."""

    operator_id = c.ident("Operator", required=True)
    date = c.day("Day", required=True)
    recipient = c.text("Recipient")
    data_type = c.text("Type of data")
    country = c.text("Country of the recipient", unit="ISO 3166 code")
    jurisdiction = c.text("Whose rules the transfer leaves", unit="code")
    persons_new = c.whole("Persons not yet counted this calendar year", "persons")
    sensitive = c.flag("Sensitive personal data")
    important_data = c.flag("Important data")
    mechanism = c.text("Mechanism: security_assessment, standard_contract, certification, none")
    filing_id = c.ident("Filing of the mechanism")
    valid_until = c.day("Last day of the mechanism's validity")
    exemption_ground = c.text("Ground of an exemption")
    source = c.source()


class RetentionSamples(dy.Schema):
    """One row per sampled record: how old it is and in which state."""

    operator_id = c.ident("Operator", required=True)
    data_type = c.text("Type of data", required=True)
    sample_id = c.ident("Sample", required=True)
    sampled_on = c.day("Day of the sample")
    age_days = c.quantity("Age of the record", "days")
    limit_days = c.quantity("Declared limit; the declaration's where empty", "days")
    state = c.word("State of the record", STATES)
    legal_hold = c.flag("Kept on order of a court or by law")
    inactive_account = c.flag("Belongs to an inactive account")
    source = c.source()


class ReleasedDatasets(dy.Schema):
    """One row per record of a released data set, or per class of equal records.

    Only what a test of re-identification needs: the quasi-identifiers and the sensitive values.
    """

    dataset_id = c.ident("Data set", required=True)
    record_no = c.whole("Number of the record or class", "number", required=True)
    operator_id = c.ident("Operator that released it")
    released_on = c.day("Day of the release")
    quasi = c.fields("Quasi-identifiers by name; null is a value of its own", required=True)
    sensitive = c.fields("Sensitive values by name")
    records = c.whole("Records of this class; one where empty", "records", minimum=1)
    population = c.whole("Persons in the population with these quasi-identifiers", "persons")
    source = c.source()


class Complaints(dy.Schema):
    """One row per complaint; its text is never kept."""

    complaint_id = c.ident("Complaint", required=True)
    operator_id = c.ident("Operator complained about")
    topic = c.text("Topic")
    channel = c.text("Channel it came by")
    received_on = c.day("Day it was received")
    verified = c.flag("Whether it was verified")
    complainant_hash = c.person("Person who complained")
    text_simhash = c.text("Similarity hash of the text, to find campaigns", unit="hex")
    source = c.source()


class ComplianceEvents(dy.Schema):
    """What an operator did about its duties, and when."""

    operator_id = c.ident("Operator", required=True)
    event_type = c.text(
        "For example audit, minors_audit, impact_assessment, officer_registration, annual_report",
        required=True,
    )
    date = c.day("Day", required=True)
    jurisdiction = c.text("Whose duty", unit="code")
    persons_processed = c.whole("Persons whose data is processed", "persons")
    cycle_months = c.whole("Cycle set for this operator, where not the law's", "months", minimum=1)
    data_type = c.text("Type of data it is about")
    source = c.source()


DSAR_REQUESTS = TableContract(
    "dsar_requests",
    "Requests of individuals",
    DsarRequests,
    ("request_id",),
    ("received_on",),
    checks={
        "closed_before_received": earlier(
            "closed_on", "received_on", "a request cannot be closed before it came"
        ),
        "acked_before_received": earlier(
            "acked_on", "received_on", "a request cannot be acknowledged before it came"
        ),
    },
)
EXTERNAL_LEAKS = TableContract(
    "external_leaks", "Leaks seen outside", ExternalLeaks, ("leak_id",), ("first_seen",)
)
CROSSBORDER_TRANSFERS = TableContract(
    "crossborder_transfers",
    "Transfers abroad",
    CrossborderTransfers,
    ("operator_id", "date", "recipient", "data_type"),
    ("date",),
)
RETENTION_SAMPLES = TableContract(
    "retention_samples",
    "Retention samples",
    RetentionSamples,
    ("operator_id", "data_type", "sample_id"),
    ("sampled_on",),
)
RELEASED_DATASETS = TableContract(
    "released_datasets",
    "Released data sets",
    ReleasedDatasets,
    ("dataset_id", "record_no"),
    ("released_on",),
)
COMPLAINTS = TableContract(
    "complaints", "Complaints", Complaints, ("complaint_id",), ("received_on",)
)
COMPLIANCE_EVENTS = TableContract(
    "compliance_events",
    "Compliance events",
    ComplianceEvents,
    ("operator_id", "event_type", "date", "jurisdiction"),
    ("date",),
)
TABLES = (
    DSAR_REQUESTS,
    EXTERNAL_LEAKS,
    CROSSBORDER_TRANSFERS,
    RETENTION_SAMPLES,
    RELEASED_DATASETS,
    COMPLAINTS,
    COMPLIANCE_EVENTS,
)
