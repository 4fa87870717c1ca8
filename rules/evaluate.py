"""Rules over feature frames: five outcomes, and the facts behind each.

All rules of a grain are judged in one lazy pass over its frame. A rule that fails gives the
outcome `error` for its rows and leaves the others alone.
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
from features.vocabulary import GRAINS, Outcome
from rules.history import KEYS
from rules.load import Rule
from rules.messages import STATISTICS, Language, message_expr, placeholders
from rules.nodes import Peer, walk
from rules.parameters import Figure, ParameterBook
from rules.preparing import frame_for, prepare, sight
from rules.spec import Status
from rules.staging import (
    TOLD,
    Prepared,
    staged,
    wide_stages,
)

RESULT_SCHEMA: dict[str, pl.DataType] = {
    "rule_id": pl.String(), "rule_version": pl.String(), "typology": pl.String(),
    "grain": pl.String(), "subject_kind": pl.String(), "subject_key": pl.String(),
    "period_start": pl.Date(), "period_end": pl.Date(), "outcome": pl.String(),
    "reason": pl.String(), "lane": pl.String(), "severity": pl.Int64(), "strength": pl.Float64(),
    "facts": pl.String(), "message_en": pl.String(), "message_zh": pl.String(),
    "shadow": pl.Boolean(),
}  # fmt: skip
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
        frames: feature frames by grain code. Rules that look back see the rows of the frame.
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
    judging = [
        rule
        for rule in sorted(rules, key=lambda r: (r.spec.grain, r.id, r.version))
        if rule.spec.status in (Status.ACTIVE, Status.SHADOW) and rule.spec.grain in frames
    ]
    parts: dict[str, pl.DataFrame] = {}
    for grain in dict.fromkeys(rule.spec.grain for rule in judging):
        mine = [rule for rule in judging if rule.spec.grain == grain]
        for rule, found in _judged(mine, frames[grain], parameters, known):
            parts[f"{rule.id}@{rule.version}"] = found
    ordered = [parts[label] for label in sorted(parts)]
    return pl.concat(ordered) if ordered else pl.DataFrame(schema=RESULT_SCHEMA)


def judge(
    rule: Rule,
    frame: FeatureFrame,
    parameters: ParameterBook,
    *,
    catalogue: FeatureCatalogue | None = None,
) -> pl.DataFrame:
    """One rule over one frame, whatever its status; never raises for a fault of the rule."""
    return _judged([rule], frame, parameters, catalogue)[0][1]


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
    whole = frame_for(frame, [rule])
    prepared = prepare(rule, sight(whole, catalogue), parameters, given=given)
    try:
        return _pass([prepared], whole.frame)[0]
    except (pl.exceptions.PolarsError, nw.exceptions.NarwhalsError) as error:
        reason = str(error).strip().partition("\n")[0][:200]
        raise WardenError("rule_failed", f"Rule {rule.id} cannot be computed: {reason}") from error


def _judged(
    rules: Sequence[Rule],
    frame: FeatureFrame,
    parameters: ParameterBook,
    catalogue: FeatureCatalogue | None,
) -> list[tuple[Rule, pl.DataFrame]]:
    """Every rule with its rows; those that cannot be judged together are judged alone."""
    silent = [rule for rule in rules if rule.spec.absence is not None]
    found = [(rule, _alone(rule, frame, parameters, catalogue)) for rule in silent]
    together = [rule for rule in rules if rule.spec.absence is None]
    whole = frame_for(frame, together)
    seen = sight(whole, catalogue)
    prepared: list[Prepared] = []
    for number, rule in enumerate(together):
        try:
            one = prepare(rule, seen, parameters, number=number)
        except WardenError as error:
            found.append((rule, _error(rule, frame, error)))
        else:
            prepared.append(one)
    try:
        results = _pass(prepared, whole.frame)
    except Exception:  # noqa: BLE001  one broken rule must not stop the others
        results = [_alone(one.rule, frame, parameters, catalogue) for one in prepared]
    found += [(one.rule, result) for one, result in zip(prepared, results, strict=True)]
    return found


def _alone(
    rule: Rule,
    frame: FeatureFrame,
    parameters: ParameterBook,
    catalogue: FeatureCatalogue | None,
) -> pl.DataFrame:
    try:
        return evaluate_rule(rule, frame, parameters, catalogue=catalogue)
    except Exception as error:  # noqa: BLE001  one broken rule must not stop the others
        return _error(rule, frame, error)


def _error(rule: Rule, frame: FeatureFrame, error: Exception) -> pl.DataFrame:
    """Rows that say the rule failed."""
    _LOG.warning("rule_failed", rule=rule.id, error=str(error)[:300])
    code = error.code if isinstance(error, WardenError) else type(error).__name__
    nothing = {"strength": None, "message_en": None, "message_zh": None}
    constant = {"outcome": Outcome.ERROR.value, "reason": code, "facts": "[]", **nothing}
    rows = frame.frame.select(KEYS).with_columns(pl.lit(v).alias(k) for k, v in constant.items())
    told = rows.lazy().with_columns(severity=pl.lit(rule.spec.severity))
    return _finished(rule, told).collect()


def _pass(prepared: Sequence[Prepared], data: pl.DataFrame) -> list[pl.DataFrame]:
    """Rows of every rule, in its order, out of one pass over the frame."""
    if not prepared:
        return []
    lazy = staged(data.lazy(), wide_stages(prepared))
    names = lazy.collect_schema().names()
    kept = {
        one.mark: [
            name for name in names
            if name.startswith((f"{one.mark}m_", *(f"{one.mark}{told}" for told in TOLD)))
        ]
        for one in prepared
    }  # fmt: skip
    whole = lazy.select(*KEYS, *(n for found in kept.values() for n in found)).collect()
    results = []
    for one in prepared:
        own = {name: name.removeprefix(one.mark) for name in kept[one.mark]}
        rows = whole.select(*KEYS, *own).rename(own)
        results.append(_with_messages(one, rows))
    return results


def peer_features(rules: Iterable[Rule]) -> set[str]:
    """Features whose standing among peers some rule judges or tells."""
    found: set[str] = set()
    for rule in rules:
        for _, tree in rule.trees():
            found |= {n.feature for n in walk(tree) if isinstance(n, Peer)}
        for text in (rule.spec.message.en, rule.spec.message.zh):
            found |= {hole.name for hole in placeholders(text) if hole.part in STATISTICS}
    return found


def _with_messages(one: Prepared, found: pl.DataFrame) -> pl.DataFrame:
    """Write the sentences of the fired rows only."""
    told = {name: name.removeprefix("m_") for name in found.columns if name.startswith("m_")}
    fired = found.with_row_index("_row").filter(pl.col("outcome") == Outcome.FIRED.value)
    whole = found.lazy().drop(told)
    if fired.is_empty():
        silent = (pl.lit(None, dtype=pl.String).alias(f"message_{key}") for key in ("en", "zh"))
        return _finished(one.rule, whole.with_columns(silent)).collect()
    read = fired.lazy().select("_row", *(pl.col(old).alias(new) for old, new in told.items()))
    sentences = read.select("_row", *_sentences(one))
    joined = whole.with_row_index("_row").join(
        sentences, on="_row", how="left", maintain_order="left"
    )
    return _finished(one.rule, joined.drop("_row")).collect()


def _sentences(one: Prepared) -> list[pl.Expr]:
    """The messages in both languages, over the columns `told_columns` names."""
    message = one.rule.spec.message
    texts: Sequence[tuple[Language, str]] = (("en", message.en), ("zh", message.zh))
    return [
        message_expr(text, key, one.names, one.thresholds).alias(f"message_{key}")
        for key, text in texts
    ]


def _finished(rule: Rule, found: pl.LazyFrame) -> pl.LazyFrame:
    """Add what is the same for every row, in the order of `RESULT_SCHEMA`."""
    spec = rule.spec
    constant = {
        "rule_id": spec.id, "rule_version": spec.version, "typology": spec.typology,
        "grain": spec.grain, "subject_kind": GRAINS[spec.grain].subject_kind,
        "lane": spec.lane.value, "shadow": spec.status is Status.SHADOW,
    }  # fmt: skip
    return found.with_columns(pl.lit(v).alias(k) for k, v in constant.items()).select(
        pl.col(name).cast(dtype) for name, dtype in RESULT_SCHEMA.items()
    )
