"""The house rules that a machine can check, as tests. Each names every offence as file:line."""

import re
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests" / "system"), str(ROOT / "tests" / "tidy")]

import cxx  # noqa: E402
from lab import Skip  # noqa: E402

LAYERS = ("core", "bridge", "dhcp", "dns", "proxy", "control", "lab", "app")
FIXTURES, FIXTURE_AREAS = 40, {"arp", "icmp", "dhcp", "dns", "tcp", "udp", "ports", "isolation"}
FUNCTION_LINES, FILE_LINES, FILE_LINES_SOFT, COLUMNS = 70, 600, 400, 100

# What the files of a layer may include of ours, besides the layer itself. The most specific entry counts.
BASE = {"core/base"}
WIRE = BASE | {"core/wire"}
FRAME = WIRE | {"core/frame"}
LINK = FRAME | {"core/link"}
SOCKET = BASE | {"core/socket"}
STACK = LINK | SOCKET | {"core/stack"}
CORE = STACK
RIM = CORE | {"core/host"}
UNDER_LAB = CORE | {"core/capture", "bridge", "dhcp", "dns", "proxy", "control"}
MAY_INCLUDE = {
    "core/base": set(),
    "core/wire": BASE,
    "core/frame": WIRE,
    "core/capture": FRAME,
    "core/link": FRAME,
    "core/socket": BASE,
    "core/stack": LINK | SOCKET,
    "core/host": CORE,
    "bridge": CORE,
    "bridge/ports": RIM | {"bridge"},
    "bridge/netns": RIM | {"bridge", "bridge/ports"},
    "dhcp": CORE,
    "dns": CORE,
    "dns/cares_forwarder": RIM | {"dns"},
    "proxy": CORE,
    "control": RIM | {"core/capture", "bridge", "bridge/ports", "bridge/netns", "dhcp", "dns", "proxy"},
    "lab/dissect": WIRE | {"dns"},
    "lab/world": UNDER_LAB,
    "lab/replay": UNDER_LAB | {"lab/dissect", "lab/world"},
    "lab/adopt": UNDER_LAB | {"lab/world", "lab/replay"},
    "lab/testing": UNDER_LAB | {"lab/dissect", "lab/world", "lab/replay", "lab/adopt"},
    "app": BASE | {"core/capture", "core/link", "bridge/netns", "control", "lab/dissect", "lab/replay", "lab/adopt"},
}

# Engines: no clock, no socket, no file, no thread, no randomness of their own, no output.
ENGINES = ("core/base", "core/wire", "core/frame", "core/link", "core/socket", "core/stack", "core/capture", "bridge", "dhcp", "dns", "proxy", "lab")
NOT_ENGINES = {
    "core/base/log": "writes the log",
    "core/base/unique_fd": "closes descriptors for the rim",
    "core/base/marks": "notes what tests reach, in the preset dev only",
    "core/base/error": "says which invariant was broken before it ends the process",
    "bridge/ports": "the rim's side of a port",
    "bridge/netns": "the client's side: namespaces and processes",
    "dhcp/lease_database": "SQLite",
    "dhcp/sqlite_lease_store": "SQLite's writer thread",
    "dns/cares_forwarder": "the upstream side",
    "dns/resolv_conf": "reads and watches resolv.conf",
    "lab/testing/testing_files": "reads cases and captures for the tests of others",
    "proxy/port_holder": "reads /proc to name who holds a port",
}
FORBIDDEN_CALLS = re.compile(
    r"\b(?:clock_gettime|gettimeofday|getrandom|getentropy|std::random_device|srand|std::rand|usleep|nanosleep|fopen|popen|system|getenv)\b"
    r"|(?<![\w.>:])(?:rand|time|sleep|socket|open|openat|accept4?|connect|bind|recvmsg|sendmsg|ioctl|fork|poll)\s*\((?!std::move)"
    r"|(?<![\w>])::(?:socket|open|connect|bind|recv|send|read|write|ioctl|poll|epoll_wait)\s*\("
    r"|\b(?:std::)?f?printf\s*\(|\bputs\s*\(|\bstd::c(?:out|err|log)\b|\bstd::[io]?fstream\b|\bstd::filesystem\b"
    r"|\bstd::chrono::\w+_clock::now\b|\b(?:system|steady|high_resolution)_clock\b"
    r"|\bstd::(?:thread|jthread|mutex|recursive_mutex|shared_mutex|condition_variable|atomic|async|this_thread)\b|\blog::\w+\s*\(")
