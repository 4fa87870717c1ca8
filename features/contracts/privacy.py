"""Personal data: apps, what they declare, what they send, the word map, breach notices."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from features.contracts import columns as c
from features.contracts.table import Caution, RowCheck, TableContract

PHASES = (
    "pre_choice",
    "refused",
    "accepted",
    "withdrawn",
    "optout",
    "legitimate_interest_only",
)
LINKAGES = ("linked", "not_linked", "used_to_track")


class Apps(dy.Schema):
    """One row per app and version."""

    app_id = c.ident("App", required=True)
    version = c.text("Version")
    operator_id = c.ident("Operator")
    app_type = c.text("Type of app (39 codes, or the store's genre)")
    released_at = c.instant("Release")
    directed_to_children = c.flag("Directed to children")
    source = c.source()


class DataDeclarations(dy.Schema):
    """One row per declared type, purpose and recipient; an app without a row has not filed."""

    app_id = c.ident("App", required=True)
    version = c.text("Version")
    taxonomy = c.text("Whose words `data_type` uses")
    data_type = c.text("Type of data; `*` with declared = false files 'nothing'", required=True)
    purpose = c.text("Purpose")
    recipient = c.text("Recipient")
    declared = c.flag("Whether collection is declared", default=True)
    linkage = c.word("Whether linked to the user", LINKAGES)
    required = c.flag("Whether the service needs it")
    sensitive = c.flag("Sensitive personal data")
    separate_consent = c.flag("Collected on separate consent")
    retention_days = c.quantity("Retention", "days")
    recipient_country = c.text("Country of the recipient", unit="ISO 3166 code")
    source = c.source()


class ObservedFlows(dy.Schema):
    """One row per observed transmission; every column belongs to the key."""

    app_id = c.ident("App", required=True)
    version = c.text("Version")
    session = c.text("Test session")
    ts = c.instant("Time of the observation")
    phase = c.word("State of consent", PHASES)
    taxonomy = c.text("Whose words `data_type` uses", default="traffic")
    data_type = c.text("Type of data in the words of the analyser", required=True)
    domain = c.text("Host")
    recipient = c.text("Recipient")
    purpose_observed = c.text("Purpose")
    country = c.text("Country of the recipient", unit="ISO 3166 code")
    bytes = c.whole("Size", "bytes")
    identified = c.flag("Sent together with an identifier")
    source = c.source()


class DataTypeMap(dy.Schema):
    """From the words of a taxonomy to one vocabulary."""

    taxonomy = c.text("Whose words", required=True)
    source_type = c.text("Their word", required=True)
    data_type = c.text("Our word", required=True)
    source = c.source()


class BreachNotifications(dy.Schema):
    """One row per incident; a time of 00:00:00 means that only the day was filed."""

    incident_id = c.ident("Incident", required=True)
    operator_id = c.ident("Operator")
    aware_at = c.instant("When the operator became aware")
    notified_at = c.instant("When the authority was told")
    users_notified_at = c.instant("When the persons were told")
    persons = c.whole("Persons affected", "persons")
    sensitive_persons = c.whole("Persons whose sensitive data is affected", "persons")
    is_ciio = c.flag("Operator of critical information infrastructure")
    jurisdiction = c.text("Whose deadline applies", unit="code")
    source = c.source()

    @dy.rule()
    def more_sensitive_than_all(cls) -> pl.Expr:  # noqa: N805
        """A part is no larger than the whole."""
        return pl.col("sensitive_persons") <= pl.col("persons")


APPS = TableContract("apps", "Apps", Apps, ("app_id", "version"), ("released_at",))
DATA_DECLARATIONS = TableContract(
    "data_declarations",
    "Data declarations",
    DataDeclarations,
    ("app_id", "version", "taxonomy", "data_type", "purpose", "recipient"),
)
OBSERVED_FLOWS = TableContract(
    "observed_flows",
    "Observed flows",
    ObservedFlows,
    tuple(ObservedFlows.column_names()),
    ("ts",),
)
DATA_TYPE_MAP = TableContract(
    "data_type_map", "Map of data types", DataTypeMap, ("taxonomy", "source_type")
)
BREACH_NOTIFICATIONS = TableContract(
    "breach_notifications",
    "Breach notifications",
    BreachNotifications,
    ("incident_id",),
    ("aware_at", "notified_at"),
    checks={
        "more_sensitive_than_all": RowCheck(
            ("sensitive_persons", "persons"),
            "`sensitive_persons` is larger than `persons`; a part cannot exceed the whole",
        )
    },
    cautions=(
        Caution(
            "notified_before_aware",
            pl.col("notified_at") < pl.col("aware_at"),
            "notified before the stated awareness; possible for a precautionary notice, "
            "kept as filed",
        ),
    ),
)
