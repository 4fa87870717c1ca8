"""Rules over feature frames: five outcomes, and the facts behind each.

One rule is one lazy pass over the frame of its grain. A rule that fails gives the outcome `error`
for its rows and leaves the others alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import narwhals as nw
import polars as pl
import structlog

from features.catalogue import FeatureCatalogue
from features.catalogue import catalogue as whole_catalogue
from features.compute import FeatureFrame
from features.errors import WardenError
from features.vocabulary import GRAINS, Outcome, Reason
from rules.checking import Vocabulary, check_condition, vocabulary
from rules.compilation import Compiled, compile_condition
from rules.errors import ExpressionError
from rules.facts import fact_sides, facts_json
from rules.grains import attribute_types, parameter_types
from rules.load import Rule
from rules.messages import STATISTICS, Language, message_expr, placeholders
from rules.nodes import Peer, column_names, walk
from rules.parameters import Figure, ParameterBook, Threshold
from rules.spec import Status

RESULT_SCHEMA: dict[str, pl.DataType] = {
    "rule_id": pl.String(), "rule_version": pl.String(), "typology": pl.String(),
    "grain": pl.String(), "subject_kind": pl.String(), "subject_key": pl.String(),
    "period_start": pl.Date(), "period_end": pl.Date(), "outcome": pl.String(),
    "reason": pl.String(), "lane": pl.String(), "severity": pl.Int64(), "strength": pl.Float64(),
    "facts": pl.String(), "message_en": pl.String(), "message_zh": pl.String(),
    "shadow": pl.Boolean(),
}  # fmt: skip
_KEYS = ("subject_key", "period_start", "period_end")
_LOG = structlog.get_logger(__name__)


def evaluate_rules(
    rules: Iterable[Rule],
    frames: Mapping[str, FeatureFrame],
    parameters: ParameterBook,
    *,
    catalogue: FeatureCatalogue | None = None,
) -> pl.DataFrame:
    """Judge every row of every frame by every active and shadow rule of its grain.

    Args:
        rules: rules of any status; drafts and retired ones are passed over.
        frames: feature frames by grain code.
        parameters: the dated tables.
        catalogue: where features a frame lacks are looked up, the whole library by default; they
            read as missing.

    Returns:
        One row per (rule, row) with the columns of `RESULT_SCHEMA`. `facts` is JSON text, a list
        with one entry per comparison of the condition (of the scope, when out of scope).
        `strength` is 0..1 with 0.5 at the threshold, null unless fired or clear. The messages are
        null unless fired.
    """
    known = catalogue or whole_catalogue()
    parts = [
        judge(rule, frames[rule.spec.grain], parameters, catalogue=known)
        for rule in sorted(rules, key=lambda r: r.id)
        if rule.spec.status in (Status.ACTIVE, Status.SHADOW) and rule.spec.grain in frames
    ]
    return pl.concat(parts) if parts else pl.DataFrame(schema=RESULT_SCHEMA)


def judge(
    rule: Rule,
    frame: FeatureFrame,
    parameters: ParameterBook,
    *,
    catalogue: FeatureCatalogue | None = None,
) -> pl.DataFrame:
    """One rule over one frame, whatever its status; never raises for a fault of the rule."""
    try:
        return evaluate_rule(rule, frame, parameters, catalogue=catalogue)
    except Exception as error:  # noqa: BLE001  one broken rule must not stop the others
        _LOG.warning("rule_failed", rule=rule.id, error=str(error)[:300])
        code = error.code if isinstance(error, WardenError) else type(error).__name__
        found = frame.frame.select(_KEYS).with_columns(
            pl.lit(Outcome.ERROR.value).alias("outcome"),
            pl.lit(code).alias("reason"),
            pl.lit(None, dtype=pl.Float64).alias("strength"),
            pl.lit("[]").alias("facts"),
        )
        return _finished(rule, found)


def evaluate_rule(
    rule: Rule,
    frame: FeatureFrame,
    parameters: ParameterBook,
    *,
    catalogue: FeatureCatalogue | None = None,
    given: Mapping[str, Figure] | None = None,
) -> pl.DataFrame:
    """One rule over one frame.

    Args:
        given: parameter values that stand in for those in force.

    Raises:
        ExpressionError: a name, type or unit of the rule does not fit the frame.
        WardenError: `unknown_parameter_table`; `rule_failed` when the engine refuses it.
    """
    names = frame_vocabulary(frame, catalogue)
    data = frame.frame
    thresholds = {
        name: parameters.threshold(
            name, spec, keyed="jurisdiction" in data.columns, given=(given or {}).get(name)
        )
        for name, spec in rule.spec.parameters.items()
    }
    _check(rule, names, thresholds)
    columns = frozenset(data.columns)
    condition = compile_condition(rule.condition, names, thresholds, columns, "_c")
    scope = None
    if rule.scope is not None:
        scope = compile_condition(rule.scope, names, thresholds, columns, "_s")
    try:
        lazy = _stages(rule, data, condition, scope, thresholds)
        told = _told(rule, names, columns)
        facts = _facts(rule.id, condition, scope, lazy, frame.reference)
        found = lazy.select(*_KEYS, *_outcome(rule), *told, facts)
        return _with_messages(rule, found.collect(), names, thresholds)
    except (pl.exceptions.PolarsError, nw.exceptions.NarwhalsError) as error:
        reason = str(error).strip().partition("\n")[0][:200]
        raise WardenError("rule_failed", f"Rule {rule.id} cannot be computed: {reason}") from error


def peer_features(rules: Iterable[Rule]) -> set[str]:
    """Features whose standing among peers some rule judges or tells."""
    found: set[str] = set()
    for rule in rules:
        for tree in (rule.scope, rule.condition):
            found |= {n.feature for n in walk(tree) if isinstance(n, Peer)} if tree else set()
        for text in (rule.spec.message.en, rule.spec.message.zh):
            found |= {hole.name for hole in placeholders(text) if hole.part in STATISTICS}
    return found


def frame_vocabulary(frame: FeatureFrame, catalogue: FeatureCatalogue | None) -> Vocabulary:
    """What a rule may name: the frame's features and attributes, and the catalogue's features."""
    features = list(frame.features)
    if catalogue is not None:
        have = {f.name for f in features}
        features += [f for f in catalogue.of_grain(frame.grain) if f.name not in have]
    named = ((f.name, f.unit, f.kind == "class") for f in features)
    types = attribute_types(frame.frame.schema, frame.attributes)
    return vocabulary(frame.grain, named, types)


def _check(rule: Rule, names: Vocabulary, thresholds: Mapping[str, Threshold]) -> None:
    known = parameter_types(thresholds)
    for tree in (rule.scope, rule.condition):
        faults = check_condition(tree, names, known) if tree is not None else ()
        if faults:
            raise ExpressionError("; ".join(fault.message for fault in faults))


def _stages(
    rule: Rule,
    data: pl.DataFrame,
    condition: Compiled,
    scope: Compiled | None,
    thresholds: Mapping[str, Threshold],
) -> pl.LazyFrame:
    """The frame with every helper column of the rule."""
    columns = frozenset(data.columns)
    sides = [*condition.sides, *fact_sides(condition, thresholds, columns, "_c")]
    judgements = [*condition.judgements]
    whole = [
        condition.truth.alias("_truth"), condition.strength.alias("_strength"),
        condition.reason.alias("_reason"), _support(rule, columns).alias("_support"),
    ]  # fmt: skip
    if scope is not None:
        sides += [*scope.sides, *fact_sides(scope, thresholds, columns, "_s")]
        judgements += scope.judgements
        whole.append(scope.truth.alias("_scope"))
    else:
        whole.append(nw.lit(value=True).alias("_scope"))
    sides += [thresholds[name].value.alias(f"_p_{name}") for name in thresholds]
    lazy = nw.from_native(data.lazy()).with_columns(*sides)
    if judgements:
        lazy = lazy.with_columns(*judgements)
    return lazy.with_columns(*whole).to_native()


def _support(rule: Rule, columns: frozenset[str]) -> nw.Expr:
    """Whether sample sizes suffice; a size that is not known does not count against a row."""
    needs: list[tuple[str, int]] = []
    for name, least in rule.spec.min_support.items():
        features = column_names(rule.condition) if name == "n" else (name,)
        needs += [(f"{feature}__n", least) for feature in features]
    if rule.spec.peers is not None:
        peers = (n.feature for n in walk(rule.condition) if isinstance(n, Peer))
        needs += [(f"{feature}__peers", rule.spec.peers.min_n) for feature in peers]
    met = nw.lit(value=True)
    for column, least in needs:
        if column in columns:
            met = met & (nw.col(column) >= least).fill_null(value=True)
    return met


def _outcome(rule: Rule) -> list[pl.Expr]:
    truth, scope, support = pl.col("_truth"), pl.col("_scope"), pl.col("_support")
    unknown = Outcome.NOT_EVALUABLE if rule.spec.on_missing == "not_evaluable" else Outcome.CLEAR
    outcome = (
        pl.when(scope.is_null()).then(pl.lit(Outcome.NOT_EVALUABLE.value))
        .when(~scope).then(pl.lit(Outcome.OUT_OF_SCOPE.value))
        .when(~support).then(pl.lit(Outcome.NOT_EVALUABLE.value))
        .when(truth.is_null()).then(pl.lit(unknown.value))
        .when(truth).then(pl.lit(Outcome.FIRED.value))
        .otherwise(pl.lit(Outcome.CLEAR.value))
    )  # fmt: skip
    silent = pl.lit(None, dtype=pl.String)
    missing = pl.lit(Reason.MISSING_INPUT.value)
    why = silent
    if unknown is Outcome.NOT_EVALUABLE:
        why = pl.when(truth.is_null()).then(pl.coalesce("_reason", missing))
    reason = (
        pl.when(scope.is_null()).then(missing)
        .when(~scope).then(silent)
        .when(~support).then(pl.lit(Reason.TOO_FEW.value))
        .otherwise(why)
    )  # fmt: skip
    judged = scope & support & truth.is_not_null()
    strength = pl.when(judged).then(pl.col("_strength"))
    return [outcome.alias("outcome"), reason.alias("reason"), strength.alias("strength")]


def _facts(
    rule: str, condition: Compiled, scope: Compiled | None, lazy: pl.LazyFrame, reference: str
) -> pl.Expr:
    columns = frozenset(lazy.collect_schema().names())
    of_condition = facts_json(condition, columns, "_c", rule=rule, reference=reference)
    if scope is None:
        return of_condition.alias("facts")
    inside = pl.col("_scope").fill_null(value=False)
    of_scope = facts_json(scope, columns, "_s", rule=rule, of_scope=True, reference=reference)
    return pl.when(inside).then(of_condition).otherwise(of_scope).alias("facts")


def _told(rule: Rule, names: Vocabulary, columns: frozenset[str]) -> list[pl.Expr]:
    """What the messages read, kept under names of its own; what the frame lacks is null."""
    found: dict[str, pl.Expr] = {}
    for text in (rule.spec.message.en, rule.spec.message.zh):
        for hole in placeholders(text):
            is_parameter = hole.name in rule.spec.parameters
            name = f"_p_{hole.name}" if is_parameter else hole.name
            name = f"{name}__{hole.part}" if hole.part in STATISTICS else name
            if is_parameter or hole.name in names.columns:
                present = is_parameter or name in columns
                value = pl.col(name) if present else pl.lit(None, dtype=pl.Float64)
                found[name] = value.alias(f"_m_{name}")
    return list(found.values())


def _with_messages(
    rule: Rule, found: pl.DataFrame, names: Vocabulary, thresholds: Mapping[str, Threshold]
) -> pl.DataFrame:
    """Write the sentences of the fired rows only."""
    told = [name for name in found.columns if name.startswith("_m_")]
    fired = found.with_row_index("_row").filter(pl.col("outcome") == Outcome.FIRED.value)
    spec = rule.spec
    texts: Sequence[tuple[Language, str]] = (("en", spec.message.en), ("zh", spec.message.zh))
    sentences = fired.select(
        "_row", *(pl.col(name).alias(name.removeprefix("_m_")) for name in told)
    ).select(
        "_row",
        *(
            message_expr(text, key, names, thresholds).alias(f"message_{key}")
            for key, text in texts
        ),
    )
    whole = found.drop(told).with_row_index("_row")
    joined = whole.join(sentences, on="_row", how="left", maintain_order="left").drop("_row")
    return _finished(rule, joined)


def _finished(rule: Rule, found: pl.DataFrame) -> pl.DataFrame:
    """Add what is the same for every row, in the order of `RESULT_SCHEMA`."""
    spec = rule.spec
    constant = {
        "rule_id": spec.id, "rule_version": spec.version, "typology": spec.typology,
        "grain": spec.grain, "subject_kind": GRAINS[spec.grain].subject_kind,
        "lane": spec.lane.value, "severity": spec.severity,
        "shadow": spec.status is Status.SHADOW,
    }  # fmt: skip
    for name in ("message_en", "message_zh"):
        if name not in found.columns:
            found = found.with_columns(pl.lit(None, dtype=pl.String).alias(name))
    return found.with_columns(pl.lit(v).alias(k) for k, v in constant.items()).select(
        pl.col(name).cast(dtype) for name, dtype in RESULT_SCHEMA.items()
    )
