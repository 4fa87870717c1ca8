"""Hostile and mistaken conditions: all refused, each with a place."""

from __future__ import annotations

import pytest

from rules.checking import Quantity, check_condition, vocabulary
from rules.errors import ExpressionError
from rules.expression import parse_condition
from rules.limits import MAX_LENGTH
from tests.rules.rule_frames import FEATURES

NAMES = vocabulary(
    "tender", ((f.name, f.unit, f.kind == "class") for f in FEATURES),
    {"category": "text", "n_bids": "number", "is_new": "boolean"},
)  # fmt: skip
PARAMETERS = {
    "k": Quantity("number", "ratio"), "word": Quantity("text"), "span": Quantity("number", "days")
}  # fmt: skip

UNPARSABLE = [
    "", " ", "\n", "a >", "> 1", "a > 1 AND", "AND a > 1", "(a > 1", "a > 1)", "a a", "a > 1 b > 2",
    "a = = 1", "NOT", "IN (1)", "a IN ()", "a IN", "a BETWEEN 1", "a BETWEEN 1 AND", "CASE END",
    "CASE WHEN a > 1 END", "CASE WHEN a > 1 THEN 1", "a IS", "a IS NOT", ":", ": k > 1 :", "?",
    "a ? 1",
    # other statements
    "a > 1; DROP TABLE alerts", "a > 1;", "SELECT 1", "(SELECT 1) > 0",
    "a > (SELECT max(a) FROM t)",
    "a IN (SELECT a FROM t)", "EXISTS (SELECT 1)", "a > 1 UNION SELECT 1", "DROP TABLE t",
    "INSERT INTO t VALUES (1)", "DELETE FROM t", "UPDATE t SET a = 1",
    "WITH x AS (SELECT 1) SELECT 1",
    "a > ANY (SELECT 1)", "a > ALL (1, 2)", "VALUES (1)", "PRAGMA x", "COPY t TO 'x'", "ATTACH 'x'",
    "SET a = 1", "CALL f()", "EXPLAIN SELECT 1", "CREATE TABLE t (a INT)", "TABLE t",
    # clock, chance, files, aggregates, windows, unknown functions
    "CURRENT_DATE > 1", "a > NOW()", "CURRENT_TIMESTAMP IS NULL", "TODAY() > 1", "RANDOM() > 0.5",
    "RAND() > 0.5", "UUID() = 'x'", "READ_CSV('/etc/passwd') > 1", "PG_READ_FILE('x') = 'y'",
    "LOAD_FILE('x') = 'y'", "GETENV('HOME') = 'x'", "SUM(a) > 1", "COUNT(*) > 1", "AVG(a) > 1",
    "MAX(a) > 1", "ROW_NUMBER() OVER () > 1", "a > AVG(a) OVER (PARTITION BY b)", "LAG(a) > 1",
    "ROUND(a, 2) > 1", "FLOOR(a) > 1", "MOD(a, 2) = 0", "POWER(a, 2) > 1", "EXP(a) > 1",
    "LOG(a) > 1", "IFNULL(a, 1) > 0", "IF(a > 1, 1, 0) = 1", "IIF(a > 1, 1, 0) = 1",
    "NVL(a, 1) > 0",
    "LENGTH(category) > 1", "UPPER(category) = 'X'", "SUBSTR(category, 1) = 'x'", "SLEEP(10) = 0",
    "EVAL('1') = 1", "EXEC('x') = 1", "__import__('os') = 1", "a.__class__ IS NULL",
    "a.b > 1", "t.a > 1", "x.y.z > 1", "a[0] > 1", "a['x'] > 1", "[1, 2] = a", "{'x': 1} = a",
    # operators and syntax outside the language
    "a::INT > 1", "CAST(a AS INT) > 1", "TRY_CAST(a AS INT) > 1", "a % 2 = 0", "a ** 2 > 1",
    "a ^ 2 > 1", "a & 1 = 1", "a | 1 = 1", "~a = 1", "a << 1 > 1", "a || 'x' = 'y'", "a -> 'x' = 1",
    "category LIKE 'x%'", "category ILIKE 'x'", "category SIMILAR TO 'x'", "category ~ 'x'",
    "category REGEXP 'x'", "a IS DISTINCT FROM 1", "a IS TRUE", "a > 1 IS NOT FALSE", "a = NULL",
    "NULL", "a > NULL", "NULL IS NULL", "a AS b > 1", "a > 1 AS b", "* > 1", "a > *", "DISTINCT a",
    "ABS(DISTINCT a) > 1", "DATE '2026-01-01' > 1", "INTERVAL '1 day' > 1", "a > 1 -- note",
    "a > 1 /* note */", "/* x */ a > 1", "a > 1 # note", "@a > 1", "$a > 1", "$1 > 1", "#a > 1",
    "{{ a }} > 1", "{% a %}", "`a` > 1", "\"A\" > 1", "a > 0x1F", "a > 1e999", "a > -1e999",
    "b'1' = a", "x'1F' = a", "N'x' = category", "a > .5", "(a, b) IN (1, 2)", "(a, b) > 1",
    "a IN (b)", "a IN (1, b)", "A_ > 1", "a > :limit", "LAMBDA x: x > 1", "x -> x > 1",
    "a > 1 COLLATE x",
    "a QUALIFY 1", "a > 1 ORDER BY a", "a > 1 LIMIT 1", "a > 1 GROUP BY a", "a > 1 WHERE b > 1",
    "a NOTNULL", "a ISNULL", "a OVERLAPS b", "NOT EXISTS (SELECT 1)", "a > 1 XOR b > 1", "a = ?",
    # look-alikes and hidden characters
    "а > 1", "ａ > 1", "a＞1", "a > １", "a\u200b > 1", "a\u00a0> 1", "a \u2028> 1", "a > 1\x00",
    "\u202ea > 1", "a – 1 > 0", "a ≥ 1", "a > 1 ∧ b > 1", "𝐚 > 1", "a > 1\u3000", "é > 1",
    # sizes
    "(" * 100 + "a > 1" + ")" * 100, "NOT " * 200 + "a > 1", "-" * 3 + " " + "- " * 60 + "a > 1",
    "a" + " + a" * 60 + " > 1", " OR ".join(["a > 1"] * 100), "CASE WHEN a > 1 THEN " * 40,
    "a IN (" + ", ".join(["1"] * 300) + ")",
    "a > " + "9" * MAX_LENGTH, "ABS(" * 40 + "a" + ")" * 40,
    "a = '" + "x" * MAX_LENGTH + "'", "COALESCE(" + "a, " * 30 + "a) > 1", "LEAST(a) > 1",
    "ABS(a, b) > 1", "ABS() > 1", "NULLIF(a) > 1", "pct_rank() > 1", "pct_rank(a, b) > 1",
    "pct_rank(1) > 1", "pct_rank(a + b) > 1", "peer_z(:k) > 1", "peer_z(peer_z(a)) > 1",
    "a > 'unclosed", "'", "a > 1 \\", "\\",
]  # fmt: skip

