"""What was planted really shows, measured here by plain means and without any threshold.

Each test compares the planted subjects with the honest ones by a figure computed in the test.
"""

from __future__ import annotations

import json
from statistics import mean, median

import numpy as np
import polars as pl
import pytest
import rustworkx as rx

from tests.demo.reading import Written


def bid_lists(market: Written, scheme: str) -> list[np.ndarray]:
    """Sorted valid amounts of each tender of a scheme (empty: of the honest ones), 3 or more."""
    bids = market.tables["bids"].filter(pl.col("status") == "valid")
    name = pl.concat_str("tender_id", "lot_id", separator="/", ignore_nulls=True)
    own = pl.col("consortium_id").fill_null(pl.col("bid_id"))
    one_each = bids.with_columns(key=name, own=own).unique(["key", "own"], maintain_order=True)
    labels = market.planted("tender", "MON-BID-*")
    found = labels.filter(
        pl.col("scheme").str.starts_with(scheme) if scheme else pl.col("label") == 0
    )
    lists = one_each.join(found, on="key", how="semi").group_by("key").agg(pl.col("amount").sort())
    return [np.array(a) for a in lists.sort("key")["amount"] if len(a) >= 3]


def spread(amounts: np.ndarray) -> float:
    """Coefficient of variation."""
    return float(amounts.std(ddof=1) / amounts.mean())


def isolation(amounts: np.ndarray) -> float:
    """First gap over the mean gap of all bids."""
    gaps = np.diff(amounts)
    return float(gaps[0] / gaps.mean()) if gaps.sum() > 0 else 1.0


def tightest_trio(amounts: np.ndarray) -> float:
    """Smallest coefficient of variation of three neighbouring bids."""
    return min(spread(amounts[i : i + 3]) for i in range(amounts.size - 2))


def regularity(amounts: np.ndarray) -> float:
    """How evenly the bids are spaced, or how many are the same: 0 is perfectly patterned."""
    if np.unique(amounts).size < amounts.size:
        return 0.0
    gaps, steps = np.diff(amounts), np.diff(np.log(amounts))
    return float(min(gaps.std() / gaps.mean(), steps.std() / steps.mean()))


def test_complete_rings_bid_close_together_below_a_pack_of_covers(market: Written) -> None:
    ring, honest = bid_lists(market, "complete"), bid_lists(market, "")
    assert mean(map(spread, ring)) < 0.5 * mean(map(spread, honest))
    assert mean(map(isolation, ring)) > 1.5 * mean(map(isolation, honest))


def test_complete_rings_win_in_turns_and_overcharge(market: Written) -> None:
    tenders = market.tables["tenders"].join(
        market.planted("tender", "MON-BID-*"), left_on="tender_id", right_on="key"
    )
    rate = (pl.col("award_value") / pl.col("estimate")).mean()
    rigged = tenders.filter(pl.col("scheme").str.starts_with("complete"))
    honest = tenders.filter(pl.col("label") == 0)
    assert rigged.select(rate).item() > honest.select(rate).item() + 0.05
    for (_scheme,), won in rigged.group_by("scheme"):
        shares = won["winner_id"].value_counts()["count"] / won.height
        assert shares.len() >= 4
        assert shares.max() < 0.5


def test_incomplete_rings_hide_a_tight_trio_among_scattered_outsiders(full: Written) -> None:
    ring, honest = bid_lists(full, "incomplete"), bid_lists(full, "")
    big = [b for b in honest if 6 <= b.size <= 10]
    assert mean(map(tightest_trio, ring)) < 0.5 * mean(map(tightest_trio, big))
    assert mean(map(spread, ring)) > 2 * mean(map(spread, bid_lists(full, "complete")))


def test_patterned_rings_space_or_copy_their_bids(market: Written) -> None:
    ring, honest = bid_lists(market, "patterned"), bid_lists(market, "")
    four = [b for b in honest if b.size >= 4]
    assert max(map(regularity, ring)) < 0.05
    assert median(map(regularity, four)) > 0.5


