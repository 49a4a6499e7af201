"""The command `pontoon replay` itself: verdicts, exit statuses, differences, bad input. It needs no daemon and no privilege."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from fixtures import BINARY, ROOT, replay
from packets import (GATEWAY, START_NS, SYN, WEB, dns_query, echo_request, ethernet, pcap, pcapng, read_pcapng,
                     tcp, udp)

MS = 10**6
CASE = '''title = "A ping and a name"
origin = "this test"
after = "1s"

[[network]]
subnet = "172.17.0.0/16"
gateway_mac = "02:42:ac:11:00:01"

[[endpoint]]
name = "web"
ip = "172.17.0.2"
mac = "02:42:ac:11:00:02"
'''


def to_gateway(packet):
    return ethernet(WEB, GATEWAY, 0x0800, packet)


PING = to_gateway(echo_request("172.17.0.2", "172.17.0.1", 7, 1, b"abcdefgh"))
QUERY = to_gateway(udp(("172.17.0.2", 4000), ("172.17.0.1", 53), dns_query(77, "web")))
FORGED = to_gateway(echo_request("172.17.0.9", "172.17.0.1", 7, 1, b"abcdefgh"))


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="pontoon-replay-") as name:
        yield Path(name)


def write_case(directory, packets=((0, "out", PING), (20 * MS, "out", QUERY)), toml=CASE, interfaces=("web",)):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "case.toml").write_text(toml)
    (directory / "input.pcapng").write_bytes(
        pcapng(interfaces, [(0, START_NS + time_ns, direction, frame) for time_ns, direction, frame in packets]))
    return directory


def expect(done, status, *texts):
    said = done.stdout + done.stderr
    assert done.returncode == status, f"status {done.returncode}, not {status}:\n{said}"
    for text in texts:
        assert text in said, f"no {text!r} in:\n{said}"
    assert "Sanitizer" not in said and "runtime error" not in said, said


# --- playing ---

def test_conversation_is_shown_with_its_times():
    with folder() as tmp:
        done = replay(write_case(tmp / "case"))
        expect(done, 0, "0.000000 web > 172.17.0.2 -> 172.17.0.1 ICMP echo request", "web < 172.17.0.1 -> 172.17.0.2 ICMP echo reply",
               "0.020000 web > ", "DNS NOERROR web A 172.17.0.2", "2 of 2 packets played, 2 frames sent")


def test_answers_come_at_the_captures_times():
    with folder() as tmp:
        expect(replay(write_case(tmp / "case"), "-o", tmp / "out"), 0)
        sent = read_pcapng((tmp / "out" / "web.pcapng").read_bytes())
        assert [time_ns for time_ns, _ in sent] == [START_NS, START_NS + 20 * MS], sent
        reply = sent[0][1]
        assert reply[:14] == PING[6:12] + PING[:6] + PING[12:14] and reply[34] == 0 and reply[42:] == b"abcdefgh", reply.hex()


def test_two_runs_and_a_moved_case_give_the_same_bytes():
    with folder() as tmp:
        case = write_case(tmp / "case")
        shutil.copytree(case, tmp / "elsewhere" / "moved")
        for name, arguments in (("a", [case]), ("b", [case]), ("c", [tmp / "elsewhere" / "moved" / "case.toml"])):
            expect(replay(*arguments, "-o", tmp / name), 0)
        contents = [(tmp / name / "web.pcapng").read_bytes() for name in "abc"]
        assert contents[0] == contents[1] == contents[2]


def test_seed_decides_what_is_random():
    syn = to_gateway(tcp(("172.17.0.2", 4000), ("192.0.2.7", 7), 1000, 0, SYN))
    toml = CASE + '[[tcp_service]]\nat = "192.0.2.7:7"\n'
    with folder() as tmp:
        case = write_case(tmp / "case", [(0, "out", syn)], toml)
        numbers = []
        for seed in ("1", "1", "2"):
            expect(replay(case, "-o", tmp / "out", "--seed", seed), 0)
            numbers.append(read_pcapng((tmp / "out" / "web.pcapng").read_bytes())[0][1][38:42])
        assert numbers[0] == numbers[1] != numbers[2], numbers


def test_inbound_packets_are_not_played():
    with folder() as tmp:
        case = write_case(tmp / "case", [(0, "out", PING), (MS, "in", QUERY), (2 * MS, None, PING)])
        expect(replay(case), 0, "2 of 3 packets played")


def test_file_without_a_case_is_answered():
    with folder() as tmp:
        (tmp / "stranger.pcap").write_bytes(pcap([(START_NS, QUERY)]))
        expect(replay(tmp / "stranger.pcap"), 0, "172.17.0.1 -> 172.17.0.2 DNS NXDOMAIN A? web", "1 of 1 packets played")
        expect(replay("--map", "172.17.0.2=web", tmp / "stranger.pcap"), 0, "DNS NOERROR web A 172.17.0.2")
        with open(tmp / "stranger.pcap", "rb") as file:
            done = subprocess.run([BINARY, "replay", "-"], stdin=file, capture_output=True, text=True, timeout=60, check=False)
        expect(done, 0, "1 of 1 packets played")


def test_needs_no_environment_and_leaves_nothing_behind():
    with folder() as tmp:
        case = write_case(tmp / "case")
        before = sorted(path.name for path in case.iterdir())
        done = subprocess.run([BINARY, "replay", case], env={"ASAN_OPTIONS": "detect_leaks=0"}, cwd="/", capture_output=True, text=True,
                              timeout=60, check=False)
        expect(done, 0, "2 of 2 packets played")
        assert sorted(path.name for path in case.iterdir()) == before


# --- comparing ---

def test_update_then_equal():
    with folder() as tmp:
        case = write_case(tmp / "case")
        expect(replay("--update", case), 0, "updated", "1 files changed")
        expect(replay(case), 0, "equal ")
        expect(replay("--update", case), 0, "0 files changed")


def test_update_removes_what_is_no_longer_sent():
    with folder() as tmp:
        case = write_case(tmp / "case")
        replay("--update", case)
        (case / "expected" / "gone.pcapng").write_bytes((case / "expected" / "web.pcapng").read_bytes())
        (case / "expected" / "notes.txt").write_text("not ours")
        expect(replay(case), 1, "port gone", "expected, not sent")
        expect(replay("--update", case), 0)
        assert sorted(path.name for path in (case / "expected").iterdir()) == ["notes.txt", "web.pcapng"]


def test_difference_is_shown_decoded():
    with folder() as tmp:
        case = write_case(tmp / "case")
        replay("--update", case)
        other = to_gateway(udp(("172.17.0.2", 4000), ("172.17.0.1", 53), dns_query(78, "web")))
        write_case(case, [(0, "out", PING), (20 * MS, "out", other)])
        done = replay("-q", case)
        expect(done, 1, "differs", "port web, frame 2 at 0.020000000 s", "DNS", "0x004d", "0x004e",
               "port web: 2 frames expected, 2 sent; 1 missing, 1 not expected, 0 at another time or place")
        assert QUERY.hex() not in done.stdout, "fields, not hex"


def test_difference_of_times_alone_is_shown():
    with folder() as tmp:
        case = write_case(tmp / "case")
        replay("--update", case)
        write_case(case, [(0, "out", PING), (21 * MS, "out", QUERY)])
        expect(replay("-q", case), 1, "frame 2: expected at 0.020000000 s, sent at 0.021000000 s", "0 missing, 0 not expected, 1 at another")


def test_missing_and_further_frames_are_told():
    with folder() as tmp:
        case = write_case(tmp / "case")
        replay("--update", case)
        write_case(case, [(0, "out", PING)])
        expect(replay("-q", case), 1, "frame 2 at 0.020000000 s: expected, not sent", "2 frames expected, 1 sent; 1 missing")
        write_case(case, [(0, "out", PING), (20 * MS, "out", QUERY), (30 * MS, "out", PING)])
        expect(replay("-q", case), 1, "frame 3 at 0.030000000 s: sent, not expected", "2 frames expected, 3 sent")


def test_nothing_sent_can_be_expected():
    with folder() as tmp:
        case = write_case(tmp / "case", [(0, "out", FORGED)])
        expect(replay("--update", case), 0)
        assert [path.name for path in (case / "expected").iterdir()] == ["web.pcapng"]
        expect(replay(case), 0, "equal ", "0 frames sent")
        write_case(case)
        expect(replay(case), 1, "sent, not expected")


def test_expect_of_another_directory():
    with folder() as tmp:
        case = write_case(tmp / "case")
        expect(replay("--expect", tmp / "want", case), 2, "want: No such file or directory")
        expect(replay("--update", "--expect", tmp / "want", case), 0)
        assert not (case / "expected").exists()
        expect(replay("--expect", tmp / "want", case), 0, "equal ")
        capture = case / "input.pcapng"
        expect(replay("--update", "--expect", tmp / "stranger", "--map", "172.17.0.2=web", capture), 0)
        expect(replay("--expect", tmp / "stranger", "--map", "172.17.0.2=web", capture), 0, "equal ")


def test_drops_are_compared():
    drops = '\n[drops]\n"web/guard_source_ip" = {}\n'
    with folder() as tmp:
        case = write_case(tmp / "case", [(0, "out", FORGED), (MS, "out", PING)], CASE + drops.format(1))
        expect(replay("--update", case), 0)
        expect(replay(case), 0, "equal ", "dropped at web: 1 guard_source_ip")
        write_case(case, [(0, "out", FORGED), (MS, "out", PING)], CASE + drops.format(2))
        expect(replay(case), 1, "drops web/guard_source_ip: 2 expected, 1 counted")
        expect(replay("--update", case), 1, "drops web/guard_source_ip: 2 expected, 1 counted")


def test_several_cases_have_a_line_each_and_the_worst_status():
    with folder() as tmp:
        good, bad = write_case(tmp / "good"), write_case(tmp / "bad")
        expect(replay("--update", good, bad), 0)
        write_case(bad, [(0, "out", PING)])
        expect(replay(good, good), 0)
        done = replay(good, bad)
        expect(done, 1, f"equal      {good}:", f"differs    {bad}:", "expected, not sent")
        assert "ICMP echo request" not in done.stdout.split("differs")[0], "no conversation among several"
        done = replay(tmp / "missing", good)
        expect(done, 2, f"failed     {tmp / 'missing'}", f"equal      {good}:")


def test_json_is_json():
    with folder() as tmp:
        case = write_case(tmp / "case")
        told = json.loads(replay("--json", case).stdout)
        assert (told["verdict"], told["status"], told["packets"], told["played"], told["sent"]) == ("played", 0, 2, 2, 2), told
        assert [event["event"] for event in told["events"]] == ["sent", "received"] * 2, told["events"]
        assert told["endpoints"][0]["mac"] == WEB and told["notes"] == [] and told["drops"] == [], told
        replay("--update", case)
        write_case(case, [(0, "out", PING)])
        done = replay("--json", case, tmp / "missing")
        expect(done, 2)
        differs, failed = map(json.loads, done.stdout.splitlines())
        comparison = differs["comparison"]
        assert differs["verdict"] == "differs" and not comparison["equal"], differs
        assert comparison["first"]["port"] == "web" and comparison["first"]["number"] == 2 and comparison["first"]["got"] is None, comparison
        assert bytes.fromhex(comparison["first"]["expected"]["bytes"])[:6] == PING[6:12], comparison
        assert comparison["ports"] == [{"port": "web", "expected": 2, "got": 1, "missing": 1, "unexpected": 0, "moved": 0}], comparison
        assert failed["verdict"] == "failed" and failed["status"] == 2 and "No such file" in failed["error"], failed


# --- bad input ---

def test_bad_captures_are_refused_with_a_reason():
    with folder() as tmp:
        for name, content, reason in (("empty", b"", "is empty"), ("noise", bytes(range(100)), "neither pcap nor pcapng"),
                                      ("header.pcap", pcap([]), "holds no packet"), ("garbage.pcap", pcap([(0, b"")]), ""),
                                      ("short.pcap", pcap([(START_NS, b"abc")]), "")):
            (tmp / name).write_bytes(content)
            expect(replay(tmp / name), 2, name, reason)
        expect(replay(tmp / "missing.pcap"), 2, "missing.pcap: No such file or directory")
        expect(replay(tmp), 2, "without a case.toml")


def test_capture_that_is_cut_short_is_played_as_far_as_it_goes():
    with folder() as tmp:
        case = write_case(tmp / "case")
        whole = (case / "input.pcapng").read_bytes()
        (case / "input.pcapng").write_bytes(whole[:-30])
        done = replay(case)
        expect(done, 1, "incomplete", "1 of 1 packets played", "the capture is not whole")
        assert "not whole" in done.stderr
        expect(replay(case / "input.pcapng"), 0, "1 of 1 packets played", "the capture is not whole")


def test_every_beginning_of_a_capture_is_survived():
    with folder() as tmp:
        whole = pcapng(["web"], [(0, START_NS, "out", PING)])
        names = []
        for length in range(0, len(whole), 7):
            names.append(tmp / f"{length}.pcapng")
            names[-1].write_bytes(whole[:length])
        done = replay("-q", *names)
        expect(done, 2)
        assert done.returncode == 2, done.stderr


def test_packets_that_cannot_be_played_are_noted():
    with folder() as tmp:
        long_ago = (0, "out", PING)
        case = write_case(tmp / "case", [long_ago, (400 * 86400 * 1000 * MS, "out", PING)])
        expect(replay(case), 0, "note: packet 2: ", "played after 2678400 s")
        frame = pcapng(["web"], [(0, START_NS, "out", PING)])
        at = frame.index(PING) - 4  # the original length in front of the frame
        (case / "input.pcapng").write_bytes(frame[:at] + (1514).to_bytes(4, "little") + frame[at + 4:])
        expect(replay(case), 0, f"note: packet 1: cut to {len(PING)} of 1514 bytes; not played", "0 of 1 packets played")


def test_cases_that_make_no_sense_are_refused():
    with folder() as tmp:
        for text, reason in (("[[endpoint", "case.toml:1: "), ('seed = "one"', "case.toml:1: seed: must be a whole number, not a text"),
                             ('[[endpoint]]\nname = "web"\nadress = "1.2.3.4"', 'case.toml:3: endpoint: unknown key "adress"'),
                             ('title = "x"', "there is no endpoint"),
                             ('[[endpoint]]\nname = "web"\ninterface = "eth7"', "the capture has no interface eth7; it has web"),
                             ('[[endpoint]]\nname = "web"\nnetwork = "back"', "endpoint web: No such network: back"),
                             ('[[endpoint]]\nname = "web"\nip = "10.0.0.1"', "endpoint web: "),
                             ('[[endpoint]]\nname = "a"\n[[endpoint]]\nname = "a"', "endpoint a: The name a is already in use"),
                             ('input = "other.pcap"\n[[endpoint]]\nname = "web"', "other.pcap: No such file"),
                             ('input = ""\n[[endpoint]]\nname = "web"', "nothing happens"),
                             ('[[endpoint]]\nname = "a"\n[[endpoint]]\nname = "b"', "none of the capture's 2 packets is an endpoint's"),
                             ('[[endpoint]]\nname = "web"\n[[impair]]\ntarget = "db"\nwords = "loss=1%"', "impair db: there is no such")):
            write_case(tmp / "case", toml=text)
            expect(replay(tmp / "case"), 2, reason)


def test_wrong_usage_ends_with_2():
    with folder() as tmp:
        case = write_case(tmp / "case")
        (tmp / "a.pcap").write_bytes(pcap([(START_NS, QUERY)]))
        for arguments, reason in (([], "CASE is required"), (["--bogus", case], "--bogus"), (["--seed", "x", case], "seed"),
                                  (["--map", "x", tmp / "a.pcap"], "Invalid --map x"), (["--map", "1.2.3.4=a", tmp / "a.pcap"], "1.2.3.4"),
                                  (["--map", "a=b", case], "--map is for captures"), (["--update", tmp / "a.pcap"], "--expect DIR"),
                                  (["--expect", tmp, case, case], "for one case"), (["-o", tmp, case, case], "for one case"),
                                  (["-o", case / "case.toml" / "x", case], "case.toml")):
            expect(replay(*arguments), 2, reason)


def test_expected_files_that_are_no_captures_are_refused():
    with folder() as tmp:
        case = write_case(tmp / "case")
        (case / "expected").mkdir()
        (case / "expected" / "web.pcapng").write_bytes(b"hello")
        expect(replay(case), 2, "expected file web.pcapng: neither pcap nor pcapng")


def test_reader_that_goes_away_does_not_change_the_verdict():
    with folder() as tmp:
        case = write_case(tmp / "case", [(i * MS, "out", PING) for i in range(2000)])
        read_end, write_end = os.pipe()
        os.close(read_end)
        done = subprocess.run([BINARY, "replay", case], stdout=write_end, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
        os.close(write_end)
        assert done.returncode == 0 and done.stderr == "", (done.returncode, done.stderr)


def test_the_fixtures_are_there():
    areas = {path.parent.parent.name for path in (ROOT / "pcaps").glob("*/*/case.toml")}
    assert {"arp", "dns", "icmp", "ports", "tcp"} <= areas, areas


def test_a_capture_of_ours_replays_connections_from_outside_without_a_case():
    """nginx answers a client of its published port: the client comes again, and gets the same page."""
    done = replay("--json", ROOT / "pcaps/ports/nginx/input.pcapng")
    expect(done, 0)
    told = json.loads(done.stdout)
    assert [endpoint["name"] for endpoint in told["endpoints"]] == ["client"], told["endpoints"]
    assert [client["state"] for client in told["clients"]] == ["ended"], told["clients"]
    assert len(told["clients"][0]["received"]) > 22000
    assert all(drop["where"] != "gateway" for drop in told["drops"]), told["drops"]
