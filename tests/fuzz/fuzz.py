#!/usr/bin/env python3
"""Runs the fuzz targets of build/fuzz, two at a time, and prints what each has done. ./dev fuzz builds them first.

    tests/fuzz/fuzz.py [TARGET...] [--seconds N] [--seed N] [--build FOLDER]

Ends with status 1 when a target has failed; the input that did it is kept, and the command to run it again is shown.
What a run has learned stays in build/fuzz/corpus and is where the next one begins.
"""

import argparse
import os
import random
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))

import seeds  # noqa: E402

LONGEST_INPUT = 8192
INPUT_TIMEOUT_S = 10
MEMORY_MB = 2048


class Fuzzing:
    def __init__(self, options):
        self.options = options
        self.build = Path(options.build)
        self.seed = options.seed or random.SystemRandom().randrange(1, 1 << 31)
        self.seeds = self.build / "seeds"

    def names(self):
        built = sorted(path.name[5:] for path in (self.build / "tests" / "fuzz").glob("fuzz_*") if os.access(path, os.X_OK) and path.is_file())
        unknown = sorted(set(self.options.targets) - set(built))
        if unknown:
            sys.exit(f"fuzz: there is no target {', '.join(unknown)}; there is: {' '.join(built)}")
        return self.options.targets or built

    def run(self, name):
        corpus, crashes = self.build / "corpus" / name, self.build / "crashes"
        corpus.mkdir(parents=True, exist_ok=True)
        crashes.mkdir(parents=True, exist_ok=True)
        before = len(list(corpus.iterdir()))
        program = self.build / "tests" / "fuzz" / f"fuzz_{name}"
        given = [folder for folder in (HERE / "regressions" / name, self.seeds / name) if folder.is_dir()]
        # libFuzzer's own weighing of rare features takes longer than our larger targets do: off, `network` runs three times as often.
        command = [program, "-entropic=0", f"-max_total_time={self.options.seconds}", f"-seed={self.seed}", f"-timeout={INPUT_TIMEOUT_S}",
                   f"-rss_limit_mb={MEMORY_MB}", f"-max_len={LONGEST_INPUT}", "-print_final_stats=1", f"-artifact_prefix={crashes}/{name}-",
                   corpus, *given]
        started = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False,
                              env={**os.environ, "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"})
        said = done.stderr
        executions = re.findall(r"stat::number_of_executed_units:\s*(\d+)", said)
        edges = re.findall(r"\bcov: (\d+)", said)
        kept = re.findall(r"Test unit written to (\S+)", said)
        return {"name": name, "status": done.returncode, "executions": int(executions[-1]) if executions else 0,
                "edges": int(edges[-1]) if edges else 0, "new": len(list(corpus.iterdir())) - before,
                "seconds": time.monotonic() - started, "said": said, "kept": kept[-1] if kept else "", "program": program}


def show(result):
    print(f"{result['name']:14} {result['executions']:>12,} {result['edges']:>8,} {result['new']:>8,} {result['seconds']:>6.0f} s"
          f"  {'ok' if result['status'] == 0 else 'FAILED'}", flush=True)


def show_failure(result):
    print(f"\n--- {result['name']} (status {result['status']})")
    lines = [line for line in result["said"].splitlines() if not re.match(r"#\d|\s+NEW_FUNC|INFO:", line)]
    print("\n".join(lines[:60]))
    if result["kept"]:
        print(f"again: {result['program']} {result['kept']}")
        print(f"keep:  cp {result['kept']} tests/fuzz/regressions/{result['name']}/found-WHAT.bin")


def main():
    parser = argparse.ArgumentParser(prog="./dev fuzz", description="fuzz the targets of tests/fuzz")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=20, help="for each target (20)")
    parser.add_argument("--seed", type=int, default=0, help="of the fuzzer; by default another one each time")
    parser.add_argument("--build", default=str(ROOT / "build" / "fuzz"), help=argparse.SUPPRESS)
    fuzzing = Fuzzing(parser.parse_args())
    names = fuzzing.names()
    seeds.write(fuzzing.seeds)
    print(f"{len(names)} targets, {fuzzing.options.seconds} s each, seed {fuzzing.seed}\n")
    print(f"{'target':14} {'executions':>12} {'edges':>8} {'new':>8} {'took':>8}")
    failed = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        for result in pool.map(fuzzing.run, names):
            show(result)
            if result["status"] != 0:
                failed.append(result)
    for result in failed:
        show_failure(result)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