def test_ring_members_are_strangers_to_each_other(market: Written) -> None:
    group = pl.coalesce("group_id", "firm_id")
    groups = dict(market.tables["firms"].select("firm_id", group).rows())
    members = market.planted("firm", "MON-BID-*").filter(pl.col("label") == 1)
    for (_scheme,), ring in members.group_by("scheme"):
        assert 3 <= ring.height <= 6
        assert len({groups[firm] for firm in ring["key"]}) == ring.height


def test_honest_tenders_are_not_easy(full: Written) -> None:
    """Some honest tenders are tighter than most rigged ones: commodities with public prices."""
    ring, honest = bid_lists(full, "complete"), bid_lists(full, "")
    typical = median(map(spread, ring))
    tighter = sum(spread(b) < typical for b in honest)
    assert tighter > 2 * len(ring)
    sizes = {b.size for b in honest}
    assert {3, 6, 9, 12} <= sizes


def series(market: Written) -> pl.DataFrame:
    """Weekly prices with the label, and whether the week is inside the agreed time."""
    prices = market.tables["listing_prices"].with_columns(
        key=pl.concat_str("sku_id", "seller_id", separator="/")
    )
    dates = pl.col("note").str.extract_all(r"\d{4}-\d{2}-\d{2}")
    return prices.join(market.planted("sku_seller", "MON-PRICE-VARIANCE"), on="key").with_columns(
        first=dates.list.get(0, null_on_oob=True).str.to_date(),
        last=dates.list.get(1, null_on_oob=True).str.to_date(),
    )


def test_price_cartels_raise_and_quiet_prices(market: Written) -> None:
    cartel = series(market).filter(pl.col("label") == 1)
    day = pl.col("ts").dt.date()
    figures = (pl.col("net_price").mean().alias("mean"), pl.col("net_price").std().alias("sd"))
    before = cartel.filter(day < pl.col("first")).group_by("key").agg(figures)
    during = cartel.filter(day.is_between("first", "last")).group_by("key").agg(figures)
    both = before.join(during, on="key", suffix="_agreed")
    assert both.height == cartel["key"].n_unique() >= 5
    assert (both["mean_agreed"] > both["mean"]).all()
    assert (both["sd_agreed"] / both["sd"]).median() < 0.5


def test_some_honest_prices_are_as_still_as_a_cartels(full: Written) -> None:
    rows = series(full)
    sd = pl.col("net_price").std() / pl.col("net_price").mean()
    regulated = rows.filter(pl.col("note").str.starts_with("regulated"))
    ordinary = rows.filter((pl.col("label") == 0) & (pl.col("note").fill_null("") == ""))
    quiet = regulated.group_by("key").agg(sd.alias("cv"))["cv"].median()
    usual = ordinary.group_by("key").agg(sd.alias("cv"))["cv"].median()
    assert isinstance(quiet, float)
    assert isinstance(usual, float)
    assert quiet < 0.4 * usual


def circles(market: Written) -> dict[str, list[float]]:
    """Circles of firms (strongly connected, by month): imbalance over value, by sorted members."""
    firm = pl.col("buyer_hash").str.starts_with("F-")
    trades = (
        market.tables["transactions"]
        .filter(firm)
        .group_by(pl.col("ts").dt.strftime("%Y-%m").alias("month"), "buyer_hash", "seller_id")
        .agg(pl.col("net").sum())
    )
    found: dict[str, list[float]] = {}
    for _month, month in trades.group_by("month"):
        edges = month.select("buyer_hash", "seller_id", "net").rows()
        ids = sorted({end for a, b, _ in edges for end in (a, b)})
        place = {name: number for number, name in enumerate(ids)}
        graph: rx.PyDiGraph[str, float] = rx.PyDiGraph()
        graph.add_nodes_from(ids)
        graph.add_edges_from([(place[a], place[b], value) for a, b, value in edges])
        for component in rx.strongly_connected_components(graph):
            names = {ids[i] for i in component}
            inside = [(a, b, v) for a, b, v in edges if a in names and b in names]
            if len(names) > 1:
                net = dict.fromkeys(names, 0.0)
                for a, b, value in inside:
                    net[a] -= value
                    net[b] += value
                moved = 2 * sum(value for _, _, value in inside)
                ratio = sum(map(abs, net.values())) / moved
                found.setdefault("|".join(sorted(names)), []).append(ratio)
    return found


