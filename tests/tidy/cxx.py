"""Just enough C++ for the rules: comments and strings blanked out, functions and declarations found by their braces.

A heuristic, made for code that clang-format has laid out. It does not expand macros.
"""

import re
from dataclasses import dataclass, field

_TOKENS = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^()\s]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.DOTALL)


def _blank(match):
    token = match.group()
    kept = '""' if token[0] in '"R' else "0" if token[0] == "'" else ""
    return kept + re.sub(r"[^\n]", " ", token[len(kept):])


def without_comments(text):
    """The code alone: strings become empty ones, comments blanks; every line keeps its number."""
    return _TOKENS.sub(_blank, text)


@dataclass
class Function:
    header: str
    begin: int  # lines, from 1
    end: int

    @property
    def lines(self):
        return self.end - self.begin + 1

    @property
    def name(self):
        return self.header.split("(")[0].split()[-1]


@dataclass
class Statement:
    text: str
    line: int
    scope: str  # "namespace", "type" or "function"


@dataclass
class Outline:
    functions: list = field(default_factory=list)
    statements: list = field(default_factory=list)


_TYPE = re.compile(r"(?:^|\s)(?:class|struct|union|enum)\s")
_NAMESPACE = re.compile(r"^(?:inline\s+)?namespace\b|^extern\b")
# A body follows a parameter list with what may stand behind it, or a list of members that are initialised.
_FUNCTION = re.compile(r"\)\s*(?:const|noexcept|override|final|mutable|&|\s|->[^;{]*)*$|\)\s*(?:noexcept)?\s*:\s.*\}$", re.DOTALL)


def _kind(header, scope):
    header = header.strip()
    if _NAMESPACE.search(header):
        return "namespace"
    if scope != "function" and "(" not in header.split("<")[0] and _TYPE.search(header):
        return "type"
    if scope != "function" and _FUNCTION.search(header):
        return "function"
    return "block" if scope == "function" else "braces"


def outline(text):
    """Functions with their lines, and the statements outside and inside of them."""
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group()),
                  without_comments(text), flags=re.MULTILINE)
    out = Outline()
    stack = []  # (kind, header, first line)
    current, first, line, parentheses = "", 0, 1, 0

    def scope():
        for kind, _, _ in reversed(stack):
            if kind in ("function", "type", "namespace"):
                return kind
        return "namespace"

    for char in code:
        if char == "\n":
            line += 1
        if not current.strip():
            first = line
        if char in "([":
            parentheses += 1
        elif char in ")]":
            parentheses -= 1
        if char == "{" and parentheses == 0:
            kind = _kind(current, scope())
            stack.append((kind, current.strip(), first))
            current = current + "{" if kind == "braces" else ""
        elif char == "}" and parentheses == 0 and stack:
            kind, header, began = stack.pop()
            if kind == "function":
                out.functions.append(Function(" ".join(header.split()), began, line))
            current = current + "}" if kind == "braces" else ""
        elif char == ";" and parentheses == 0:
            if current.strip():
                out.statements.append(Statement(" ".join(current.split()), first, scope()))
            current = ""
        elif char == ":" and current.strip() in ("public", "private", "protected"):
            current = ""
        else:
            current += char
    return out