# Own methods that are called by their bare names.
OWN_CALLS = {("lab/world/actors.cpp", "connect("): "a client outside, on MemoryNetwork",
             ("lab/world/memory_network.cpp", "bind("): "a place in a table"}
# What stands before the name where it is an own function's declaration, or a constructor's member.
OWN_DECLARATION = re.compile(r"(?<!\breturn)(?<!\belse)(?:\w|[>&*])\s+$")
SYSTEM_HEADER = re.compile(r"^(?:sys|linux|net|netinet|netpacket|arpa)/|^(?:unistd|fcntl|poll|sched|signal|time|pthread|dirent|errno)\.h$")
SYSTEM_HEADER_ALLOWED = {("core/base/address.cpp", "arpa/inet.h"): "inet_pton and inet_ntop, which touch no host"}

THIRD_PARTY = re.compile(r"^(?:boost|spdlog|fmt|netlink|tins|CLI|catch2|rapidcheck|toml\+\+|sodium)/|^(?:ares|sqlite3|seccomp|sodium|CLI11|rapidcheck)\b")
ASIO_HEADERS_IN = ("core/host/", "control/")

# Data path: nothing there may cost an allocation or a reference count per packet.
DATA_PATH = ("core/wire", "core/frame", "core/link", "core/stack", "bridge")

CASTS_ALLOWED = {
    "core/base/bytes.h": "text and bytes",
    "dhcp/lease_database.cpp": "SQLite's unsigned text",
}
STATICS_ALLOWED = {
    ("core/base/log.cpp", "instance"): "the one logger of the process, made at first use",
    ("core/base/marks.cpp", "marks"): "which drop reasons were counted; in the preset dev only (docs/adr/0010-marks.md)",
    ("core/host/kernel_stream.cpp", "scratch"): "where bytes go that nobody reads",
}


def folder(name):
    """"core/wire" for core/wire/tcp.h: the unit that the rules speak of."""
    parts = name.split("/")
    return "/".join(parts[:2]) if len(parts) > 2 else parts[0]


