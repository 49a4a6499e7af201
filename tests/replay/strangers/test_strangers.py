"""Captures of other systems' DHCP and DNS clients, replayed without a case file; the answers are judged here by rules
of the RFCs, with a decoder that shares nothing with the program (wire.py). Standard library only."""

import ipaddress
import json
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import further  # noqa: E402
import judge as court  # noqa: E402
import make  # noqa: E402
import mutated  # noqa: E402
import wire  # noqa: E402

BINARY = Path(os.environ.get("PONTOON_BINARY", ROOT / "build" / "dev" / "pontoon"))
KINDS = {wire.OFFER: "OFFER", wire.ACK: "ACK", wire.NAK: "NAK"}
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 16: "BADVERS"}


def replay(path, *options):
    done = subprocess.run([BINARY, "replay", path, "--json", *options], capture_output=True, timeout=60, check=False)
    text = done.stdout.decode()
    assert done.returncode == 0, f"status {done.returncode}: {done.stderr.decode()[-2000:]}{text[-500:]}"
    assert b"runtime error" not in done.stderr and b"Sanitizer" not in done.stderr, done.stderr.decode()
    return json.loads(text)


# --- DHCP ---

def judge_dhcp_address(asked, frame, answer, kind):
    """RFC 2131 4.1: where a reply goes."""
    if asked["giaddr"] != "0.0.0.0":
        assert (frame["target"], frame["sport"], frame["dport"]) == (asked["giaddr"], 67, 67), f"{kind} goes to {frame['target']}"
        assert frame["target_mac"] == asked["from_mac"], "the relay's MAC"
        assert answer["options"].get(82) == asked["options"].get(82) and (82 not in answer["order"] or answer["order"][-1] == 82), "82"
        return
    if kind == "NAK" or (asked["ciaddr"] == "0.0.0.0" and asked["flags"] & 0x8000):
        want = "255.255.255.255", wire.BROADCAST
    elif asked["ciaddr"] != "0.0.0.0":
        want = asked["ciaddr"], asked["chaddr"]
    else:
        want = answer["yiaddr"], answer["chaddr"]
    assert (frame["target"], frame["target_mac"]) == want, f"{kind} goes to {frame['target']} {frame['target_mac'].hex()}, not {want}"
    assert (frame["sport"], frame["dport"]) == (67, 68), "ports"


def judge_dhcp(asked, frame):
    """RFC 2131 table 3, RFC 6842."""
    answer = wire.parse_dhcp(frame["payload"])
    options, kind = answer["options"], KINDS.get(answer["type"], str(answer["type"]))
    assert answer["op"] == 2 and (answer["htype"], answer["hlen"], answer["hops"], answer["secs"]) == (1, 6, 0, 0), "fixed fields"
    for field in ("xid", "giaddr", "chaddr", "flags"):
        assert answer[field] == asked[field] or (field == "flags" and kind == "NAK"), f"{kind}: {field} {answer[field]} for {asked[field]}"
    assert len(frame["payload"]) >= 300, "shorter than BOOTP allows"
    assert options.get(54) == wire.ip4(frame["source"]), "the server identifier is not the sender"
    assert options.get(61) == (asked["options"].get(61) or None), "client identifier is not echoed"
    for never in (50, 55, 57):
        assert never not in options, f"{kind} has option {never}"
    for option, order in ((1, 3),):
        if option in answer["order"] and order in answer["order"]:
            assert answer["order"].index(option) < answer["order"].index(order), "the mask stands behind the routers"
    if kind == "NAK":
        assert answer["yiaddr"] == answer["ciaddr"] == "0.0.0.0" and not set(options) - {53, 54, 56, 61, 82}, f"NAK with {options}"
    else:
        subnet = ipaddress.ip_network((frame["source"], str(ipaddress.IPv4Address(options[1]))), strict=False)
        informs = asked["type"] == wire.INFORM
        assert (51 in options) != informs, f"{kind}: lease time"
        if informs:
            assert answer["yiaddr"] == "0.0.0.0" and not {58, 59} & set(options), "INFORM is answered with a lease"
        else:
            assert ipaddress.ip_address(answer["yiaddr"]) in subnet and answer["yiaddr"] != frame["source"], answer["yiaddr"]
            times = [struct.unpack("!I", options[code])[0] for code in (58, 59, 51)]
            assert 0 < times[0] < times[1] < times[2], times
        assert answer["ciaddr"] == (asked["ciaddr"] if kind == "ACK" else "0.0.0.0"), "ciaddr"
        for wanted in {1, 3, 6} & set(asked["options"].get(55, b"")):
            assert options.get(wanted), f"{kind} lacks option {wanted}, which was asked for"
    judge_dhcp_address(asked, frame, answer, kind)
    return kind, answer


# --- DNS ---

