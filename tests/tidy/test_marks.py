"""Every drop reason and every limit is reached by at least one named test (docs/adr/0010-marks.md).

A test case says so by a tag, [drop:guard_arp] or [limit:kTurnTimers]; a test of tests/system by the same words in its
docstring. That a tagged test does count the reason is checked while it runs; of a limit its text must speak.
"""

import ast
import re
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

# What no test can sensibly reach, and why.
LIMITS_BY_HAND = {
    "kPacketBatch": "how many frames one system call moves; a larger burst is another call, which nothing outside can see",
    "kPacketBufferBytes": "a wish to the kernel, which cuts it to its own limit for whoever has no CAP_NET_ADMIN",
    "kApiTimeout": "half a minute of real time; that a silent client costs others nothing is in unit_control",
    "kReconnectInterval": "the default of an option that unit_netns sets to less",
    "kTerminateWait": "the default of an option that unit_netns sets to less",
    "kReplayFileBytes": "a file of four gibibytes",
    "kRecorderBytes": "the default of daemon --recorder; that it bounds is in tests/unit/capture/recorder_test.cpp",
    "kInterfaceNames": "a namespace with a thousand interfaces",
}
DROPS_BY_HAND = {}

STRING = r'(?:"(?:\\.|[^"\\])*"\s*)+'
CASE = re.compile(rf"^TEST_CASE(?:_METHOD)?\(\s*(?:\w+,\s*)?({STRING})(?:,\s*({STRING}))?\)", re.MULTILINE)
TAG = re.compile(r"\[(drop|limit):(\w+)\]")


@lru_cache(maxsize=None)
def cases():
    """(place, name, marks, text) of every test case, marks as (kind, name)."""
    found = []
    for kind in ("unit", "talk"):
        for path in sorted((ROOT / "tests" / kind).rglob("*.cpp")):
            text = path.read_text(encoding="utf-8")
            matches = list(CASE.finditer(text))
            ends = [match.start() for match in matches[1:]] + [len(text)]
            for match, end in zip(matches, ends):
                name, tags = ("".join(re.findall(r'"((?:\\.|[^"\\])*)"', part or "")) for part in match.groups())
                place = f"{path.relative_to(ROOT).as_posix()}:{text.count(chr(10), 0, match.start()) + 1}"
                found.append((place, name, TAG.findall(tags), text[match.end():end], text))
    for path in sorted((ROOT / "tests" / "system").glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                marks = TAG.findall(ast.get_docstring(node) or "")
                found.append((f"{path.relative_to(ROOT).as_posix()}:{node.lineno}", node.name, marks, None, None))
    assert len(found) > 500, "test cases are not written as this test expects"
    return found


def marked(kind):
    return {name for _, _, marks, _, _ in cases() for mark, name in marks if mark == kind}


def reasons():
    return re.findall(r"\bX\((\w+), \"", (ROOT / "core/base/drop.h").read_text(encoding="utf-8"))


def limits():
    return re.findall(r"\bconstexpr\s+[\w:]+\s+(k\w+)\s*=", (ROOT / "core/base/limits.h").read_text(encoding="utf-8"))


def check(offences, rule):
    assert not offences, f"{rule}: {len(offences)}\n  " + "\n  ".join(offences)


def test_every_drop_reason_is_reached_by_a_test():
    check(sorted(set(reasons()) - marked("drop") - set(DROPS_BY_HAND)), "drop reasons that no test carries as [drop:name]")


def test_every_limit_is_reached_by_a_test():
    check(sorted(set(limits()) - marked("limit") - set(LIMITS_BY_HAND)), "limits that no test carries as [limit:kName]")


def test_marks_are_names_that_exist():
    known = {"drop": set(reasons()), "limit": set(limits())}
    check([f"{place} [{kind}:{name}]" for place, _, marks, _, _ in cases() for kind, name in marks if name not in known[kind]],
          "tags that name nothing")
    check([f"{name}: {why}" for kind, table in (("limit", LIMITS_BY_HAND), ("drop", DROPS_BY_HAND)) for name, why in table.items()
           if name not in known[kind] or name in marked(kind)], "exceptions that are none any more")


def test_a_tagged_test_speaks_of_its_limit():
    """By name, or by a constant of the same file that is made from it."""
    offences = []
    for place, name, marks, text, file in cases():
        for kind, limit in marks:
            if kind != "limit" or text is None:
                continue
            made = re.findall(rf"^(?:constexpr|const|inline constexpr)\s[^;]*?\b(k\w+)\s*(?:=|\{{)[^;]*\b{limit}\b", file, re.MULTILINE)
            if not any(re.search(rf"\b{word}\b", text) for word in (limit, *made)):
                offences.append(f"{place} \"{name}\" does not speak of {limit}")
    check(offences, "a test that is tagged with a limit speaks of it")