UNCHECKED = [
    "nope > 1", "a > :nope", "pct_rank(nope) > 0.5", "pct_rank(level) > 0.5",
    "peer_z(n_bids) > 1", "a = 'x'", "a > 'x'", "level > 'x'", "level = 1", "level IN (1, 'x')",
    "a IN ('x')", "category > 1", "category = :k", "a = :word", "a > is_new", "is_new > TRUE",
    "is_new = 1", "a", "a AND b", "NOT a", "'x'", "1", "a + 'x' > 1", "level + 1 > 1",
    "ABS(level) > 1",
    "LN(category) > 1", "COALESCE(a, 'x') > 1", "LEAST(a, level) > 1", "NULLIF(a, 'x') > 1",
    "CASE WHEN a > 1 THEN 1 ELSE 'x' END = 1", "CASE WHEN a THEN 1 END = 1", "wait > :span",
    "wait > a", "a + wait > 1", "part > :span", "LEAST(a, wait) > 1", "a BETWEEN :k AND :span",
    "wait = :k", "(a > 1) = (b > 1)", "(a > 1) + 1 > 1", "ABS(a > 1) > 1", "a > (b > 1)",
    "COALESCE(is_new, TRUE) = TRUE", "a IN (:word)", "peer_median(wait) > :k",
]  # fmt: skip


def test_the_corpus_is_large() -> None:
    assert len(set(UNPARSABLE)) + len(set(UNCHECKED)) >= 220


@pytest.mark.parametrize("text", UNPARSABLE)
def test_refused_with_a_place(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        tree = parse_condition(text)
        faults = check_condition(tree, NAMES, PARAMETERS)
        assert not faults, "parsed, and only the type check refused it"
    lines = text.split("\n")
    assert 1 <= caught.value.line <= len(lines)
    assert 1 <= caught.value.column <= len(lines[caught.value.line - 1]) + 1
    assert caught.value.message


@pytest.mark.parametrize("text", UNCHECKED)
def test_wrong_names_types_and_units_are_refused(text: str) -> None:
    faults = check_condition(parse_condition(text), NAMES, PARAMETERS)
    assert faults
    assert all(0 <= fault.at <= len(text) and fault.message for fault in faults)


def test_the_place_is_the_one_of_the_fault() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_condition("a > 1 AND\n  SUM(b) > 2")
    assert (caught.value.line, caught.value.column) == (2, 3)


def test_a_near_name_is_offered() -> None:
    faults = check_condition(parse_condition("n_bid > 1 AND wiat > 2"), NAMES, PARAMETERS)
    assert [f.hint for f in faults] == ["Did you mean `n_bids`?", "Did you mean `wait`?"]
    assert [f.at for f in faults] == [0, 14]
    with pytest.raises(ExpressionError) as caught:
        parse_condition("COALESC(a, 1) > 0")
    assert caught.value.hint == "Did you mean `COALESCE`?"


ACCEPTED = [
    "a > 1", "a>=:k", "NOT a > 1 OR b <> 2", "pct_rank(a) >= 0.95", "category = '农产品'", "is_new",
    "is_new = FALSE", "a BETWEEN 1 AND :k", "n_bids IN (3, 4, 5)", "a / NULLIF(b, 0) > 1.5e-3",
    "wait > 72", "a > 2 * peer_median(a)", "a IS NOT NULL", "level IS NULL",
    "case when a > 1 then b > 1 else c > 1 end", "((((a > 1))))", "a + b > c", "wait * 2 > 1",
    "category IN ('it''s', 'x')", "a IN ((1))", "a > -1", "greatest(a, b) > least(b, c)",
]  # fmt: skip


@pytest.mark.parametrize("text", ACCEPTED)
def test_the_language_itself_is_accepted(text: str) -> None:
    assert check_condition(parse_condition(text), NAMES, PARAMETERS) == ()