def judge_dns(message, answer, limit):
    """RFC 1035 4.1, RFC 6891."""
    got = wire.parse_dns(answer)
    asked_flags, = struct.unpack("!H", message[2:4])
    assert got["id"] == struct.unpack("!H", message[:2])[0] and got["flags"] & 0x8000, "ID or QR"
    assert got["flags"] & 0x7900 == asked_flags & 0x7900, f"opcode or RD: {got['flags']:04x} for {asked_flags:04x}"
    assert got["flags"] & 0x0040 == 0, "the reserved bit is set"
    assert len(answer) <= limit, f"{len(answer)} bytes, {limit} are allowed"
    kind = RCODES.get(got["rcode"], str(got["rcode"]))
    assert kind != "SERVFAIL", "SERVFAIL"
    if kind in ("NOERROR", "NXDOMAIN"):
        assert got["flags"] & 0x0080, "RA is not set"
        asked = wire.parse_dns(message)
        assert got["question"] == asked["question"], "the question is not copied"
        assert (got["opt"] is None) == (asked["opt"] is None), "OPT without being asked, or the reverse"
        assert not got["opt"] or (got["opt"]["version"] == 0 and got["opt"]["size"] >= 512), got["opt"]
        assert not got["opt"] or got["opt"]["do"] == asked["opt"]["do"], "DO is not copied"
    return kind


def udp_limit(message):
    try:
        opt = wire.parse_dns(message)["opt"]
    except (AssertionError, struct.error, IndexError):
        opt = None
    return max(512, opt["size"]) if opt else 512


# --- the conversation ---

class Judge:
    """Goes through the events of a replay, and collects what was answered to what, in order."""

    def __init__(self, report):
        self.report, self.kinds, self.streams, self.next_seq = report, [], {}, {}
        self.asked_dhcp, self.asked_dns = {}, {}
        self.gave = {}  # xid -> address, of OFFERs

    def run(self):
        for event in self.report["events"]:
            if event["event"] == "dropped":
                continue
            raw = bytes.fromhex(event["frame"])
            try:
                frame = wire.parse_frame(raw)
            except (AssertionError, IndexError, struct.error):
                if event["event"] == "received":
                    raise
                continue
            if frame.get("protocol") == 17:
                (self.sent if event["event"] == "sent" else self.received)(frame)
            elif frame.get("protocol") == 6:
                self.segment(event["event"], frame)
        return self

    def sent(self, frame):
        if frame["dport"] == 67:
            try:
                message = wire.parse_dhcp(frame["payload"])
            except (AssertionError, IndexError):
                return
            message["from_mac"] = frame["source_mac"]
            self.asked_dhcp[message["chaddr"], message["xid"]] = message
        elif frame["dport"] == 53:
            self.asked_dns.setdefault((frame["source"], frame["sport"], frame["payload"][:2]), []).append(frame)

    def received(self, frame):
        if frame["sport"] == 67:
            answer = wire.parse_dhcp(frame["payload"])
            asked = self.asked_dhcp.get((answer["chaddr"], answer["xid"]))
            assert asked, f"an answer to nobody: {answer}"
            kind, answer = judge_dhcp(asked, frame)
            self.kinds.append((kind, answer["yiaddr"]))
        elif frame["sport"] == 53:
            waiting = self.asked_dns.get((frame["target"], frame["dport"], frame["payload"][:2]))
            assert waiting, f"an answer to nobody: {frame}"
            asked = waiting.pop(0)
            self.kinds.append((judge_dns(asked["payload"], frame["payload"], udp_limit(asked["payload"])), frame["source"]))

    def segment(self, event, frame):
        key = frame["source"], frame["sport"]
        if event == "received" and frame["flags"] & 0x12 == 0x12:
            self.next_seq[key] = frame["seq"] + 1 & 0xFFFFFFFF
        elif event == "received" and frame["payload"] and frame["seq"] == self.next_seq.get(key):
            self.streams[key] = self.streams.get(key, b"") + frame["payload"]
            self.next_seq[key] = frame["seq"] + len(frame["payload"]) & 0xFFFFFFFF


def check_streams(judge, expected):
    text = b"".join(judge.streams.values())
    if expected.startswith("tcp:"):
        assert expected[4:].encode() in text, f"over TCP came {text!r}"
    else:
        length, = struct.unpack("!H", text[:2])
        assert len(text) == 2 + length, text
        got = wire.parse_dns(text[2:])
        assert got["id"] == 0x7777 and got["rcode"] == 0 and got["answers"], got


def check_files(report, directory):
    """The same answers from the files that were written, by other rules."""
    asked = [(event["time_ns"] / 1e9, bytes.fromhex(event["frame"])) for event in report["events"] if event["event"] == "sent"]
    verdict = court.judge(asked, court.frames_of(directory))
    assert not verdict.wrong, verdict.wrong
    return verdict


