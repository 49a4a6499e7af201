#!/usr/bin/env python3
"""Runs every test that ./dev test has built, and ends with one line: N passed, N failed, N skipped.

    tests/run.py [FILTER]     only binaries, system tests, replayed cases and checks whose name contains FILTER
"""

import importlib
import os
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "dev" / "tests"
BINARY_TIMEOUT_S = 600

sys.path.insert(0, str(ROOT / "tests" / "system"))
sys.path.insert(0, str(ROOT / "tests" / "tidy"))
sys.path.insert(0, str(ROOT / "tests" / "replay"))


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []
        self.lock = threading.Lock()

    def add(self, passed=0, failed=0, skipped=0):
        with self.lock:
            self.passed += passed
            self.failed += failed
            self.skipped += skipped

    def fail(self, name, text):
        self.add(failed=1)
        self.failures.append((name, text))


def say(status, name, seconds, note=""):
    print(f"  {status:7} {name}  ({seconds:.1f} s){'  ' + note if note else ''}", flush=True)


def parse_catch(xml):
    """(passed, failed, skipped, texts of what failed or was skipped) of a Catch2 XML report. Its JUnit report leaves
    the warnings out, and a warning is how a test says that it was skipped."""
    passed = failed = skipped = 0
    texts = []
    for case in ElementTree.fromstring(xml).iter("TestCase"):
        said = [" ".join((warning.text or "").split()) for warning in case.iter("Warning")]
        skips = [text for text in said if text.startswith("skipped: ")]
        if case.find("OverallResult").get("success") != "true":
            failed += 1
            texts.append(f"{case.get('name')}: " + "\n".join(line.strip() for line in case.itertext() if line.strip()))
        elif skips:
            skipped += 1
            texts += skips
        else:
            passed += 1
    return passed, failed, skipped, texts


def run_binary(path, tally):
    started = time.monotonic()
    # A leak is an error in these; the suppressions are for what lives as long as the process.
    # One seed for every property, so that a run can be repeated; RC_PARAMS of the caller wins.
    env = {"RC_PARAMS": "seed=20240901", **os.environ, "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0",
           "UBSAN_OPTIONS": "print_stacktrace=1"}
    try:
        done = subprocess.run([path, "-w", "NoTests", "-r", "xml"], capture_output=True, text=True, env=env,
                              timeout=BINARY_TIMEOUT_S, errors="replace", check=False)
    except subprocess.TimeoutExpired:
        tally.fail(path.name, f"did not end within {BINARY_TIMEOUT_S} s")
        say("FAILED", path.name, time.monotonic() - started)
        return
    took = time.monotonic() - started
    try:
        passed, failed, skipped, texts = parse_catch(done.stdout)
    except ElementTree.ParseError:
        tally.fail(path.name, f"ended with status {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}")
        say("FAILED", path.name, took)
        return
    tally.add(passed, 0, skipped)
    if failed or done.returncode != 0:
        tally.fail(path.name, "\n".join(texts) + "\n" + done.stderr[-6000:])
        tally.add(failed=max(0, failed - 1))
        say("FAILED", path.name, took, f"{failed} of {passed + failed}")
    else:
        say("ok", path.name, took, f"{passed} cases" + (f", {skipped} skipped: {'; '.join(texts)}" if skipped else ""))


def run_replay_of_inputs(path, tally):
    """A fuzz target over the regressions and the seeds; none of them may break it."""
    started = time.monotonic()
    name = path.name.removeprefix("fuzz_replay_")
    inputs = [ROOT / "tests" / "fuzz" / "regressions" / name, BUILD / "fuzz" / "seeds" / name]
    try:
        done = subprocess.run([path, *inputs], capture_output=True, text=True, errors="replace", timeout=BINARY_TIMEOUT_S, check=False,
                              env={**os.environ, "UBSAN_OPTIONS": "print_stacktrace=1"})
        problem = None if done.returncode == 0 else f"ended with status {done.returncode}:\n{done.stderr[-6000:]}"
    except subprocess.TimeoutExpired as stuck:
        problem = f"did not end within {BINARY_TIMEOUT_S} s: {(stuck.stderr or b'')[-500:]!r}"
    if problem:
        tally.fail(path.name, problem)
        say("FAILED", path.name, time.monotonic() - started)
    else:
        tally.add(passed=1)
        say("ok", path.name, time.monotonic() - started, done.stdout.strip())


