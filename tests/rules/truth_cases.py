"""What every construct gives, written by hand: a condition, a row, and true, false or unknown.

The answers are those of the reference page of the condition language; none is computed.
"""

from __future__ import annotations

from typing import Any

NAN, INF = float("nan"), float("inf")
Row = dict[str, Any]
Case = tuple[str, Row, bool | None]
T, F, U = True, False, None

LOGIC: list[Case] = [
    # AND: false wins, then unknown
    ("a > 0 AND b > 0", {"a": 1, "b": 1}, T), ("a > 0 AND b > 0", {"a": 1, "b": -1}, F),
    ("a > 0 AND b > 0", {"a": 1}, U), ("a > 0 AND b > 0", {"a": -1, "b": 1}, F),
    ("a > 0 AND b > 0", {"a": -1, "b": -1}, F), ("a > 0 AND b > 0", {"a": -1}, F),
    ("a > 0 AND b > 0", {"b": 1}, U), ("a > 0 AND b > 0", {"b": -1}, F),
    ("a > 0 AND b > 0", {}, U),
    # OR: true wins, then unknown
    ("a > 0 OR b > 0", {"a": 1, "b": 1}, T), ("a > 0 OR b > 0", {"a": 1, "b": -1}, T),
    ("a > 0 OR b > 0", {"a": 1}, T), ("a > 0 OR b > 0", {"a": -1, "b": 1}, T),
    ("a > 0 OR b > 0", {"a": -1, "b": -1}, F), ("a > 0 OR b > 0", {"a": -1}, U),
    ("a > 0 OR b > 0", {"b": 1}, T), ("a > 0 OR b > 0", {"b": -1}, U),
    ("a > 0 OR b > 0", {}, U),
    # NOT
    ("NOT a > 0", {"a": 1}, F), ("NOT a > 0", {"a": -1}, T), ("NOT a > 0", {}, U),
    ("NOT (a > 0 AND b > 0)", {"a": -1}, T), ("NOT (a > 0 OR b > 0)", {"a": -1}, U),
    # truths
    ("is_new", {"is_new": True}, T), ("is_new", {"is_new": False}, F), ("is_new", {}, U),
    ("NOT is_new", {}, U), ("is_new = FALSE", {"is_new": False}, T), ("is_new = TRUE", {}, U),
    ("is_new <> TRUE", {"is_new": False}, T), ("TRUE OR a > 0", {}, T), ("FALSE AND a > 0", {}, F),
    ("TRUE AND a > 0", {}, U),
    # IS NULL is never unknown
    ("a IS NULL", {}, T), ("a IS NULL", {"a": 0}, F), ("a IS NOT NULL", {}, F),
    ("is_new IS NULL", {}, T), ("level IS NULL", {}, T), ("level IS NULL", {"level": ""}, F),
    ("a / b IS NULL", {"a": 1, "b": 0}, T), ("a + b IS NOT NULL", {"a": 1, "b": 0}, T),
    # IN
    ("a IN (1, 2)", {"a": 2}, T), ("a IN (1, 2)", {"a": 3}, F), ("a IN (1, 2)", {}, U),
    ("a NOT IN (1, 2)", {"a": 3}, T), ("a NOT IN (1, 2)", {"a": 1}, F), ("a NOT IN (1, 2)", {}, U),
    ("level IN ('x', 'y')", {"level": "y"}, T), ("level IN ('x', 'y')", {"level": "Y"}, F),
    ("n_bids IN (3, 4)", {"n_bids": 4}, T), ("a IN (:k, 7)", {"a": 0.5}, T),
    # BETWEEN holds both ends
    ("a BETWEEN 1 AND 3", {"a": 1}, T), ("a BETWEEN 1 AND 3", {"a": 3}, T),
    ("a BETWEEN 1 AND 3", {"a": 3.5}, F), ("a BETWEEN 1 AND 3", {}, U),
    ("a BETWEEN 3 AND 1", {"a": 2}, F), ("a BETWEEN 1 AND b", {"a": 0}, F),
    ("a BETWEEN 1 AND b", {"a": 2}, U), ("a NOT BETWEEN 1 AND b", {"a": 0}, T),
    ("a NOT BETWEEN 1 AND 3", {"a": 4}, T), ("a NOT BETWEEN 1 AND 3", {}, U),
]  # fmt: skip