def check_scene(name, scene):
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / f"{name}.pcap"
        path.write_bytes(scene.pcap())
        judge = Judge(replay(path, "-o", Path(directory) / "out")).run()
        check_files(judge.report, Path(directory) / "out")
    streams = [expected for expected in scene.expect if expected.startswith("tcp")]
    for expected in streams:
        check_streams(judge, expected)
    wanted = [expected for expected in scene.expect if expected != "-" and expected not in streams]
    got = [kind for kind, _ in judge.kinds]
    fits = len(got) == len(wanted) and all(one in want.split("|") for one, want in zip(got, wanted))
    assert fits, f"answered {got}, expected {scene.expect}; {judge.report['notes']} {judge.report['drops']}"
    return judge


def scene_test(name, scene):
    def test():
        check_scene(name, scene)
    test.__name__ = "test_" + name.replace("-", "_")
    return test


for _name, _scene in make.scenes().items():
    _test = scene_test(_name, _scene)
    globals()[_test.__name__] = _test


def test_mutated_messages_are_answered_right_or_not_at_all():
    with tempfile.TemporaryDirectory() as directory:
        for seed in range(4):
            for scene, least in ((mutated.dhcp_scene(seed), 20), (mutated.dns_scene(seed), 250)):
                path, out = Path(directory) / "mutated.pcap", Path(directory) / f"{seed}-{least}"
                path.write_bytes(scene.pcap())
                verdict = check_files(replay(path, "-o", out), out)
                assert len(verdict.answers) >= least, (seed, len(verdict.answers))
                silent = [text for text in verdict.silent if text.startswith("DNS")]
                assert not silent, f"no answer to {silent[:3]}"  # whatever is a query gets one


def test_files_that_cannot_be_played_are_refused_with_a_reason():
    with tempfile.TemporaryDirectory() as directory:
        for name, (content, word) in further.refused_files().items():
            path = Path(directory) / f"{name}.pcap"
            path.write_bytes(content)
            done = subprocess.run([BINARY, "replay", path], capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 2 and word in done.stderr + done.stdout, (name, done.returncode, done.stdout, done.stderr)


def only(kinds, kind):
    return [value for what, value in kinds if what == kind]


def test_the_captured_address_and_server_are_kept():
    judge = check_scene("dhcp-windows", make.scenes()["dhcp-windows"])
    assert only(judge.kinds, "ACK") == [make.LEASED], judge.kinds
    assert judge.report["endpoints"][0]["name"] == "desktop-7f3k2l1", judge.report["endpoints"]


def test_everybody_of_a_crowd_gets_an_address_of_his_own():
    judge = check_scene("dhcp-crowd", make.scenes()["dhcp-crowd"])
    offered = only(judge.kinds, "OFFER")
    assert len(set(offered)) == 150, len(set(offered))


def test_answers_come_from_the_server_that_was_asked():
    judge = check_scene("dns-after-dhcp", make.scenes()["dns-after-dhcp"])
    assert only(judge.kinds, "NOERROR")[0] == "8.8.8.8" and judge.kinds[-1][1] == "8.8.4.4", judge.kinds
    judge = check_scene("dns-musl", make.scenes()["dns-musl"])
    assert sorted(only(judge.kinds, "NOERROR")) == ["1.1.1.1", "1.1.1.1", "8.8.8.8", "8.8.8.8"], judge.kinds


def test_what_the_captured_server_said_is_said_again():
    said = {court.parse_dns(message)["id"]: court.parse_dns(message) for _, message in further.upstream_pairs()}
    judge = check_scene("dns-upstream-answers", further.upstream_scene())
    again = 0
    for event in judge.report["events"]:
        frame = wire.parse_frame(bytes.fromhex(event["frame"]))
        if event["event"] != "received" or frame.get("sport") != 53:
            continue
        got = court.parse_dns(frame["payload"])
        want = said[got["id"]]
        if got["flags"] & 0x0200:
            assert got["size"] <= 512 < want["size"], want
            continue
        sets = [sorted((record["name"], record["type"], record["data"]) for record in message["sections"][0]) for message in (got, want)]
        assert sets[0] == sets[1], sets
        again += bool(sets[0])
    assert again >= 10, again


def test_the_captures_are_equal_on_every_run():
    first = {name: scene.pcap() for name, scene in make.scenes().items()}
    assert first == {name: scene.pcap() for name, scene in make.scenes().items()}


if __name__ == "__main__":
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    failed = 0
    for _name, _function in sorted(globals().copy().items()):
        if not _name.startswith("test_") or wanted not in _name:
            continue
        try:
            _function()
            print(f"  ok      {_name}")
        except (AssertionError, subprocess.TimeoutExpired, KeyError, IndexError, struct.error, ValueError) as error:
            failed += 1
            print(f"  FAILED  {_name}: {type(error).__name__} {error}")
    sys.exit(1 if failed else 0)
