"""Replays every case of pcaps/ and compares with what it expects, each a test of its own: replay.dns/names-of-endpoints.

One process plays many cases, as it takes far longer to start under the sanitizers than to play one.
"""

import json
import os
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BINARY = Path(os.environ.get("PONTOON_BINARY", ROOT / "build" / "dev" / "pontoon"))
BATCH = 50
TIMEOUT_S = 300


def cases():
    return sorted(path.parent for path in (ROOT / "pcaps").glob("*/*/case.toml"))


def replay(*arguments, binary=None):
    return subprocess.run([binary or BINARY, "replay", *map(str, arguments)], capture_output=True, text=True, errors="replace",
                          timeout=TIMEOUT_S, check=False)


def label(case):
    return f"replay.{case.parent.name}/{case.name}"


def verdicts(batch):
    """case -> its object in the JSON output; what is missing was not reached."""
    found = {}
    done = replay("--json", *batch)
    for line in done.stdout.splitlines():
        try:
            told = json.loads(line)
            found[Path(told["case"])] = told
        except (ValueError, KeyError):
            break
    return found


def explain(case, told):
    """Why a case is no success; None when it is one."""
    if told is None:
        done = replay("-q", case)
        return f"no verdict; alone it ends with status {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    if told["verdict"] == "equal" and (case / "expected").is_dir():
        return None
    if told["verdict"] == "played" or not (case / "expected").is_dir():
        return "there is no expected/; ./dev bless makes it, and you look at what it says"
    if told["verdict"] == "failed":
        return told["error"]
    done = replay("-q", case)
    return done.stdout[-6000:] + done.stderr[-3000:]


def run(wanted, passed, failed):
    """Calls passed(name, seconds) or failed(name, seconds, text) for each case whose name contains `wanted`."""
    chosen = [case for case in cases() if wanted in label(case)]
    for start in range(0, len(chosen), BATCH):
        batch = chosen[start:start + BATCH]
        started = time.monotonic()
        told = verdicts(batch)
        each = (time.monotonic() - started) / len(batch)
        for case in batch:
            text = explain(case, told.get(case))
            if text is None:
                passed(label(case), each)
            else:
                failed(label(case), each, text)
