"""DNS as dig, glibc and busybox see it."""

from lab import OUTSIDE_IP, Lab, each_user, need_tools

UPSTREAM = '''
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 53))
print("ready", flush=True)
while True:
    query, client = s.recvfrom(4096)
    end = query.index(0, 12) + 5
    name = query[12:end - 5]
    print("asked", name, flush=True)
    if b"silent" in name:
        continue
    # An A record for whatever is asked: 198.51.100.7, TTL 60.
    answer = b"\\xc0\\x0c\\0\\x01\\0\\x01\\0\\0\\0\\x3c\\0\\x04" + bytes([198, 51, 100, 7])
    s.sendto(query[:2] + b"\\x81\\x80" + struct.pack(">HHHH", 1, 1, 0, 0) + query[12:end] + answer, client)
'''


def dig(lab, *arguments):
    return lab.run("--name", "asker", "--", "dig", "+tries=1", "+time=8", *arguments).stdout


@each_user
def test_names_of_endpoints(user):
    need_tools("dig")
    with Lab(user) as lab:
        lab.start_run("web", "--alias", "www", "--", "sleep", "1000")
        address = lab.address("web")
        for name in ("web", "WEB", "web.default", "web.default.internal", "www", "www.default.internal"):
            assert dig(lab, "+short", name).strip() == address, name
        assert dig(lab, "+short", "-x", address).strip() == "web.default.internal."
        assert dig(lab, "+short", "gateway.pontoon.internal").strip() == "172.17.0.1"
        assert dig(lab, "+short", "host.pontoon.internal").strip() == "172.17.0.1"
        assert dig(lab, "+short", "host.docker.internal").strip() == "172.17.0.1"


@each_user
def test_answers_are_authoritative_and_negative_ones_carry_the_soa(user):
    need_tools("dig")
    with Lab(user) as lab:
        lab.start_run("web", "--", "sleep", "1000")
        positive = dig(lab, "web.default.internal")
        assert "status: NOERROR" in positive and " aa " in positive.replace(";", " "), positive
        no_data = dig(lab, "web.default.internal", "AAAA")
        assert "status: NOERROR" in no_data and "ANSWER: 0" in no_data and "SOA" in no_data, no_data
        missing = dig(lab, "nobody.default.internal")
        assert "status: NXDOMAIN" in missing and "SOA" in missing, missing
        assert "SOA" in dig(lab, "default.internal", "SOA")
        assert "NS" in dig(lab, "default.internal", "NS")
        assert "EDNS: version: 0" in positive


@each_user
def test_tcp(user):
    need_tools("dig")
    with Lab(user) as lab:
        lab.start_run("web", "--", "sleep", "1000")
        assert dig(lab, "+tcp", "+short", "web").strip() == lab.address("web")
        many = dig(lab, "+tcp", "+keepopen", "web", "A", "web.default.internal", "A", "nobody.default.internal", "A")
        assert many.count("status: ") == 3, many


@each_user
def test_glibc_and_busybox_find_names(user):
    with Lab(user) as lab:
        lab.start_run("web", "--", "sleep", "1000")
        address = lab.address("web")
        assert lab.run("--", "getent", "ahostsv4", "web").stdout.startswith(address)
        assert address in lab.run("--", "busybox", "nslookup", "web.default.internal").stdout
        assert lab.run("--", "getent", "hosts", address).stdout.split()[1] == "web.default.internal"


@each_user
def test_other_names_are_asked_upstream_once_and_cached(user):
    need_tools("dig")
    with Lab(user) as lab:
        upstream = lab.start_outside("python3", "-c", UPSTREAM)
        lab.wait_for_text(upstream, "ready")
        assert dig(lab, "+short", "example.com").strip() == "198.51.100.7"
        assert dig(lab, "+short", "EXAMPLE.com").strip() == "198.51.100.7"
        asked = [line for line in upstream.output().splitlines() if "example" in line.lower()]
        assert len(asked) == 1, asked


@each_user
def test_private_names_never_leave(user):
    need_tools("dig")
    with Lab(user) as lab:
        upstream = lab.start_outside("python3", "-c", UPSTREAM)
        lab.wait_for_text(upstream, "ready")
        for name in ("nobody", "nobody.default.internal", "5.0.17.172.in-addr.arpa"):
            assert "status: NXDOMAIN" in dig(lab, name), name
        assert "asked" not in upstream.output(), upstream.output()


@each_user
def test_there_is_always_an_answer(user):
    need_tools("dig")
    with Lab(user) as lab:
        assert "status: SERVFAIL" in dig(lab, "example.com"), "nobody listens upstream"
        upstream = lab.start_outside("python3", "-c", UPSTREAM)
        lab.wait_for_text(upstream, "ready")
        assert "status: SERVFAIL" in dig(lab, "silent.example.com"), f"{OUTSIDE_IP} never answers"


@each_user
def test_a_name_disappears_with_its_endpoint(user):
    need_tools("dig")
    with Lab(user) as lab:
        process = lab.start_run("web", "--", "sleep", "1000")
        assert dig(lab, "+short", "web").strip() == lab.address("web")
        process.end()
        assert "status: NXDOMAIN" in dig(lab, "web")


@each_user
def test_an_alias_of_two_endpoints_has_both_addresses(user):
    need_tools("dig")
    with Lab(user) as lab:
        lab.start_run("one", "--alias", "both", "--", "sleep", "1000")
        lab.start_run("two", "--alias", "both", "--", "sleep", "1000")
        assert set(dig(lab, "+short", "both").split()) == {lab.address("one"), lab.address("two")}
