"""Apps: data demanded, sensitive data without consent, hidden sharing, other uses, trackers."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from benchmarks.detection.schemes.planting import Planted, Random, Scheme, Tables
from features.parameters.necessary_information import APP_TYPES, known_words

OTHER_USE, EARLY = 0.2, 0.62
"""The catalogue's examples: share of requests for another purpose, of sessions with trackers."""
AD_HOSTS = ("app.adjust.com", "ad.doubleclick.net", "ms.applovin.com")
APP, VERSION = "app_id", "version"


def drawn(
    names: pl.Series,
    count: int,
    rng: Random,
    turn: int = 0,
    of: int = 1,
    among: pl.Series | None = None,
) -> pl.Series:
    """Some of the names, of every `of`-th only (schemes of one typology never meet), if `among`."""
    mine = names.unique().sort()[turn::of]
    if among is not None:
        mine = mine.filter(mine.is_in(among.implode()))
    return mine.gather(np.sort(rng.choice(mine.len(), min(count, mine.len()), replace=False)))


def cases(names: pl.Series) -> tuple[frozenset[str], ...]:
    """One case a name."""
    return tuple(frozenset([name]) for name in names)


def first_share(rows: pl.DataFrame, by: str, strength: float, rng: Random) -> pl.Series:
    """Which rows are among the first of each group in a random order; one at least above 0."""
    marked = rows.with_columns(_luck=pl.Series(rng.random(rows.height)))
    place = pl.col("_luck").rank("ordinal").over(by) - 1
    wanted = (pl.len().over(by) * strength).ceil()
    return marked.select(place < wanted).to_series()


def sent(
    sessions: pl.DataFrame, phase: str, host: str, data_type: str, second: int
) -> pl.DataFrame:
    """One flow a session to a host; the phase is a word or the column that has it."""
    state = pl.col(phase) if phase in sessions.columns else pl.lit(phase)
    return sessions.select(
        APP, VERSION, "session", (pl.col("ts") + pl.duration(seconds=second)).alias("ts"),
        state.alias("phase"), pl.lit("traffic").alias("taxonomy"),
        pl.lit(data_type).alias("data_type"), pl.lit(host).alias("domain"),
    )  # fmt: skip


def _described(tables: Tables, place: str) -> pl.DataFrame:
    """Declared types of the apps of one place, with `word`, `necessary` and `checked` kinds."""
    needs = pl.DataFrame(
        [(a.code, word, True) for a in APP_TYPES for word in a.necessary],
        schema=("app_type", "word", "necessary"), orient="row",
    )  # fmt: skip
    seats = tables["firms"].filter(pl.col("jurisdiction") == place).select(
        pl.col("firm_id").alias("operator_id")
    )  # fmt: skip
    apps = tables["apps"].join(seats, on="operator_id", how="semi")
    words = tables["data_type_map"].rename({"source_type": "data_type", "data_type": "word"})
    rows = tables["data_declarations"].with_row_index("_row").filter("declared")
    rows = rows.join(apps.select(APP, VERSION, "app_type"), on=[APP, VERSION]).join(
        words, on=["taxonomy", "data_type"], how="left"
    )
    rows = rows.with_columns(pl.col("word").replace(known_words()))
    listed = [a.code for a in APP_TYPES if a.verified]
    return rows.join(needs, on=["app_type", "word"], how="left").with_columns(
        pl.col("necessary").fill_null(value=False),
        checked=pl.col("app_type").is_in(listed),
    ).sort("_row")  # fmt: skip


def demands(tables: Tables, strength: float, rng: Random, *, count: int, checked: bool) -> Planted:
    """Makes types beyond the list of the kind a condition of use: all the app declares at 1."""
    rows = _described(tables, "CN").filter(~pl.col("necessary"), pl.col("checked") == checked)
    tidy = rows.group_by(APP).agg(pl.col("required").any(), pl.col("word").n_unique())
    chosen = drawn(tidy.filter(~pl.col("required"), pl.col("word") >= 2)[APP], count, rng)
    mine = rows.filter(pl.col(APP).is_in(chosen.implode()))
    types = mine.select(APP, "word").unique(maintain_order=True)
    asked = types.filter(first_share(types, APP, strength, rng))
    hit = mine.join(asked, on=[APP, "word"], how="semi")["_row"]
    filed = tables["data_declarations"].with_row_index("_row").with_columns(
        required=pl.col("required") | pl.col("_row").is_in(hit.implode())
    )  # fmt: skip
    return Planted({**tables, "data_declarations": filed.drop("_row")}, cases(chosen))


