"""Conditions out of the grammar by chance, well formed and damaged, from one stream of chance.

Everything is drawn from the `Random` given, so that a seed gives the same million again and
Hypothesis can shrink what it finds by standing in for it.
"""

from __future__ import annotations

from random import Random

from rules.checking import ColumnInfo, Quantity, Vocabulary

_NUMBERS = ("a", "b", "c")
_TEXTS = ("level", "category")
NAMES = Vocabulary(
    "category_y",
    {
        **{n: ColumnInfo(n, "feature", Quantity("number", "ratio")) for n in _NUMBERS},
        "part": ColumnInfo("part", "feature", Quantity("number", "0-1")),
        "wait": ColumnInfo("wait", "feature", Quantity("number", "hours")),
        "level": ColumnInfo("level", "feature", Quantity("text")),
        "n_bids": ColumnInfo("n_bids", "attribute", Quantity("number")),
        "category": ColumnInfo("category", "attribute", Quantity("text")),
        "is_new": ColumnInfo("is_new", "attribute", Quantity("boolean")),
    },
)
PARAMETERS = {
    "k": Quantity("number", "ratio"),
    "word": Quantity("text"),
    "limit_1": Quantity("number"),
}
_COMPARE = ("<", "<=", ">", ">=", "=", "<>", "!=")
_STRAY = (
    "(", ")", ",", ":", ";", "'", '"', "`", "--", "/*", "*/", "#", "{#", "{%", "{{", "}}",
    "[", "]", "{", "}", "::", ".", "..", "?", "@", "$", "$$", "%", "^", "~", "|", "||", "&",
    "\\", "->", "->>", "=>", "<=>", ":=", "!", "SELECT", "FROM", "WHERE", "UNION", "WITH",
    "EXISTS", "ANY", "ALL", "DISTINCT", "OVER", "AS", "LIKE", "CAST", "INTERVAL", "DATE",
    "CURRENT_DATE", "NOW()", "RANDOM", "NULL", "TRUE", "IS", "NOT", "IN", "BETWEEN", "CASE",
    "WHEN", "THEN", "ELSE", "END", "AND", "OR", "LAMBDA", "INF", "NaN", "0x1F", "1e999",
    "1e-999", "1_000", ".5", "5.", "1e", "READ_CSV('x')", "__class__", "a.b", "a[0]",
    "a::int", "\u0430", "\uff41", "\u200b", "\u202e", "\ufeff", "\x00", "\x1b", "\u2028",
    "\u3000", "＝", "＞", "é", "😀", "\ud800", "1" * 40, "x" * 70, "prev(a, 99)",
)  # fmt: skip


