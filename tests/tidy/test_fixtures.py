"""The captures of pcaps/: small, nothing stray between them, and the crafted ones are as craft.py makes them."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parent.parent.parent
PCAPS = ROOT / "pcaps"
FEWEST_CRAFTED, MOST_FRAMES = 40, 100
ENHANCED_PACKET = b"\6\0\0\0"


def cases():
    found = sorted(path.parent for path in PCAPS.rglob("case.toml"))
    assert found, "no case in pcaps/"
    return found


def case_name(folder):
    return folder.relative_to(PCAPS).as_posix()


def settings(folder):
    return tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))


def frames_of(capture):
    """How many packets a little-endian pcapng file holds; what craft.py and our own writer make."""
    data, at, count = capture.read_bytes(), 0, 0
    while at + 12 <= len(data):
        length = int.from_bytes(data[at + 4:at + 8], "little")
        assert length >= 12 and length % 4 == 0, f"{capture}: no little-endian pcapng at byte {at}"
        count += data[at:at + 4] == ENHANCED_PACKET
        at += length
    return count


def check(offences, rule):
    assert not offences, f"{rule}: {len(offences)}\n  " + "\n  ".join(offences)


def crafted(into):
    done = subprocess.run([sys.executable, str(PCAPS / "craft.py"), "--into", str(into)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {path.parent.relative_to(into).as_posix(): path.parent for path in into.rglob("case.toml")}


def test_cases_are_named_by_area():
    offences = [case_name(folder) for folder in cases() if not re.fullmatch(r"[a-z0-9]+/[a-z0-9-]+", case_name(folder))]
    check(offences, "cases that are not AREA/CASE in lower case")


def test_every_case_is_small():
    offences = [f"{case_name(folder)}: {count} frames" for folder in cases()
                for count in [frames_of(folder / settings(folder).get("input", "input.pcapng"))] if count >= MOST_FRAMES]
    check(offences, f"a case shows one thing, in less than {MOST_FRAMES} frames")


def test_nothing_else_lies_between_the_cases():
    folders = set(cases())
    offences = []
    for path in sorted(PCAPS.rglob("*")):
        if not path.is_file() or path.parent == PCAPS or "__pycache__" in path.parts:
            continue
        inside = path.parent if path.parent.name != "expected" else path.parent.parent
        if inside not in folders:
            offences.append(path.relative_to(PCAPS).as_posix())
    check(offences, "files that belong to no case")


def test_crafted_cases_are_as_craft_makes_them():
    with tempfile.TemporaryDirectory() as directory:
        into = Path(directory)
        made = crafted(into)
        assert len(made) >= FEWEST_CRAFTED, f"craft.py makes only {len(made)} cases"
        offences = []
        for name, folder in made.items():
            for path in sorted(folder.iterdir()):
                kept = PCAPS / name / path.name
                if not kept.is_file():
                    offences.append(f"{name}/{path.name} is missing")
                elif kept.read_bytes() != path.read_bytes():
                    offences.append(f"{name}/{path.name} is not what craft.py makes")
        offences += [f"{case_name(folder)} is not made by craft.py any more" for folder in cases()
                     if "craft.py" in settings(folder).get("origin", "") and case_name(folder) not in made]
    check(offences, "crafted cases (pcaps/craft.py makes them)")
