"""The documents say what the code says: limits, drop reasons, options, API routes, and paths that exist."""

import subprocess
import sys

from lab import ROOT


def test_documents_agree_with_the_code():
    done = subprocess.run([sys.executable, ROOT / "docs" / "check.py"], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
