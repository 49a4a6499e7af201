"""The library for the tests of others: installed into a directory of its own, the example project finds it, builds and
passes; from the sources it asks for no more."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from lab import ROOT, Skip

EXAMPLE = ROOT / "docs" / "examples" / "testing"
# The optimised build: a sanitized archive would ask the same of everybody who links it.
BUILD = Path(os.environ.get("PONTOON_PACKAGE_BUILD", ROOT / "build" / "release"))
DEADLINE_S = 600


def run(*command, **more):
    # Nobody's own flags and paths: the example is configured as a stranger would.
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("CMAKE_", "CXX", "CPATH", "LDFLAGS"))}
    done = subprocess.run([str(word) for word in command], env=clean, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=DEADLINE_S, check=False, **more)
    assert done.returncode == 0, f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout[-6000:]}"
    return done.stdout


def installed(where):
    if shutil.which("cmake") is None:
        raise Skip("cmake is not installed")
    assert (BUILD / "lab" / "libpontoon_testing.a").exists(), f"{BUILD} has no library: build the preset release first"
    run("cmake", "--install", BUILD, "--prefix", where, "--component", "testing")
    return where


def build_example(where, *options):
    run("cmake", "-G", "Ninja", "-S", EXAMPLE, "-B", where, "-DCMAKE_BUILD_TYPE=Release", *options)
    run("cmake", "--build", where, "-j2")
    return run("ctest", "--test-dir", where, "--output-on-failure", "--no-tests=error")


def test_example_builds_from_the_installed_package():
    with tempfile.TemporaryDirectory(prefix="pontoon-package-") as temporary:
        prefix = installed(Path(temporary) / "prefix")
        said = build_example(Path(temporary) / "build", f"-DCMAKE_PREFIX_PATH={prefix}")
        assert "100% tests passed, 0 tests failed out of 2" in said, said


def test_example_is_configured_from_the_sources():
    """Without the libraries that only the program needs; to build it all once more would show nothing new."""
    with tempfile.TemporaryDirectory(prefix="pontoon-package-") as temporary:
        if shutil.which("cmake") is None:
            raise Skip("cmake is not installed")
        said = run("cmake", "-G", "Ninja", "-S", EXAMPLE, "-B", temporary, f"-DPONTOON_SOURCE={ROOT}",
                   *(f"-DCMAKE_DISABLE_FIND_PACKAGE_{name}=ON" for name in ("Boost", "spdlog", "PkgConfig", "CLI11")))
        assert "Generating done" in said, said


def test_package_may_be_moved():
    with tempfile.TemporaryDirectory(prefix="pontoon-package-") as temporary:
        prefix = installed(Path(temporary) / "first")
        moved = prefix.rename(Path(temporary) / "second")
        for file in moved.rglob("*.cmake"):
            assert str(prefix) not in file.read_text() and str(ROOT) not in file.read_text(), f"{file.name} names a fixed path"


def test_package_asks_for_fmt_alone_and_hands_on_no_flags():
    with tempfile.TemporaryDirectory(prefix="pontoon-package-") as temporary:
        prefix = installed(Path(temporary) / "prefix")
        files = "\n".join(file.read_text() for file in prefix.rglob("*.cmake"))
        asked = re.findall(r"find_dependency\((\w+)", files)
        assert asked == ["fmt"], asked
        assert re.findall(r"LINK_ONLY:([\w:]+)", files) == ["fmt::fmt"], files
        for flag in ("-Werror", "-Wall", "-fsanitize", "INTERFACE_COMPILE_OPTIONS"):
            assert flag not in files, flag
        headers = sorted(path.relative_to(prefix).as_posix() for path in (prefix / "include").rglob("*.h"))
        assert headers == ["include/pontoon/testing.h"], headers


def test_header_stands_alone_in_c_plus_plus_17():
    header = (ROOT / "lab" / "testing" / "testing.h").read_text()
    included = re.findall(r"^#include (\S+)", header, re.MULTILINE)
    assert included and all(re.fullmatch(r"<[a-z_]+>", name) for name in included), included
    with tempfile.TemporaryDirectory(prefix="pontoon-package-") as temporary:
        source = Path(temporary) / "stranger.cpp"
        source.write_text("#include <pontoon/testing.h>\nint main() { return 0; }\n")
        prefix = installed(Path(temporary) / "prefix")
        run("c++", "-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror", "-fsyntax-only",
            f"-I{prefix}/include", source)


def test_wrong_version_is_refused():
    with tempfile.TemporaryDirectory(prefix="pontoon-package-") as temporary:
        prefix = installed(Path(temporary) / "prefix")
        project = Path(temporary) / "project"
        project.mkdir()
        (project / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.25)\nproject(other LANGUAGES CXX)\n"
            "find_package(pontoon 9.0 CONFIG QUIET)\nmessage(STATUS \"found: ${pontoon_FOUND}\")\n"
            "find_package(pontoon 0.1 CONFIG REQUIRED)\nmessage(STATUS \"then: ${pontoon_FOUND} ${pontoon_VERSION}\")\n")
        said = run("cmake", "-G", "Ninja", "-S", project, "-B", Path(temporary) / "build", f"-DCMAKE_PREFIX_PATH={prefix}")
        assert "found: 0" in said and "then: 1 0.1.0" in said, said