def test_wash_loops_are_circles_that_leave_nobody_richer(market: Written) -> None:
    found = circles(market)
    labels = dict(market.planted("cluster", "TRX-WASH-SCC").select("key", "label").rows())
    wash = [name for name, label in labels.items() if label == 1]
    assert all(3 <= len(name.split("|")) <= 5 for name in wash)
    assert all(len(found.get(name, [])) >= 3 for name in wash), "a loop is active for months"
    balanced = mean(mean(found[name]) for name in wash)
    lopsided = mean(mean(v) for name, v in found.items() if labels.get(name) != 1)
    assert balanced < 0.2 * lopsided
    honest = [name for name in found if labels.get(name) != 1]
    assert len(honest) > len(wash), "honest trade goes both ways too"


def test_wash_traders_are_known_as_buyers_by_their_seller_id(market: Written) -> None:
    orders = market.tables["transactions"]
    buyers, sellers = set(orders["buyer_hash"]), set(orders["seller_id"])
    wash = market.planted("cluster", "TRX-WASH-SCC").filter(pl.col("label") == 1)
    for members in wash["key"].str.split("|"):
        assert set(members) <= buyers & sellers


def undeclared(market: Written) -> pl.DataFrame:
    """Kinds an app sent and no version of it declared, with the number of sessions."""
    words = market.tables["data_type_map"].rename({"source_type": "word", "data_type": "kind"})
    sent = (
        market.tables["observed_flows"]
        .rename({"data_type": "word"})
        .join(words, on=["taxonomy", "word"])
    )
    stated = (
        market.tables["data_declarations"]
        .filter("declared")
        .rename({"data_type": "word"})
        .join(words, on=["taxonomy", "word"])
    )
    sessions = pl.struct("version", "session").n_unique().alias("sessions")
    return (
        sent.group_by("app_id", "kind")
        .agg(sessions)
        .join(stated, on=["app_id", "kind"], how="anti")
        .join(market.tables["data_declarations"], on="app_id", how="semi")
        .with_columns(key=pl.concat_str("app_id", "kind", separator="/"))
    )


def test_leaky_apps_send_what_they_never_declared(market: Written) -> None:
    found = undeclared(market)
    labels = market.planted("app_data_type", "PRIV-UNDECLARED-COLLECTION")
    planted = set(labels.filter(pl.col("label") == 1)["key"])
    mistaken = set(labels.filter(pl.col("note").fill_null("").str.contains("mistake"))["key"])
    assert planted <= set(found["key"])
    assert set(found["key"]) - planted <= mistaken
    repeated = found.filter(pl.col("sessions") > 1)
    assert set(repeated["key"]) == planted
    apps = market.planted("app", "PRIV-UNDECLARED-COLLECTION").filter(pl.col("label") == 1)
    assert {name.split("/")[0] for name in planted} == set(apps["key"])


def test_some_apps_have_not_filed_and_some_file_nothing(full: Written) -> None:
    declared = full.tables["data_declarations"]
    apps = full.tables["apps"]
    unfiled = apps.join(declared, on="app_id", how="anti")["app_id"].n_unique()
    nothing = declared.filter(pl.col("data_type") == "*")
    assert 40 < unfiled < 150
    assert nothing.height > 20
    assert not nothing["declared"].any()


def test_late_notices_are_late_where_the_law_gives_a_time(market: Written) -> None:
    hours = (pl.col("notified_at") - pl.col("aware_at")).dt.total_seconds() / 3600
    rows = (
        market.tables["breach_notifications"]
        .with_columns(hours=hours)
        .join(market.planted("incident", "PRIV-BREACH-LATE"), left_on="incident_id", right_on="key")
    )
    silent = rows.filter(pl.col("notified_at").is_null())
    assert silent["label"].to_list() == [1]
    told = rows.filter(pl.col("notified_at").is_not_null())
    for place in ("EU", "US-WA"):
        here = told.filter(pl.col("jurisdiction") == place)
        late, honest = (here.filter(pl.col("label") == n)["hours"] for n in (1, 0))
        assert late.len() >= 1
        assert float(late.to_numpy().min()) > float(honest.to_numpy().max())
    days = (told["users_notified_at"] - told["aware_at"]).dt.total_days()
    here = told.with_columns(days=days).filter(pl.col("jurisdiction") == "US-CA")
    late, honest = (here.filter(pl.col("label") == n)["days"] for n in (1, 0))
    if late.len():
        assert late.to_numpy().min() > honest.to_numpy().max()
    sizes = rows.filter(pl.col("label") == 1)["persons"].to_numpy()
    assert sizes.max() > 100 * sizes.min(), "small and large breaches"
    assert (told["hours"].drop_nulls() > 0).all()


