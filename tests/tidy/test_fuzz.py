"""The fuzz targets' inputs: those modelled on published attacks are what their script says, and each target has some."""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FUZZ = ROOT / "tests" / "fuzz"


def targets():
    return {path.stem for path in FUZZ.glob("*.cpp")} - {"replay_main"}


def inputs(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.bin"))
            if not path.name.startswith("found-")}


def test_regressions_are_what_the_script_makes():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, FUZZ / "make_regressions.py", folder], check=True, capture_output=True)
        made, kept = inputs(Path(folder)), inputs(FUZZ / "regressions")
    assert len(made) > 80, f"only {len(made)} inputs"
    different = sorted(name for name in made.keys() | kept.keys() if made.get(name) != kept.get(name))
    assert not different, "tests/fuzz/make_regressions.py makes other inputs: " + ", ".join(different)


def test_regressions_belong_to_targets():
    folders = {path.name for path in (FUZZ / "regressions").iterdir()}
    assert folders <= targets(), f"no target: {sorted(folders - targets())}"


def test_seeds_are_made_for_targets():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, FUZZ / "seeds.py", folder], check=True, capture_output=True)
        made = {path.name for path in Path(folder).iterdir()}
    assert made <= targets(), f"no target: {sorted(made - targets())}"


def test_the_page_about_fuzzing_names_every_target():
    page = (ROOT / "docs" / "fuzzing.md").read_text(encoding="utf-8")
    missing = sorted(name for name in targets() if f"`{name}`" not in page)
    assert not missing, f"docs/fuzzing.md does not speak of {missing}"
