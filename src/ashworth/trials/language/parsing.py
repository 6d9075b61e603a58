"""Tokens to an expression: a small grammar, read from left to right.

``expression = if e then e else e | e or e | e and e | not e | e < e (<= > >= == !=)
| e in [e, ...] | e + e | e - e | e * e | e / e | - e | name | name(e, ...) | number unit
| 'text' | 2018-01-31 | true | false | unknown | (e)``
"""

from __future__ import annotations

from datetime import date

from ashworth.trials.language.syntax import (
    Call,
    Choice,
    Constant,
    Expression,
    ExpressionError,
    Membership,
    Operation,
    Reference,
    Span,
)
from ashworth.trials.language.tokens import Token, tokenise

COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
DEEPEST = 60


def parse(text: str) -> Expression:
    """Parse an expression.

    Raises
    ------
    ExpressionError
        With the place, what was found and what is allowed there.

    Examples
    --------
    >>> parse("ctc >= 5 cells/7.5mL").operator
    '>='
    """
    return _Parser(list(tokenise(text))).whole()


def _around(first: Expression, last: Expression) -> Span:
    return Span(first.span.start, last.span.end)


class _Parser:
    """Recursive descent over a list of tokens."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens, self._index, self._depth = tokens, 0, 0

    @property
    def _now(self) -> Token:
        return self._tokens[self._index]

    def _take(self) -> Token:
        token = self._now
        self._index += 1
        return token

    def _at(self, *texts: str) -> bool:
        return self._now.kind in ("symbol", "word") and self._now.text in texts

    def _expect(self, text: str) -> Token:
        if not self._at(text):
            raise self._wrong(f"'{text}'")
        return self._take()

    def _wrong(self, allowed: str) -> ExpressionError:
        token = self._now
        found = token.text if token.kind == "end" else f"'{token.text}'"
        return ExpressionError(token.span, found, allowed, "correct the expression here")

    def whole(self) -> Expression:
        result = self._expression()
        if self._now.kind != "end":
            raise self._wrong("an operator or the end")
        return result

    def _expression(self) -> Expression:
        self._depth += 1
        if self._depth > DEEPEST:
            raise ExpressionError(
                self._now.span, f"more than {DEEPEST} levels", "a shallower expression",
                "name parts of it as derived values",
            )  # fmt: skip
        result = self._choice() if self._at("if") else self._either()
        self._depth -= 1
        return result

    def _choice(self) -> Expression:
        start = self._take().span.start
        condition = self._expression()
        self._expect("then")
        yes = self._expression()
        self._expect("else")
        no = self._expression()
        return Choice(condition, yes, no, Span(start, no.span.end))

    def _either(self) -> Expression:
        left = self._both()
        while self._at("or"):
            self._take()
            right = self._both()
            left = Operation("or", (left, right), _around(left, right))
        return left

    def _both(self) -> Expression:
        left = self._negated()
        while self._at("and"):
            self._take()
            right = self._negated()
            left = Operation("and", (left, right), _around(left, right))
        return left

    def _negated(self) -> Expression:
        words = []
        while self._at("not"):
            words.append(self._take())
        result = self._comparison()
        for word in reversed(words):
            result = Operation("not", (result,), Span(word.span.start, result.span.end))
        return result

    def _comparison(self) -> Expression:
        left = self._sum()
        if self._at("in"):
            return self._membership(left)
        if self._at(*COMPARISONS):
            operator = self._take().text
            right = self._sum()
            left = Operation(operator, (left, right), _around(left, right))
            if self._at(*COMPARISONS):
                raise self._wrong("one comparison; join two by 'and'")
        return left

    def _membership(self, left: Expression) -> Expression:
        self._take()
        self._expect("[")
        members = [self._sum()]
        while self._at(","):
            self._take()
            members.append(self._sum())
        end = self._expect("]").span.end
        return Membership(left, tuple(members), Span(left.span.start, end))

    def _sum(self) -> Expression:
        left = self._product()
        while self._at("+", "-"):
            operator = self._take().text
            right = self._product()
            left = Operation(operator, (left, right), _around(left, right))
        return left

    def _product(self) -> Expression:
        left = self._signed()
        while self._at("*", "/"):
            operator = self._take().text
            right = self._signed()
            left = Operation(operator, (left, right), _around(left, right))
        return left

    def _signed(self) -> Expression:
        signs = []
        while self._at("-"):
            signs.append(self._take())
        result = self._atom()
        for sign in reversed(signs):
            result = Operation("neg", (result,), Span(sign.span.start, result.span.end))
        return result

    def _atom(self) -> Expression:
        token = self._now
        if token.kind in ("number", "text", "date"):
            return _constant(self._take())
        if self._at("true", "false", "unknown"):
            value = {"true": True, "false": False, "unknown": None}[self._take().text]
            return Constant(value, None, token.span)
        if token.kind == "name":
            return self._name()
        if self._at("("):
            self._take()
            inner = self._expression()
            self._expect(")")
            return inner
        raise self._wrong("a value, a name or '('")

    def _name(self) -> Expression:
        token = self._take()
        if not self._at("("):
            return Reference(token.text, token.span)
        self._take()
        arguments = [self._expression()]
        while self._at(","):
            self._take()
            arguments.append(self._expression())
        end = self._expect(")").span.end
        return Call(token.text, tuple(arguments), Span(token.span.start, end))


def _constant(token: Token) -> Constant:
    if token.kind == "text":
        return Constant(token.text[1:-1], None, token.span)
    if token.kind == "number":
        return Constant(float(token.text), token.unit or "1", token.span)
    try:
        return Constant(date.fromisoformat(token.text), None, token.span)
    except ValueError:
        raise ExpressionError(
            token.span, token.text, "a day that the calendar has", "correct the day"
        ) from None