def unasked(tables: Tables, strength: float, rng: Random, *, count: int, place: str) -> Planted:
    """Takes sensitive types without asking apart: all of the app's at strength 1."""
    rows = _described(tables, place).filter("sensitive")
    tidy = rows.group_by(APP).agg(pl.col("separate_consent").all(), pl.col("word").n_unique())
    chosen = drawn(tidy.filter("separate_consent", pl.col("word") >= 2)[APP], count, rng)
    mine = rows.filter(pl.col(APP).is_in(chosen.implode()))
    types = mine.select(APP, "word").unique(maintain_order=True)
    taken = types.filter(first_share(types, APP, strength, rng))
    hit = mine.join(taken, on=[APP, "word"], how="semi")["_row"]
    filed = tables["data_declarations"].with_row_index("_row").with_columns(
        separate_consent=pl.col("separate_consent") & ~pl.col("_row").is_in(hit.implode())
    )  # fmt: skip
    return Planted({**tables, "data_declarations": filed.drop("_row")}, cases(chosen))


def hidden(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Leaves recipients out of the declaration and of the list of kits: all partners at 1."""
    declared, kits = tables["data_declarations"], tables["sdk_inventory"]
    own = tables["apps"].select(APP, pl.col("operator_id").alias("recipient")).unique()
    partners = (
        declared.select(APP, "recipient").unique(maintain_order=True).drop_nulls()
        .join(own, on=[APP, "recipient"], how="anti", maintain_order="left")
        .sort(APP, "recipient")
    )  # fmt: skip
    able = partners.group_by(APP).len().filter(pl.col("len") >= 2)[APP]
    chosen = drawn(able, count, rng, 0, 3)
    mine = partners.filter(pl.col(APP).is_in(chosen.implode()))
    gone = mine.filter(first_share(mine, APP, strength, rng))
    told = declared.join(gone, on=[APP, "recipient"], how="anti", maintain_order="left")
    key = pl.struct(APP, pl.col("sdk_id").alias("recipient"))
    listed = kits.with_columns(
        declared=pl.col("declared") & ~key.is_in(gone.select(pl.struct(APP, "recipient"))
                                                 .to_series().implode())
    )  # fmt: skip
    changed = {**tables, "data_declarations": told, "sdk_inventory": listed}
    return Planted(changed, cases(chosen))


def unnamed(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Declares what is collected and not who gets it: nobody is named at 1, nor the operator."""
    filed = tables["data_declarations"]
    names = filed.select(APP, "recipient").drop_nulls().unique().sort(APP, "recipient")
    able = names.group_by(APP).len().filter(pl.col("len") >= 3)[APP]
    chosen = drawn(able, count, rng, 1, 3)
    mine = names.filter(pl.col(APP).is_in(chosen.implode()))
    gone = mine.filter(first_share(mine, APP, strength, rng)).with_columns(_gone=pl.lit(value=True))
    told = filed.join(gone, on=[APP, "recipient"], how="left", maintain_order="left").with_columns(
        recipient=pl.when(pl.col("_gone").is_null()).then("recipient")
    )
    key = [APP, VERSION, "taxonomy", "data_type", "purpose", "recipient"]
    told = told.drop("_gone").unique(key, keep="first", maintain_order=True)
    return Planted({**tables, "data_declarations": told}, cases(chosen))


def other_use(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Uses data for advertising that is declared for something else: a fifth of requests at 1.

    Data declared for security alone comes first.
    """
    words = tables["data_type_map"].rename({"source_type": "word", "data_type": "kind"})
    aims = (
        tables["data_declarations"].filter("declared")
        .join(words, left_on=["taxonomy", "data_type"], right_on=["taxonomy", "word"])
        .group_by(APP, "kind")
        .agg(
            ads=(pl.col("purpose") == "advertising").any(),
            guarded=(pl.col("purpose") == "security").all(),
        )
    )  # fmt: skip
    flows = tables["observed_flows"].with_row_index("_row")
    known = flows.join(
        words, left_on=["taxonomy", "data_type"], right_on=["taxonomy", "word"]
    ).join(aims, on=[APP, "kind"])
    free = known.filter(~pl.col("ads")).sort("_row")
    sizes = known.group_by(APP).len("all").join(free.group_by(APP).len("free"), on=APP)
    able = sizes.filter(pl.col("free") >= OTHER_USE * pl.col("all"), pl.col("all") >= 100)
    chosen = drawn(able[APP], count, rng, 2, 3)
    mine = free.filter(pl.col(APP).is_in(chosen.implode())).join(
        able.select(APP, "all"), on=APP, maintain_order="left"
    )
    mine = mine.with_columns(_luck=pl.Series(rng.random(mine.height)) + ~pl.col("guarded"))
    place = pl.col("_luck").rank("ordinal").over(APP)
    hit = mine.filter(place <= (pl.col("all") * OTHER_USE * strength).round())["_row"]
    used = flows.with_columns(
        purpose_observed=pl.when(pl.col("_row").is_in(hit.implode()))
        .then(pl.lit("advertising")).otherwise("purpose_observed")
    ).drop("_row")  # fmt: skip
    return Planted({**tables, "observed_flows": used}, cases(chosen))


def trackers(
    tables: Tables, strength: float, rng: Random, *, count: int, phase: str, turn: int
) -> Planted:
    """Lets trackers run before the choice, or after a refusal: in 62 of 100 sessions at 1."""
    flows = tables["observed_flows"]
    chosen = drawn(tables["apps"][APP], count, rng, turn, 2)
    own = flows.filter(pl.col(APP).is_in(chosen.implode()), pl.col("phase") == phase)
    sessions = own.group_by(APP, VERSION, "session").agg(pl.col("ts").min())
    sessions = sessions.sort(APP, "session")
    luck, host = rng.random(sessions.height), rng.integers(0, len(AD_HOSTS), sessions.height)
    follows = rng.random(sessions.height) < 0.5
    sessions = sessions.with_columns(pl.Series("_luck", luck), pl.Series("_host", host),
                                     pl.Series("_id", follows))  # fmt: skip
    hit = sessions.filter(pl.col("_luck") < EARLY * strength)
    added = [
        sent(hit.filter(pl.col("_host") == n, pl.col("_id") == known), phase, name, word, 7)
        for n, name in enumerate(AD_HOSTS)
        for known, word in ((True, "ad_id"), (False, "app_build"))
    ]
    filed = pl.concat([flows, *added], how="diagonal")
    return Planted({**tables, "observed_flows": filed}, cases(chosen))


def declarations(count: int) -> tuple[Scheme, ...]:
    """Data demanded, and sensitive data taken without asking apart."""
    apps = ("apps", (APP,))
    share = "share of {} an app declares that {}; one at least above 0"
    beyond = share.format("the types beyond the list", "it makes a condition of use")
    apart = share.format("the sensitive types", "it takes without separate consent")
    return (
        Scheme("data demanded, kind of a checked list", ("PRIV-OVERCOLLECT",), beyond, apps,
               partial(demands, count=count, checked=True)),
        Scheme("data demanded, kind of an unchecked list", ("PRIV-OVERCOLLECT",), beyond, apps,
               partial(demands, count=count, checked=False)),
        Scheme("sensitive data without consent, China", ("PRIV-SENSITIVE",), apart, apps,
               partial(unasked, count=count, place="CN")),
        Scheme("sensitive data without consent, EU", ("PRIV-SENSITIVE",), apart, apps,
               partial(unasked, count=count, place="EU")),
    )  # fmt: skip


def sharing(count: int) -> tuple[Scheme, ...]:
    """Recipients left out, and data used for something else."""
    apps = ("apps", (APP,))
    return (
        Scheme("recipients left out", ("PRIV-UNDECLARED-SHARING", "PRIV-SDK-FANOUT"),
               "share of an app's partners that declaration and list of kits leave out", apps,
               partial(hidden, count=count)),
        Scheme("nobody named", ("PRIV-UNDECLARED-SHARING",),
               "share of recipients the declaration does not name, the operator among them", apps,
               partial(unnamed, count=count)),
        Scheme("data used for advertising", ("PRIV-PURPOSE-MISMATCH",),
               "share of requests for undeclared advertising, 1 is a fifth", apps,
               partial(other_use, count=count)),
    )  # fmt: skip


def sessions(count: int) -> tuple[Scheme, ...]:
    """Trackers that do not wait for the choice, or do not mind it."""
    apps = ("apps", (APP,))
    said = "share of {} with an advertising tracker, 1 is 0.62"
    return (
        Scheme("trackers before the choice", ("PRIV-PRECONSENT",), said.format("clean sessions"),
               apps, partial(trackers, count=count, phase="pre_choice", turn=0)),
        Scheme("trackers after refusal", ("PRIV-PRECONSENT",), said.format("refused sessions"),
               apps, partial(trackers, count=count, phase="refused", turn=1)),
    )  # fmt: skip