def run_simulator(path, tally):
    """Whole networks in virtual time: 500 seeds or three minutes, whichever comes first."""
    started = time.monotonic()
    done = subprocess.run([path, "--seeds", "500", "--seconds", "180"], capture_output=True, text=True, errors="replace",
                          cwd=ROOT, check=False, timeout=BINARY_TIMEOUT_S)
    if done.returncode == 0:
        tally.add(passed=1)
        say("ok", path.name, time.monotonic() - started, done.stdout.strip())
    else:
        tally.fail(path.name, done.stdout[-8000:] + done.stderr[-4000:])
        say("FAILED", path.name, time.monotonic() - started)


def run_programs(wanted, tally):
    """What is compiled: binaries of tests, fuzz targets over their inputs, the simulator. They keep to themselves, so one runs on
    each core; the longest first."""
    def found(folder, pattern):
        return [path for path in sorted(folder.glob(pattern)) if wanted in path.name and os.access(path, os.X_OK) and path.is_file()]

    jobs = [(run_simulator, path) for path in found(BUILD, "pontoon_sim")]
    jobs += [(run_binary, path) for pattern in ("unit_*", "talk_*") for path in found(BUILD, pattern)]
    inputs = found(BUILD / "fuzz", "fuzz_replay_*")
    if inputs:
        subprocess.run([sys.executable, ROOT / "tests" / "fuzz" / "seeds.py", BUILD / "fuzz" / "seeds"], check=True, capture_output=True)
    jobs += [(run_replay_of_inputs, path) for path in inputs]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for job in [pool.submit(run, path, tally) for run, path in jobs]:
            job.result()


def run_python(module_name, wanted, tally):
    """Runs the test_* functions of a module. A Skip exception is said aloud and counted."""
    module = importlib.import_module(module_name)
    import lab  # the harness of tests/system, which tests/tidy shares
    for name, function in lab.collect(module):
        label = f"{module_name}.{name}"
        if wanted not in label:
            continue
        started = time.monotonic()
        try:
            function()
        except lab.Skip as skip:
            tally.add(skipped=1)
            say("skipped", label, time.monotonic() - started, str(skip))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a failing test must not end the run
            tally.fail(label, lab.explain(error))
            say("FAILED", label, time.monotonic() - started)
        else:
            tally.add(passed=1)
            say("ok", label, time.monotonic() - started)


def run_fixtures(wanted, tally):
    """Every case of pcaps/ is one test."""
    import fixtures

    def passed(name, seconds):
        tally.add(passed=1)
        say("ok", name, seconds)

    def failed(name, seconds, text):
        tally.fail(name, text)
        say("FAILED", name, seconds)

    fixtures.run(wanted, passed, failed)


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    tally = Tally()
    started = time.monotonic()
    print("unit, talk, simulator, fuzz targets over their inputs", flush=True)
    run_programs(wanted, tally)
    for area in ("tidy", "replay", "system"):
        print(area, flush=True)
        if area == "replay":
            run_fixtures(wanted, tally)
        for path in sorted((ROOT / "tests" / area).rglob("test_*.py")):
            if str(path.parent) not in sys.path:
                sys.path.insert(0, str(path.parent))
            run_python(path.stem, wanted, tally)
    for name, text in tally.failures:
        print(f"\n--- {name}\n{text}", flush=True)
    print(f"\n{time.monotonic() - started:.0f} s")
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped", flush=True)
    if tally.passed + tally.failed == 0:
        print(f"tests/run.py: nothing is called {wanted!r}", file=sys.stderr)
        return 2
    return 1 if tally.failed else 0


if __name__ == "__main__":
    # However it is ended, what the tests made goes.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