CHOICES: list[Case] = [
    # CASE passes over what is false or unknown
    ("CASE WHEN a > 0 THEN b > 0 ELSE b < 0 END", {"a": 1, "b": 1}, T),
    ("CASE WHEN a > 0 THEN b > 0 ELSE b < 0 END", {"a": -1, "b": 1}, F),
    ("CASE WHEN a > 0 THEN b > 0 ELSE b < 0 END", {"b": -1}, T),
    ("CASE WHEN a > 0 THEN b > 0 END", {"a": -1, "b": 1}, U),
    ("CASE WHEN a > 0 THEN b > 0 END", {"a": 1}, U),
    ("CASE WHEN a > 0 THEN 1 WHEN b > 0 THEN 2 ELSE 3 END = 2", {"b": 1}, T),
    ("CASE WHEN a > 0 THEN 1 ELSE 3 END = 3", {}, T),
    ("CASE WHEN a > 0 THEN 1 END = 1", {"a": -1}, U),
    ("CASE WHEN a > 0 THEN 1 END IS NULL", {"a": -1}, T),
    ("CASE a WHEN 1 THEN 10 WHEN 2 THEN 20 END = 20", {"a": 2}, T),
    ("CASE a WHEN 1 THEN 10 ELSE 30 END = 30", {}, T),
    ("CASE WHEN level = 'x' THEN 'in' ELSE 'out' END = 'out'", {}, T),
    # COALESCE, NULLIF, LEAST, GREATEST
    ("COALESCE(a, 5) > 4", {}, T), ("COALESCE(a, 5) > 4", {"a": 1}, F),
    ("COALESCE(a, b) > 4", {}, U), ("COALESCE(a, b, 3) = 3", {}, T),
    ("COALESCE(a / b, 9) > 8", {"a": 1, "b": 0}, T), ("COALESCE(a, 5) = 5", {"a": NAN}, T),
    ("COALESCE(level, 'none') = 'none'", {}, T),
    ("NULLIF(a, 0) > 0", {"a": 0}, U), ("NULLIF(a, 0) > 0", {"a": 1}, T),
    ("NULLIF(a, b) > 0", {"a": 1}, T), ("NULLIF(a, b) > 0", {"b": 1}, U),
    ("NULLIF(a, a) IS NULL", {"a": 4}, T), ("NULLIF(level, 'x') IS NULL", {"level": "x"}, T),
    ("NULLIF(NULLIF(a, 1), 2) = 3", {"a": 3}, T), ("NULLIF(NULLIF(a, 1), 2) = 2", {"a": 2}, U),
    ("LEAST(a, b) = 1", {"a": 1, "b": 2}, T), ("LEAST(a, b) = 1", {"a": 1}, U),
    ("GREATEST(a, b) = 2", {"a": 1, "b": 2}, T), ("GREATEST(a, b, 7) > 6", {"a": 1}, U),
    ("LEAST(a, b) = 1", {"a": 1, "b": INF}, U), ("GREATEST(a, -a) = 3", {"a": -3}, T),
    ("LEAST(LEAST(a, 5), 4) = 4", {"a": 9}, T),
]  # fmt: skip

