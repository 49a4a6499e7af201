#!/usr/bin/env python3
"""Checks the documents against the code: limits, drop reasons, paths, options and routes.

    docs/check.py     prints what is wrong, one line each, and ends with status 1 if anything is
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")) + [ROOT / "pcaps" / "README.md"]
TOPS = ("core", "bridge", "dhcp", "dns", "proxy", "control", "lab", "app", "tests", "docs", "pcaps", ".ci")


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def in_seconds(text):
    units = {"h": 3600, "min": 60, "s": 1, "ms": 0.001}
    return re.sub(r"(\d+)(min|ms|h|s)\b", lambda m: str(int(m[1]) * units[m[2]]), text)


def show_duration(seconds):
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds <= 300:
        return f"{int(seconds)} s"
    hours, minutes = divmod(int(seconds) // 60, 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "") if part)


def show_bytes(count):
    for unit, size in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count % size == 0 and count >= 64 << 10:
            return f"{count // size} {unit}"
    return f"{count:,}"


def limits():
    """name -> value as the document shows it, in the order of limits.h."""
    found = {}
    text = re.sub(r"//[^\n]*", "", read("core/base/limits.h"))
    for kind, name, value in re.findall(r"constexpr\s+([\w:]+)\s+(k\w+)\s*=\s*([^;]+);", text):
        number = eval(in_seconds(value.replace("'", "").strip()), {"__builtins__": {}})  # arithmetic of our own header
        if kind == "Duration":
            found[name] = show_duration(number)
        else:
            found[name] = show_bytes(number) if "Bytes" in name else f"{number:,}"
    return found


def drop_reasons():
    return dict(re.findall(r'X\((\w+),\s*"([^"]*)"\)', read("core/base/drop.h").replace('" \\\n', '"')))


def table_rows(document):
    """first cell (without backticks) -> the other cells, of every table in a document."""
    rows = {}
    for line in read(document).splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if len(cells) > 1 and cells[0].startswith("`"):
            rows[cells[0].strip("`")] = cells[1:]
    return rows


def check_table(what, expected, rows):
    for name, value in expected.items():
        if name not in rows:
            yield f"docs/limits.md: the {what} {name} is missing (\"{value}\")"
        elif rows[name][0] != value:
            yield f"docs/limits.md: {name} is \"{value}\", not \"{rows[name][0]}\""


def check_limits():
    rows = table_rows("docs/limits.md")
    expected_limits, expected_drops = limits(), drop_reasons()
    yield from check_table("limit", expected_limits, rows)
    yield from check_table("drop reason", expected_drops, rows)
    for name in rows:
        if name not in expected_limits and name not in expected_drops:
            yield f"docs/limits.md: there is no {name} in the code"


def expand(pattern):
    match = re.search(r"\{([^}]*)\}", pattern)
    if not match:
        return [pattern]
    return [p for part in match[1].split(",") for p in expand(pattern[:match.start()] + part + pattern[match.end():])]


def looks_like_path(word):
    top = word.split("/")[0]
    return "/" in word and top in TOPS and re.fullmatch(r"[\w./*{},-]+", word)


def check_paths():
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        name = document.relative_to(ROOT)
        for word in re.findall(r"`([^`\s]+)`", text):
            if not looks_like_path(word):
                continue
            for path in expand(word):
                if not any(ROOT.glob(path.rstrip("/"))):
                    yield f"{name}: there is no {path}"
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            if not (document.parent / link).exists():
                yield f"{name}: the link {link} leads nowhere"


def options_and_commands():
    source = read("app/main.cpp")
    names = set(re.findall(r"--[a-z][a-z-]+", " ".join(re.findall(r'add_(?:option|flag)\(\s*"([^"]+)"', source))))
    hidden = set(re.findall(r'add_flag\("(--[a-z-]+)"[^;]*group\(""\)', source))
    commands = set(re.findall(r'add_subcommand\(\s*"(\w+)"', source))
    return names - hidden, commands


def check_man_page():
    page = read("docs/man/pontoon.1").replace("\\-", "-")
    names, commands = options_and_commands()
    for name in sorted(names):
        if not re.search(re.escape(name) + r"(?![a-z-])", page):
            yield f"docs/man/pontoon.1: the option {name} is missing"
    for command in sorted(commands):
        if not re.search(rf"\b{command}\b", page):
            yield f"docs/man/pontoon.1: the command {command} is missing"


def check_routes():
    document = read("docs/api.md")
    for method, path in re.findall(r"(GET|POST|DELETE)\s+(/v1/[\w/]+)", read("control/api_routes.h")):
        if f"{method} {path}" not in document:
            yield f"docs/api.md: {method} {path} is missing"


def problems():
    for check in (check_limits, check_paths, check_man_page, check_routes):
        yield from check()


def main():
    found = list(problems())
    print("\n".join(found) if found else "the documents agree with the code")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