@lru_cache(maxsize=None)
def sources(*tops):
    """(name from the root, text) of every C++ file below these folders."""
    found = []
    for top in tops or LAYERS:
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix in (".h", ".cpp") and path.is_file():
                found.append((path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")))
    assert found, f"no source file below {tops or LAYERS}"
    return found


@lru_cache(maxsize=None)
def code(name):
    return cxx.without_comments((ROOT / name).read_text(encoding="utf-8"))


@lru_cache(maxsize=None)
def outline(name):
    return cxx.outline((ROOT / name).read_text(encoding="utf-8"))


def is_engine(name):
    stem = name.rsplit(".", 1)[0]
    return folder(name) in ENGINES and stem not in NOT_ENGINES and folder(name) not in NOT_ENGINES


def check(offences, rule):
    assert not offences, f"{rule}: {len(offences)}\n  " + "\n  ".join(offences)


def includes(text):
    for number, line in enumerate(text.splitlines(), 1):
        if match := re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line):
            yield number, match[1] == '"', match[2]


def lines_matching(name, pattern, unless_behind=None):
    """(line, what was found); a call does not count where the text before it matches `unless_behind`."""
    for number, line in enumerate(code(name).splitlines(), 1):
        for match in pattern.finditer(line):
            is_call = match.group().endswith("(")
            if not (is_call and unless_behind and unless_behind.search(line[:match.start()])):
                yield number, match.group().strip()


def test_layers_include_only_downwards():
    offences = []
    for name, text in sources():
        stem = name.rsplit(".", 1)[0]
        allowed = MAY_INCLUDE.get(stem, MAY_INCLUDE[folder(name)]) | {folder(name)}
        for number, ours, target in includes(text):
            if ours and folder(target) not in allowed:
                offences.append(f"{name}:{number} includes {target}")
    check(offences, "a layer includes what it must not know (DESIGN 3)")


def test_own_headers_are_included_from_the_root():
    offences = []
    for name, text in sources(*LAYERS, "tests"):
        for number, ours, target in includes(text):
            if ours and not (ROOT / target).is_file():
                offences.append(f'{name}:{number} "{target}" is no path from the root of the repository')
    check(offences, "own headers are included by their path from the root")


def test_third_party_headers_stay_in_source_files():
    offences = []
    for name, text in sources():
        for number, _, target in includes(text):
            if not name.endswith(".h") or not THIRD_PARTY.search(target):
                continue
            if target.startswith("boost/asio/") and name.startswith(ASIO_HEADERS_IN):
                continue
            offences.append(f"{name}:{number} includes <{target}>")
    check(offences, "third-party headers belong into .cpp files (Asio: also headers of core/host and control)")


def test_engines_do_no_input_and_output():
    offences = []
    for name, text in sources():
        if not is_engine(name):
            continue
        offences += [f"{name}:{number} uses {call}" for number, call in lines_matching(name, FORBIDDEN_CALLS, OWN_DECLARATION)
                     if (name, call) not in OWN_CALLS]
        for number, _, target in includes(text):
            if SYSTEM_HEADER.search(target) and (name, target) not in SYSTEM_HEADER_ALLOWED:
                offences.append(f"{name}:{number} includes <{target}>")
    check(offences, "engines read no clock, open nothing, draw no randomness, start no thread and print nothing (DESIGN 4)")


def test_no_shared_ownership_on_the_data_path():
    pattern = re.compile(r"\bstd::(?:function|shared_ptr|make_shared|any)\b|\bthrow\b")
    offences = [f"{name}:{number} uses {what}" for name, _ in sources() if folder(name) in DATA_PATH
                for number, what in lines_matching(name, pattern)]
    check(offences, "the data path has no std::function, no shared_ptr and no exceptions (DESIGN 8.3)")


def test_functions_are_short():
    offences = [f"{name}:{function.begin} {function.name} has {function.lines} lines"
                for name, _ in sources(*LAYERS, "tests") if "/fuzz/" not in name
                for function in outline(name).functions if function.lines > FUNCTION_LINES]
    check(offences, f"functions have at most {FUNCTION_LINES} lines")


def test_files_are_short():
    offences = []
    for name, text in sources(*LAYERS, "tests"):
        count = text.count("\n")
        if count > FILE_LINES:
            offences.append(f"{name}:{count} lines")
        elif count > FILE_LINES_SOFT and not name.startswith("tests/"):
            print(f"          note: {name} has {count} lines, more than {FILE_LINES_SOFT}")
    check(offences, f"files have at most {FILE_LINES} lines")


def test_layout():
    offences = []
    for name, text in sources(*LAYERS, "tests"):
        for number, line in enumerate(text.splitlines(), 1):
            if len(line) > COLUMNS:
                offences.append(f"{name}:{number} has {len(line)} columns")
            if line != line.rstrip():
                offences.append(f"{name}:{number} ends with a blank")
            if "\t" in line:
                offences.append(f"{name}:{number} has a tab")
            if re.match(r"\s*//\s*[-=*#/]{4,}", line):
                offences.append(f"{name}:{number} is a banner")
        if not text.endswith("\n") or text.endswith("\n\n"):
            offences.append(f"{name}: does not end with exactly one newline")
        if name.endswith(".h") and "#pragma once" not in text:
            offences.append(f"{name}: has no #pragma once")
    check(offences, "layout")


def test_formatted():
    tool = shutil.which("clang-format")
    if tool is None:
        raise Skip("clang-format is not installed")
    version = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout
    if " version 14." not in version:
        raise Skip(f"the layout is that of clang-format 14, here is: {version.strip()}")
    names = [name for name, _ in sources(*LAYERS, "tests")]
    done = subprocess.run([tool, "--dry-run", "-ferror-limit=1", "--Werror", *names], cwd=ROOT, capture_output=True, text=True,
                          check=False)
    offences = sorted({match[1] for match in re.finditer(r"^(\S+?:\d+):\d+: error:", done.stderr, re.MULTILINE)})
    check(offences, "not as clang-format lays it out (./dev fmt)")
    assert done.returncode == 0, done.stderr


CONSTANT = re.compile(r"^(?:inline |static |thread_local )*(?:constexpr|consteval|const)\b|\*const \w+\b")
NO_VARIABLE = re.compile(r"^(?:using|typedef|namespace|class|struct|union|enum|template|extern|friend|static_assert|return|concept|\[\[)")


def is_variable(text):
    """`int x`, `static Foo x = …`, `std::array<…> x{}`: a declaration without a parameter list."""
    declarator = re.split(r"[={]", text)[0].strip()
    return bool(re.match(r"^(?:\w|::)[\w:<>,&*\s\[\]]*[\s&*>]\w+(?:\[\w*\])*$", declarator)) and not NO_VARIABLE.search(text)


def test_no_mutable_globals():
    offences = []
    for name, _ in sources():
        for statement in outline(name).statements:
            text = statement.text
            if statement.scope == "namespace" and is_variable(text) and not CONSTANT.search(text):
                offences.append(f"{name}:{statement.line} {text[:60]}")
            if statement.scope == "function" and re.match(r"(?:static|thread_local)\b", text):
                variable = re.split(r"[=({;]", text)[0].split()[-1]
                if not CONSTANT.search(text) and (name, variable) not in STATICS_ALLOWED:
                    offences.append(f"{name}:{statement.line} {text[:60]}")
            if statement.scope == "type" and re.match(r"(?:inline )?static (?!constexpr|const\b|consteval)", text) and "(" not in text:
                offences.append(f"{name}:{statement.line} {text[:60]}")
    check(offences, "no mutable globals and no singletons (DESIGN 8.10)")


def test_engines_cast_nothing_onto_buffers():
    offences = [f"{name}:{number}" for name, _ in sources() if is_engine(name) or name in CASTS_ALLOWED
                for number, _ in lines_matching(name, re.compile(r"\breinterpret_cast\b|\bstd::start_lifetime_as\b|#pragma pack|packed\b"))
                if name not in CASTS_ALLOWED]
    check(offences, "no struct is cast onto a buffer (DESIGN 8.2)")


def test_coroutines_await_no_temporaries():
    """gcc 12 destroys capturing lambdas and braced aggregates twice when they are temporaries of a co_await expression."""
    offences = []
    for name, _ in sources(*LAYERS, "tests"):
        text = code(name)
        for match in re.finditer(r"\bco_await\b[^;]*;", text):
            if re.search(r"\[[^\]\[]*[\w&=][^\]\[]*\]\s*[({]|\w\s*\{[^}]*\}", match.group()):
                offences.append(f"{name}:{text.count(chr(10), 0, match.start()) + 1}")
    check(offences, "hoist lambdas and braced temporaries out of co_await (DESIGN 7)")


def test_nothing_is_left_to_do():
    pattern = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
    offences = []
    texts = list(sources(*LAYERS, "tests"))
    texts += [(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for top in (*LAYERS, "tests", "docs")
              for path in sorted((ROOT / top).rglob("*")) if path.suffix in (".py", ".sh", ".txt", ".cmake", ".md", ".1")]
    for name, text in texts:
        offences += [f"{name}:{number}" for number, line in enumerate(text.splitlines(), 1) if pattern.search(line)]
    check(offences, "what is not done is an issue, not a comment")


def production_without(*stems):
    return "\n".join(code(name) for name, _ in sources() if name.rsplit(".", 1)[0] not in stems)


def test_every_limit_is_used():
    text = code("core/base/limits.h")
    names = re.findall(r"\bconstexpr\s+[\w:]+\s+(k\w+)\s*=", text)
    assert len(names) > 50, "limits.h is not written as this test expects"
    used = set(re.findall(r"\bk[A-Z]\w*\b", production_without("core/base/limits")))
    offences = [f"core/base/limits.h:{text.count(chr(10), 0, text.index(' ' + name + ' ')) + 1} {name}"
                for name in names if name not in used]
    check(offences, "limits that bound nothing")


def test_every_drop_reason_is_counted():
    text = (ROOT / "core/base/drop.h").read_text(encoding="utf-8")
    reasons = re.findall(r"\bX\((\w+), \"", text)
    assert len(reasons) > 30, "drop.h is not written as this test expects"
    used = set(re.findall(r"\bDropReason::(\w+)", production_without("core/base/drop")))
    offences = [f"core/base/drop.h:{text.count(chr(10), 0, text.index(f'X({reason},')) + 1} {reason}"
                for reason in reasons if reason not in used]
    check(offences, "drop reasons that nothing counts")


def test_fixtures_have_provenance():
    """A folder with a capture is a case: its case.toml says what it shows and where it is from, and something is expected."""
    offences = []
    captures = {path.parent for path in (ROOT / "pcaps").rglob("*.pcap*") if path.parent.name != "expected"}
    cases = {path.parent for path in (ROOT / "pcaps").rglob("case.toml")}
    for folder in sorted(captures | cases):
        name = folder.relative_to(ROOT).as_posix()
        if folder not in cases or folder not in captures:
            offences.append(f"{name}: {'a capture without a case.toml' if folder in captures else 'a case without a capture'}")
            continue
        said = dict(re.findall(r'^(title|origin)\s*=\s*"([^"\n]+)"', (folder / "case.toml").read_text(encoding="utf-8"), re.MULTILINE))
        offences += [f"{name}/case.toml has no {key}" for key in ("title", "origin") if len(said.get(key, "")) < 10]
        if not any((folder / "expected").glob("*.pcapng")):
            offences.append(f"{name}: nothing is expected of it")
    check(offences, "fixtures say what they show and where they are from (pcaps/README.md)")
    assert len(cases) >= FIXTURES, f"{len(cases)} fixtures, fewer than {FIXTURES}"


def test_replayed_areas_have_fixtures():
    have = {path.parent.parent.name for path in (ROOT / "pcaps").rglob("case.toml")}
    check(sorted(FIXTURE_AREAS - have), "areas without a fixture")


def test_architecture_names_files_that_exist():
    document = next((path for path in (ROOT / "ARCHITECTURE.md", ROOT / "docs" / "ARCHITECTURE.md") if path.is_file()), None)
    if document is None:
        raise Skip("there is no ARCHITECTURE.md yet")
    tops = "|".join((*LAYERS, "tests", "docs", "pcaps"))
    offences = []
    for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), 1):
        for match in re.finditer(rf"(?<![\w/.-])(?:{tops})/[\w./*{{}},-]*\w[\w*/}}]*", line):
            pattern = match.group().rstrip("./")
            alternatives = [pattern]
            if braces := re.search(r"\{([^}]*)\}", pattern):
                alternatives = [pattern.replace(braces.group(), item) for item in braces[1].split(",")]
            for path in alternatives:
                if not any(ROOT.glob(path)):
                    offences.append(f"{document.name}:{number} {path}")
    check(offences, "paths that do not exist")