NUMBERS: list[Case] = [
    # comparison
    ("a = 1", {"a": 1}, T), ("a <> 1", {"a": 1}, F), ("a != 2", {"a": 1}, T), ("a = a", {}, U),
    ("a < 2", {"a": 2}, F), ("a <= 2", {"a": 2}, T), ("2 > a", {"a": 1}, T),
    ("a >= :k", {"a": 0.5}, T),
    # binary fractions: as doubles are, without a tolerance
    ("a + b = 0.3", {"a": 0.1, "b": 0.2}, F), ("a + b > 0.3", {"a": 0.1, "b": 0.2}, T),
    ("a * 3 = 0.3", {"a": 0.1}, F), ("a + b = 0.75", {"a": 0.5, "b": 0.25}, T),
    ("a / 3 * 3 = 1", {"a": 1}, T), ("a = 0.1", {"a": 0.1}, T),
    # whole numbers are the same numbers
    ("n_bids / 2 = 1.5", {"n_bids": 3}, T), ("n_bids = 3.0", {"n_bids": 3}, T),
    ("n_bids / 2 > 1", {"n_bids": 3}, T), ("n_bids * a = 6", {"n_bids": 3, "a": 2}, T),
    ("1 / 2 * a = 0.5", {"a": 1}, T), ("7 / 2 = a", {"a": 3.5}, T),
    # division by zero and what is not a number
    ("a / b > 0", {"a": 1, "b": 0}, U), ("a / b > 0", {"a": 0, "b": 0}, U),
    ("a / b < 0", {"a": -1, "b": 0}, U), ("a / 0 > 0", {"a": 1}, U),
    ("a / b = 2", {"a": 4, "b": 2}, T),
    ("a / b > 0", {"a": 1, "b": -0.0}, U), ("1 / (a / b) = 0", {"a": 1, "b": 0}, U),
    ("1 / a = 0", {"a": INF}, U), ("a > 0", {"a": INF}, U), ("a < 0", {"a": -INF}, U),
    ("a > 0", {"a": NAN}, U), ("a = a", {"a": NAN}, U), ("a <> a", {"a": NAN}, U),
    ("a IS NULL", {"a": NAN}, T), ("a IS NULL", {"a": INF}, T), ("NOT a > 0", {"a": NAN}, U),
    ("a * 0 = 0", {"a": NAN}, U), ("a IN (1, 2)", {"a": NAN}, U),
    ("a > b", {"a": 1, "b": NAN}, U), ("GREATEST(a, b) = 1", {"a": 1, "b": NAN}, U),
    # zero has no sign
    ("a = 0", {"a": -0.0}, T), ("a < 0", {"a": -0.0}, F), ("-a = 0", {"a": 0.0}, T),
    ("a IN (0)", {"a": -0.0}, T), ("NULLIF(a, 0) IS NULL", {"a": -0.0}, T),
    ("ABS(a) = 0", {"a": -0.0}, T), ("SQRT(a) = 0", {"a": -0.0}, T),
    # too large is unknown, tiny is not zero
    ("a * b > 0", {"a": 1e300, "b": 1e300}, U), ("a + a > 0", {"a": 1.7e308}, U),
    ("a - b < 0", {"a": -1.7e308, "b": 1.7e308}, U), ("a * b / b > 0", {"a": 1e300, "b": 1e300}, U),
    ("a > 0", {"a": 5e-324}, T), ("a / 2 = 0", {"a": 5e-324}, T), ("a < 1e308", {"a": 9e307}, T),
    ("a + 1 = a", {"a": 1e16}, T), ("a = 9007199254740993", {"a": 9007199254740992}, T),
    ("a > 1e-300", {"a": 1e-299}, T),
    # LN, SQRT, ABS, sign
    ("LN(a) = 0", {"a": 1}, T), ("LN(a) > 2.3025 AND LN(a) < 2.3026", {"a": 10}, T),
    ("LN(a) < 0", {"a": 0}, U), ("LN(a) < 0", {"a": -1}, U), ("LN(a) < 0", {"a": 0.5}, T),
    ("LN(a) IS NULL", {"a": -1}, T), ("LN(a) < -744", {"a": 5e-324}, T),
    ("LN(a) > 0", {"a": INF}, U),
    ("SQRT(a) = 3", {"a": 9}, T), ("SQRT(a) >= 0", {"a": -1}, U), ("SQRT(a) IS NULL", {"a": -4}, T),
    ("SQRT(a) = 0", {"a": 0}, T), ("ABS(a) = 2", {"a": -2}, T), ("ABS(a) = 2", {}, U),
    ("-a = 2", {"a": -2}, T), ("-(-a) = 2", {"a": 2}, T), ("- a + 3 = 1", {"a": 2}, T),
    # precedence
    ("a + b * 2 = 7", {"a": 1, "b": 3}, T), ("(a + b) * 2 = 8", {"a": 1, "b": 3}, T),
    ("a - b - 1 = 0", {"a": 3, "b": 2}, T), ("a / b / 2 = 1", {"a": 4, "b": 2}, T),
    ("a - (b - 1) = 2", {"a": 3, "b": 2}, T), ("a > 0 OR a < 0 AND b > 0", {"a": 1, "b": -1}, T),
    ("NOT a > 0 AND b > 0", {"a": -1, "b": 1}, T), ("NOT a = b", {"a": 1, "b": 2}, T),
]  # fmt: skip

