"""Choice and control in apps: permissions, kits, consent, minors, linkage, personalisation."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from features.contracts import columns as c
from features.contracts.table import Caution, RowCheck, TableContract, exceeds

ARMS = ("personalised", "optout", "neutral")


class PermissionScans(dy.Schema):
    """One row per permission an app version asks for."""

    app_id = c.ident("App", required=True)
    version = c.text("Version")
    permission = c.text("Permission", required=True)
    protection_level = c.text("Protection level: normal, dangerous, signature or as scanned")
    in_changelog = c.flag("Whether the change log announced it")
    used_at_runtime = c.flag("Whether it was exercised in the test")
    os_level = c.text("Level of the operating system the scan is for")
    source = c.source()


class SdkInventory(dy.Schema):
    """One row per kit found in an app version."""

    app_id = c.ident("App", required=True)
    version = c.text("Version")
    sdk_id = c.ident("Kit", required=True)
    category = c.text("Category: ads, analytics, login, payment, crash and so on")
    declared = c.flag("Whether the operator declares it")
    active = c.flag("Whether it ran in the test", default=True)
    domain = c.text("Host it talks to")
    recipient = c.text("Organisation behind it")
    country = c.text("Country of the recipient", unit="ISO 3166 code")
    source = c.source()


class ConsentMetrics(dy.Schema):
    """Counts about one consent dialogue in a period."""

    app_id = c.ident("App", required=True)
    period = c.period()
    locale = c.text("Language and region of the dialogue")
    app_type = c.text("Type of app, where the table of apps does not say it")
    banner_class = c.text("Kind of dialogue, for peers")
    shown = c.whole("Times shown", "dialogues")
    accepted = c.whole("Times accepted", "dialogues")
    refused = c.whole("Times refused", "dialogues")
    clicks_accept = c.whole("Clicks to accept", "clicks")
    clicks_reject = c.whole("Clicks to reject", "clicks")
    first_layer_reject = c.flag("Whether the first layer has a way to reject")
    prechecked = c.whole("Boxes ticked beforehand", "boxes")
    contrast_accept = c.quantity("WCAG contrast of the way to accept", "ratio")
    contrast_reject = c.quantity("WCAG contrast of the way to reject", "ratio")
    prompts_after_refusal = c.whole("Prompts shown again after a refusal", "dialogues")
    refusing_users = c.whole("Persons who refused", "persons")
    denied_after_refusal = c.whole("Persons denied the service after refusing", "persons")
    refuse_price = c.money("Price of refusing, per month")
    arpu = c.money("Revenue from an accepting user, per month")
    currency = c.currency()
    withdrawn = c.whole("Persons who withdrew", "persons")
    flows_after_withdrawal = c.whole("Of these, persons with flows after the grace time", "persons")
    withdrawal_latency_h = c.quantity("95 % of withdrawals took effect within", "hours")
    service_cut = c.flag("Whether withdrawing ends the service")
    steps_give = c.whole("Steps to consent", "steps")
    steps_withdraw = c.whole("Steps to withdraw", "steps")
    source = c.source()

    flows_above_withdrawn = c.at_most("flows_after_withdrawal", "withdrawn")

    @dy.rule()
    def answers_above_shown(cls) -> pl.Expr:  # noqa: N805
        """Nobody answers a dialogue that was not shown."""
        answers = pl.col("accepted").fill_null(0) + pl.col("refused").fill_null(0)
        return answers <= pl.col("shown")


class MinorMetrics(dy.Schema):
    """Counts about minors' accounts in a month."""

    operator_id = c.ident("Operator", required=True)
    month = c.period("Month, such as 2024-03")
    age_band = c.text("Band of age", required=True)
    jurisdiction = c.text("Whose age line applies", unit="code")
    accounts = c.whole("Accounts", "accounts")
    guardian_consented = c.whole("Accounts with a guardian's consent", "accounts")
    profiled_ads = c.whole("Accounts shown advertising by profile", "accounts")
    night_push = c.whole("Messages pushed at night", "messages")
    age_gate_tests = c.whole("Test accounts that tried to pass the age gate", "accounts")
    age_gate_bypassed = c.whole("Of these, accounts that passed", "accounts")
    source = c.source()

    consented_above_accounts = c.at_most("guardian_consented", "accounts")
    profiled_above_accounts = c.at_most("profiled_ads", "accounts")
    bypassed_above_tests = c.at_most("age_gate_bypassed", "age_gate_tests")