def test_manual_names_every_option():
    manual = ROOT / "docs" / "man" / "pontoon.1"
    if not manual.is_file():
        raise Skip("there is no docs/man/pontoon.1 yet")
    text = manual.read_text(encoding="utf-8").replace("\\-", "-")
    offences = []
    for name, source in sources("app"):
        for match in re.finditer(r'add_(?:option|flag)\(\s*"([^"]+)"[^;]*;', source):
            if '->group("")' in match.group():
                continue  # not for people
            line = source.count("\n", 0, match.start()) + 1
            offences += [f"{name}:{line} {option}" for option in match[1].split(",")
                         if option.startswith("-") and not re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text)]
        for match in re.finditer(r'add_subcommand\(\s*"([^"]+)"', source):
            if not re.search(rf"\b{match[1]}\b", text):
                offences.append(f"{name}:{source.count(chr(10), 0, match.start()) + 1} command {match[1]}")
    check(offences, "options that docs/man/pontoon.1 does not have")


def test_messages_of_the_rules():
    """The rules' own eyes: each must see an offence when there is one."""
    outlined = cxx.outline("namespace a {\nint counter = 0;\nconstexpr int kFine = 1;\nstruct S { int x; static int y; };\n"
                           "S::S(int a)\n    : x{a} {\n  static int calls = 0;\n  if (a) {\n    ++calls;\n  }\n}\nint f();\n}\n")
    assert [(f.name, f.begin, f.end) for f in outlined.functions] == [("S::S", 5, 11)], outlined.functions
    variables = [s.text for s in outlined.statements if s.scope == "namespace" and is_variable(s.text) and not CONSTANT.search(s.text)]
    assert variables == ["int counter = 0"], variables
    assert [s.text for s in outlined.statements if s.scope == "function" and s.text.startswith("static")] == ["static int calls = 0"]
    for call in ("int fd = open(path, 0);", "sleep(1);", "std::chrono::steady_clock::now();", "std::mutex lock;", "rand();",
                 "auto now = time(nullptr);", "::socket(1, 2, 3);", 'printf("x");', "log::info(text);"):
        assert FORBIDDEN_CALLS.search(call), call
    for fine in ("flow.open(key);", "port->open();", "lifetime(now);", "snprintf(text, size, format);", "stream->connect(x);"):
        assert not FORBIDDEN_CALLS.search(fine), fine
    assert cxx.without_comments('a "//" /* b\n */ c // d').split() == ["a", '""', "c"]