WORDS: list[Case] = [
    ("level = 'x'", {"level": "x"}, T), ("level = 'x'", {"level": "X"}, F),
    ("level = 'x'", {"level": "x "}, F), ("level = ''", {"level": ""}, T), ("level = ''", {}, U),
    ("level <> 'x'", {}, U), ("level <> 'x'", {"level": "y"}, T), ("level = level", {}, U),
    ("level = 'it''s'", {"level": "it's"}, T), ("level = '农产品'", {"level": "农产品"}, T),
    ("level = 'e'", {"level": "é"}, F), ("level = 'null'", {}, U),
    ("level = :word", {"level": "w"}, T),
    ("level NOT IN ('x')", {}, U), ("level = '%'", {"level": "x"}, F),
    ("level = '1'", {"level": "1.0"}, F),
]  # fmt: skip

PEERS: list[Case] = [
    ("pct_rank(a) >= 0.95", {"a": 1, "a__pct": 0.95}, T), ("pct_rank(a) >= 0.95", {"a": 1}, U),
    ("a > 2 * peer_median(a)", {"a": 5, "a__median": 2}, T),
    ("peer_median(a) = 0", {"a__median": -0.0}, T),
    ("peer_z(a) > 3", {"a": 1, "a__z": NAN}, U), ("peer_z(a) > 3", {"a": 1, "a__z": 4}, T),
    ("peer_z(a) IS NULL", {"a": 1}, T), ("COALESCE(peer_z(a), 0) = 0", {"a": 1}, T),
    ("pct_rank(b) > 0.5", {"b": 1}, U), ("pct_rank(b) IS NULL", {"b": 1}, T),
    ("prev(a, 1) < a", {"a": 2, "a__prev1": 1}, T), ("prev(a, 1) < a", {"a": 2}, U),
    ("prev(a, 2) < a", {"a": 2}, U), ("a - prev(a, 1) = 1", {"a": 2, "a__prev1": 1}, T),
    ("a / prev(a, 1) > 0", {"a": 2, "a__prev1": 0}, U),
    ("prev(a, 1) IS NULL", {"a": 2, "a__prev1": INF}, T),
]  # fmt: skip

CASES: list[Case] = [*LOGIC, *CHOICES, *NUMBERS, *WORDS, *PEERS]
COLUMNS: dict[str, str] = {
    "a": "number", "b": "number", "n_bids": "whole", "level": "text", "is_new": "truth",
    "a__pct": "number", "a__median": "number", "a__z": "number", "a__prev1": "number",
}  # fmt: skip
"""Columns of the frame; `b` has no peer columns and nothing has a second period before."""