class LinkageMetrics(dy.Schema):
    """Users whose data of two services is combined, in a month."""

    operator_id = c.ident("Operator", required=True)
    service_a = c.ident("First service", required=True)
    service_b = c.ident("Second service", required=True)
    month = c.period("Month, such as 2024-03")
    linked_users = c.whole("Users whose data is combined", "persons")
    linked_without_specific_consent = c.whole("Of these, without specific consent", "persons")
    reprompts = c.whole("Prompts again after a refusal, most for one user, 12 months", "prompts")
    shared_id_flows = c.whole("Flows with the same identifier at both services", "flows")
    source = c.source()

    unconsented_above_linked = c.at_most("linked_without_specific_consent", "linked_users")


class AdmTests(dy.Schema):
    """What a test profile was shown: one row per item or class of an arm."""

    platform_id = c.ident("Platform", required=True)
    test_id = c.ident("Test", required=True)
    arm = c.word("Personalised, after opting out, or neutral", ARMS)
    item = c.ident("Item or class shown", required=True)
    tested_on = c.day("Day of the test")
    exposure_share = c.share("Share of what was shown")
    exposures = c.whole("Items of this class shown", "items")
    half = c.text("Half of the sample, a or b, for the noise of the same arm")
    optout_available = c.flag("Whether there is a way to opt out")
    source = c.source()


PERMISSION_SCANS = TableContract(
    "permission_scans",
    "Permission scans",
    PermissionScans,
    ("app_id", "version", "permission", "os_level"),
)
SDK_INVENTORY = TableContract(
    "sdk_inventory", "Kits in apps", SdkInventory, ("app_id", "version", "sdk_id")
)
CONSENT_METRICS = TableContract(
    "consent_metrics",
    "Consent metrics",
    ConsentMetrics,
    ("app_id", "period", "locale"),
    ("period",),
    checks={
        "answers_above_shown": RowCheck(
            ("accepted", "refused", "shown"),
            "`accepted` and `refused` together exceed `shown`; "
            "nobody answers a dialogue that was not shown",
        ),
        "flows_above_withdrawn": exceeds("flows_after_withdrawal", "withdrawn"),
    },
    cautions=(
        Caution(
            "denied_above_refusing",
            pl.col("denied_after_refusal") > pl.max_horizontal("refusing_users", "refused"),
            "more persons denied the service than refused; kept as filed",
        ),
    ),
)
MINOR_METRICS = TableContract(
    "minor_metrics",
    "Metrics about minors",
    MinorMetrics,
    ("operator_id", "month", "age_band", "jurisdiction"),
    ("month",),
    checks={
        "consented_above_accounts": exceeds("guardian_consented", "accounts"),
        "profiled_above_accounts": exceeds("profiled_ads", "accounts"),
        "bypassed_above_tests": exceeds("age_gate_bypassed", "age_gate_tests"),
    },
)
LINKAGE_METRICS = TableContract(
    "linkage_metrics",
    "Combination across services",
    LinkageMetrics,
    ("operator_id", "service_a", "service_b", "month"),
    ("month",),
    checks={"unconsented_above_linked": exceeds("linked_without_specific_consent", "linked_users")},
)
ADM_TESTS = TableContract(
    "adm_tests",
    "Tests of personalisation",
    AdmTests,
    ("platform_id", "test_id", "arm", "item", "half"),
    ("tested_on",),
)
TABLES = (
    PERMISSION_SCANS,
    SDK_INVENTORY,
    CONSENT_METRICS,
    MINOR_METRICS,
    LINKAGE_METRICS,
    ADM_TESTS,
)