class Grammar:
    """Draws conditions.

    Attributes:
        room: how many parts may still be drawn.
        mixed: whether units that do not agree are drawn too.
    """

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.room = 0
        self.mixed = False

    def condition(self) -> str:
        """A condition that is part of the language, mostly small, now and then at the caps."""
        self.mixed = self.chance.random() < 0.2
        return self._large() if self.chance.random() < 0.02 else self._small(14, 6)

    def _small(self, room: int, deep: int) -> str:
        self.room = self.chance.randint(1, room)
        return self._judgement(self.chance.randint(1, deep))

    def _large(self) -> str:
        """About as many parts and levels as the caps allow, side by side or nested."""
        chance = self.chance
        self.mixed = self.mixed and chance.random() < 0.1
        parts = [self._small(4, 3) for _ in range(chance.randint(6, 24))]
        if chance.random() < 0.4:
            return chance.choice((" AND ", " OR ", "\nAND ")).join(f"({p})" for p in parts)
        whole = parts.pop()
        for _ in range(chance.randint(2, 26)):
            beside = " OR ".join(f"({parts.pop()})" for _ in range(2) if parts) or "is_new"
            shape = chance.choice((
                "({b}) AND ({w})", "({w}) OR ({b})", "NOT ({w} AND ({b}))", "({b}) AND ({w})",
                "CASE WHEN {b} THEN {w} END", "CASE WHEN {w} THEN is_new ELSE {b} END",
            ))  # fmt: skip
            whole = shape.format(b=beside, w=whole)
        return whole

    def damaged(self) -> str:
        """A condition to which something happened."""
        chance = self.chance
        text = self.condition()
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            text = self._harm(text)
        return text

    def _harm(self, text: str) -> str:
        chance = self.chance
        at, to = sorted((chance.randint(0, len(text)), chance.randint(0, len(text))))
        match chance.randint(0, 9):
            case 0:
                return text[:at] + text[to:]
            case 1:
                return text[:at] + text[at:to] * 2 + text[to:]
            case 2 | 3 | 4:
                return text[:at] + chance.choice(_STRAY) + text[at:]
            case 5:
                return text[:at] + " " + chance.choice(_STRAY) + " " + text[to:]
            case 6:
                return text[:at] + chr(chance.randint(0, 0x2FFF)) + text[at + 1 :]
            case 7:
                words = text.split(" ")
                chance.shuffle(words)
                return " ".join(words)
            case 8:
                return text + chance.choice((" ", ";", ",", " AND ", "\n")) + self.condition()
            case _:
                return (
                    chance.choice(("(", "NOT ", "- ", "ABS(", "CASE WHEN "))
                    * (chance.randint(1, 40))
                    + text
                )

    def _any(self, *choices: str) -> str:
        return self.chance.choice(choices)

    def _judgement(self, deep: int) -> str:
        self.room -= 1
        kind = self.chance.randint(0, 11 if deep > 0 and self.room > 2 else 5)
        match kind:
            case 0 | 1 | 2:
                return f"{self._number(deep)} {self._any(*_COMPARE)} {self._number(deep)}"
            case 3:
                return f"{self._text(deep)} {self._any('=', '<>')} {self._text(deep)}"
            case 4:
                return f"{self._any('is_new', 'TRUE', 'NOT is_new', 'is_new = FALSE')}"
            case 5:
                negated = self._any("IS NULL", "IS NOT NULL", "is null")
                return f"{self._number(deep)} {negated}"
            case 6:
                return f"{self._operand(deep)} AND {self._operand(deep)}"
            case 7:
                return f"{self._operand(deep)} OR {self._operand(deep)}"
            case 8:
                return f"NOT ({self._judgement(deep - 1)})"
            case 9:
                word = self._any("BETWEEN", "NOT BETWEEN")
                low, high = self._number(deep - 2), self._number(deep - 2)
                return f"{self._number(deep - 2)} {word} {low} AND {high}"
            case 10:
                return self._member(deep)
            case _:
                return self._case(deep, self._judgement)

    def _operand(self, deep: int) -> str:
        return f"({self._judgement(deep - 1)})"

    def _member(self, deep: int) -> str:
        word = self._any("IN", "NOT IN")
        many = self.chance.randint(1, 4)
        self.room -= many
        if self.chance.random() < 0.3:
            options = ", ".join(
                self._any("'x'", "'y''s'", "'农产品'", ":word") for _ in range(many)
            )
            return f"{self._text(deep - 1)} {word} ({options})"
        options = ", ".join(self._any("1", "-2.5", "0", ":k", "1e3") for _ in range(many))
        return f"{self._number(deep - 1)} {word} ({options})"

    def _case(self, deep: int, drawn: object) -> str:
        draw = drawn if callable(drawn) else self._number
        inner = deep - 2
        if self.chance.random() < 0.2:
            subject, many = self._number(inner), self.chance.randint(1, 3)
            whens = " ".join(
                f"WHEN {self._any('1', '2', ':k')} THEN {draw(inner)}" for _ in range(many)
            )
            head = f"CASE {subject} {whens}"
        else:
            whens = " ".join(
                f"WHEN {self._judgement(inner)} THEN {draw(inner)}"
                for _ in range(self.chance.randint(1, 2))
            )
            head = f"CASE {whens}"
        return head + (f" ELSE {draw(inner)} END" if self.chance.random() < 0.7 else " END")

    def _literal(self) -> str:
        chance = self.chance
        match chance.randint(0, 6):
            case 0:
                return repr(chance.uniform(0, 10))
            case 1:
                return f"{chance.randint(1, 9)}e{chance.randint(-300, 300)}"
            case 2:
                return str(chance.randint(0, 10**15))
            case _:
                return str(chance.randint(0, 100))

    def _number(self, deep: int) -> str:
        self.room -= 1
        kind = self.chance.randint(0, 13 if deep > 0 and self.room > 2 else 5)
        match kind:
            case 0 | 1:
                return self._any(*_NUMBERS)
            case 2:
                return self._literal()
            case 3:
                return self._any(":k", ":k", ":limit_1", "n_bids")
            case 4:
                if self.mixed:
                    return self._any("peer_z(b)", "pct_rank(c)", "part", "wait")
                return self._any("peer_median(a)", "prev(a, 1)")
            case 5:
                return self._any("a", "-1", "- b", "+c")
            case 6 | 7 | 8:
                sign = self._any("+", "-", "*", "/")
                return f"({self._number(deep - 1)} {sign} {self._number(deep - 1)})"
            case 9:
                return f"{self._any('ABS', 'SQRT', 'LN', 'abs')}({self._number(deep - 1)})"
            case 10:
                return f"NULLIF({self._number(deep - 1)}, {self._number(deep - 1)})"
            case 11:
                return f"-({self._number(deep - 1)})"
            case 12:
                many = self.chance.randint(2, 4)
                inside = ", ".join(self._number(deep - 1) for _ in range(many))
                return f"{self._any('COALESCE', 'LEAST', 'GREATEST', 'Coalesce')}({inside})"
            case _:
                return self._case(deep, self._number)

    def _text(self, deep: int) -> str:
        self.room -= 1
        match self.chance.randint(0, 5 if deep > 0 else 3):
            case 0 | 1:
                return self._any(*_TEXTS)
            case 2:
                return self._any("'x'", "''", "'it''s'", "'农产品'", "'-- x'", "'a; b'", "'/* */'")
            case 3:
                return ":word"
            case 4:
                return f"COALESCE({self._text(deep - 1)}, {self._text(deep - 1)})"
            case _:
                return f"NULLIF({self._text(deep - 1)}, 'x')"
