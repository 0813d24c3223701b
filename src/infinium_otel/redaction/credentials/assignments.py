"""Whether what is between a name and a value assigns the value to the name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from infinium_otel.redaction.credentials.quoting import OPEN, QUOTE
from infinium_otel.redaction.secret_names import Claim, looks_random

if TYPE_CHECKING:
    from infinium_otel.redaction.credentials.finder import Text

NAME_END = (
    r"(?P<more>s?(?:[_-]?[0-9]{1,3})?(?:[_-]?(?:prod(?:uction)?|dev(?:elopment)?|test(?:ing)?|live|"
    r"staging|sandbox|base64|b64|base|value|confirm(?:ation)?|new|old|current|primary|"
    r"secondary|plain|string|default|a|b)(?![a-z]))?)"
    rf"(?P<close>{QUOTE})?(?:\]|\*\*|__)?"
)
_ANSI = r"(?:(?:\x1b|\\{1,8}(?:u001b|x1b|033))\[[0-9;]{0,12}m)?"
"""A colour of a terminal."""

SEPARATOR = (
    rf"{_ANSI}[ \t]{{0,40}}"
    r"(?P<sep>=>|:=|={1,3}|!=|<-|:{1,2}(?![/?+-])|\uff1a|%3[ad]|\\{0,8}u003[ad]"
    rf"|,?\s{{1,80}}(?:{QUOTE})?value(?:{QUOTE})?\s{{0,4}}[:=]|,(?:{QUOTE})value(?:{QUOTE}):"
    r"|(?<![a-z])(?:is|was|will be|lautet|ist|est|es|(?:has been |was |is )?set to|for [\w.@-]{1,64}:|\([^()\n]{1,40}\):"
    r"|->)(?=[ \t:]):?|[|,>]|(?<=[ \t])\((?=[^\s()]{6,64}\))"
    r"|(?=[ \t]{1,8}[^\s]{6,128}(?:[\r\n]|$)|[ \t][A-Za-z0-9_-]{24,128}(?:[ \t.,;]|$)))"
    rf"(?:\*\*)?{_ANSI}[ \t]{{0,40}}"
    r"(?:&[a-z0-9_-]{1,32}[ \t]|!!(?:str|binary)[ \t]|[|>][+-]?[0-9]?(?=\r?\n))?"
    r"(?P<break>\r?\n[ \t]{0,40}(?:- )?)?(?=[^\s])"
)
_ASSIGNING = frozenset(
    ("=>", ":=", "=", "==", "===", "!=", "<-", ":", "::", "\uff1a")
) | frozenset(
    ("%3a", "%3d", *("\\" * n + "u003" + letter for n in range(9) for letter in "ad"))
)
_WORD = re.compile(r"\S{1,128}")
_ELEMENT = re.compile(r"[^<\r\n]{1,4096}</")


class Assignment(NamedTuple):
    """A secret's name, and what is between it and the value.

    Args:
        match: from the last word of the name to the start of the value: what `NAME_END`
            and `SEPARATOR` match.
        name_start: where the name begins.
    """

    text: Text
    match: re.Match[str]
    name_start: int

    @property
    def separator(self) -> str:
        """What is between name and value, without spaces."""
        return self.match["sep"]

    @property
    def name(self) -> str:
        """The whole name: its words, and what follows the last one."""
        return self.text.whole[self.name_start : self.match.end("more")]

    @property
    def value_start(self) -> int:
        """Where the value begins, with its quote."""
        return self.match.end()

    def weaken(self, claim: Claim) -> Claim:
        """What the name implies if this is how the value follows it.

        Args:
            claim: what the name implies about a value that is assigned to it.

        Returns:
            `Claim.NOTHING` if nothing is assigned; less than *claim* if that is unsure.
        """
        separator, weak = self.separator, min(claim, Claim.MIXED)
        if separator == ":" and self._is_resource():
            return Claim.NOTHING
        if self.match["break"]:
            return weak if separator in _ASSIGNING else Claim.NOTHING
        if separator in _ASSIGNING or "value" in separator:
            return claim
        if not self._assigns(claim):
            return Claim.NOTHING
        return claim if separator == ">" else weak

    def _assigns(self, claim: Claim) -> bool:
        """Whether something is assigned where the separator alone does not show it."""
        separator = self.separator
        if separator == "(":
            return claim is Claim.PASSWORD
        if separator == ">":
            return self._is_element()
        if separator == "":
            return self._is_setting(claim)
        if separator == "|":
            return "." not in self.name  # a filter: `{{ .Values.password | b64enc }}`
        return separator != "," or self._is_pair()

    def is_in_line(self) -> bool:
        """Whether more follows in the line of a value behind a space: `token x to`."""
        end = _WORD.match(self.text.whole, self.value_start)
        return end is None or self.text.whole[end.end() : end.end() + 1] not in (
            "",
            "\r",
            "\n",
        )

    def is_header(self) -> bool:
        """Whether this assigns a header its value."""
        separator = self.separator
        return separator in _ASSIGNING or "value" in separator or self._is_pair()

    def _is_resource(self) -> bool:
        """Whether this is the name of a resource: `arn:aws:secretsmanager:x:1:secret:db`."""
        start = self.name_start
        near = self.text.whole[max(0, start - 128) : start]
        return near.endswith(":") and "arn:" in near

    def _is_pair(self) -> bool:
        """Whether name and value are two quoted texts in a row, as in a call."""
        return (
            self.separator == ","
            and bool(self.match["close"])
            and OPEN.match(self.text.whole, self.value_start) is not None
        )

    def _is_element(self) -> bool:
        """Whether this is an element of XML: `<password>x</password>`."""
        before = self.text.whole[max(0, self.name_start - 1) : self.name_start]
        if before not in ("<", ":") and not self.match["close"]:
            return False
        return _ELEMENT.match(self.text.whole, self.value_start) is not None

    def _is_setting(self, claim: Claim) -> bool:
        """Whether a value may follow a space, as the last of a line: `requirepass x`."""
        value = self.text.whole[self.value_start : self.value_start + 128]
        if (
            self.match["close"]
            or value[0] == "("
            or "=" in value.split("\n", 1)[0].rstrip("=")
        ):
            return False
        if self.is_in_line():
            return claim >= Claim.MIXED and looks_random(value[:24])
        return claim is Claim.PASSWORD or (
            claim is Claim.SECRET and ("_" in self.name or self.name.islower())
        )