def test_honest_notices_use_the_time_the_law_gives(full: Written) -> None:
    """A Chinese notice is a matter of hours, an American one of weeks: no single limit fits."""
    hours = (pl.col("notified_at") - pl.col("aware_at")).dt.total_seconds() / 3600
    honest = full.tables["breach_notifications"].join(
        full.planted("incident", "PRIV-BREACH-LATE").filter(pl.col("label") == 0),
        left_on="incident_id",
        right_on="key",
    )
    typical = dict(honest.group_by("jurisdiction").agg(hours.median()).rows())
    assert typical["EU"] < typical["US-WA"]
    big = honest.filter((pl.col("jurisdiction") == "CN") & (pl.col("persons") > 1_000_000))
    assert big.height >= 10
    assert big.select(hours.max()).item() < typical["EU"]


def concentration(market: Written) -> dict[str, float]:
    """Mean sum of squared shares of each market."""
    squares = (
        market.tables["market_positions"]
        .group_by("market_id", "period")
        .agg((pl.col("share") ** 2).sum().alias("s"))
    )
    return dict(squares.group_by("market_id").agg(pl.col("s").mean()).rows())


def test_concentrated_markets_are_more_concentrated_than_all_others(market: Written) -> None:
    measured = concentration(market)
    labels = dict(market.planted("market", "MON-STR-HHI").select("key", "label").rows())
    planted = [measured[name] for name, label in labels.items() if label == 1]
    others = [value for name, value in measured.items() if labels.get(name) != 1]
    assert min(planted) > max(others)


def test_dominant_firms_tower_over_honest_ones(market: Written) -> None:
    largest = (
        market.tables["market_positions"]
        .with_columns(key=pl.concat_str("market_id", "firm_id", separator="/"))
        .group_by("key")
        .agg(pl.col("share").max())
    )
    rows = largest.join(market.planted("market_firm", "MON-DOMINANCE-CN"), on="key")
    dominant, honest = (rows.filter(pl.col("label") == n)["share"].to_numpy() for n in (1, 0))
    assert dominant.min() > honest.max()
    assert dominant.max() > 0.5
    assert dominant.size >= 3


def test_leaders_that_merge_raise_concentration_most(market: Written) -> None:
    share = {
        (m, f): s
        for m, f, s in market.tables["market_positions"]
        .group_by("market_id", "firm_id")
        .agg(pl.col("share").mean())
        .rows()
    }
    parties = dict(market.tables["deal_parties"].group_by("deal_id").agg("party_id").rows())
    overlaps = dict(
        market.tables["merger_notifications"].select("deal_id", "overlap_market_ids").rows()
    )
    labels = dict(market.planted("deal", "MON-HHI-MERGER").select("key", "label").rows())
    rise: dict[int, list[float]] = {0: [], 1: []}
    for deal, label in labels.items():
        a, b = parties[deal]
        steps = [2 * share[m, a] * share[m, b] for m in json.loads(overlaps[deal])]
        rise[label].append(max(steps, default=0.0))
    assert min(rise[1]) > max(rise[0])
    assert rise[0].count(0.0) >= 3, "deals without any overlap"


@pytest.mark.parametrize("kind", ["firm", "tender"])
def test_ids_carry_no_information(full: Written, kind: str) -> None:
    """Planted subjects are spread over the numbering, not put at one end of it."""
    labels = full.planted(kind, "MON-BID-*").with_columns(
        number=pl.col("key").str.extract(r"(\d+)").cast(pl.Int64)
    )
    ranked = labels.sort("number").with_row_index("place")
    place = ranked.filter(pl.col("label") == 1)["place"].to_numpy() / ranked.height
    assert 0.35 < place.mean() < 0.65
    assert place.min() < 0.2
    assert place.max() > 0.8
