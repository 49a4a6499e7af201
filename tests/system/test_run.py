"""What `pontoon run` promises its user: a network, an exit status, signals, and nothing left behind."""

import os
import signal

from lab import Lab, each_user, wait_until


@each_user
def test_the_inside_looks_as_documented(user):
    with Lab(user) as lab:
        script = "ip -o -4 addr show eth0; ip route; cat /etc/resolv.conf; hostname; id -u; ip -o link show lo"
        out = lab.run("--name", "web", "--hostname", "inner", "--", "sh", "-c", script).stdout
        assert "inet 172.17.0.2/16" in out, out
        assert "default via 172.17.0.1 dev eth0" in out, out
        assert "nameserver 172.17.0.1" in out and "search default.internal" in out, out
        assert "\ninner\n" in out and "\n0\n" in out, out
        assert "LOOPBACK,UP" in out, out


@each_user
def test_the_first_run_says_that_it_started_the_daemon_and_the_second_does_not(user):
    with Lab(user) as lab:
        assert "started the daemon" in lab.run("--", "true").stderr
        assert lab.run("--", "true").stderr == ""


@each_user
def test_exit_status_is_passed_through(user):
    with Lab(user) as lab:
        cases = [(["sh", "-c", "exit 0"], 0), (["sh", "-c", "exit 3"], 3), (["sh", "-c", "kill -TERM $$"], 143),
                 (["/etc/passwd"], 126), (["/no/such/program"], 127), (["no-such-program"], 127)]
        for command, status in cases:
            done = lab.run("--", *command, check=False)
            assert done.returncode == status, (command, done)
        assert not lab.endpoints()


@each_user
def test_signals_reach_the_command(user):
    with Lab(user) as lab:
        process = lab.start_run("sig", "--", "sh", "-c", "trap 'echo got; exit 7' USR1; echo ready; while :; do sleep 0.05; done")
        wait_until(lambda: "ready" in process.output(), "the trap is set")
        process.kill(signal.SIGUSR1)
        assert process.wait() == 7, process.output()
        assert "got" in process.output()


@each_user
def test_user_keep_is_oneself_without_capabilities(user):
    with Lab(user) as lab:
        done = lab.run("--user", "keep", "--", "sh", "-c", "id -u; grep CapEff /proc/self/status; ip -o -4 addr show eth0")
        lines = done.stdout.split("\n")
        assert lines[0] == ("0" if user == "root" else "54321"), done.stdout
        assert "inet 172.17.0.2" in done.stdout
        if user != "root":
            assert lines[1].split()[1] == "0" * 16, done.stdout


@each_user
def test_killing_the_command_leaves_nothing(user):
    with Lab(user) as lab:
        process = lab.start_run("one", "-p", "18080:80", "--", "sh", "-c", "sleep 1000 & sleep 1001 & wait")
        victim = next(pid for pid, command in lab.processes().items() if command.startswith("sh -c sleep"))
        os.kill(victim, signal.SIGKILL)
        assert process.wait() == 137
        gone(lab)


@each_user
def test_killing_the_agent_leaves_nothing(user):
    with Lab(user) as lab:
        process = lab.start_run("one", "-p", "18080:80", "--", "sh", "-c", "sleep 1000 & wait")
        runs = [pid for pid, command in lab.processes().items() if " run --name one" in command]
        agent = max(pid for pid in runs if pid != process.pid)
        os.kill(agent, signal.SIGKILL)
        assert process.wait() == 125, process.output()
        gone(lab)


@each_user
def test_killing_the_run_leaves_nothing(user):
    with Lab(user) as lab:
        process = lab.start_run("one", "--", "sh", "-c", "sleep 1000 & wait")
        supervisor = min(pid for pid, command in lab.processes().items() if " run --name one" in command)
        os.kill(supervisor, signal.SIGKILL)
        process.wait()
        gone(lab)


def gone(lab):
    """Only the daemon is left, with no endpoint, and the port is free again."""
    wait_until(lambda: not lab.endpoints(), "the endpoint is gone")
    wait_until(lambda: all("daemon" in command for command in lab.processes().values()), "the processes are gone")
    assert lab.run("-p", "18080:80", "--", "true").returncode == 0


@each_user
def test_a_daemon_that_is_killed_and_does_not_return_ends_the_run(user):
    """[limit:kDaemonReturnWait]"""
    with Lab(user) as lab:
        process = lab.start_run("one", "--", "sleep", "1000")
        os.kill(lab.daemon_pid(), signal.SIGKILL)
        assert process.wait(40) == 125, process.output()
        wait_until(lambda: not lab.processes(), "everything is gone")


@each_user
def test_stop_ends_the_runs_and_the_daemon(user):
    with Lab(user) as lab:
        process = lab.start_run("one", "--", "sleep", "1000")
        lab.pontoon("stop")
        assert process.wait() != 0
        wait_until(lambda: not lab.processes(), "everything is gone")
        assert not list((lab.home / "run").glob("*.sock"))


@each_user
def test_a_detached_endpoint_loses_its_interface_and_its_command_lives_on(user):
    with Lab(user) as lab:
        script = "while ip link show eth0 >/dev/null 2>&1; do sleep 0.05; done; echo gone; exit 4"
        process = lab.start_run("one", "--", "sh", "-c", script)
        lab.pontoon("detach", "one")
        assert process.wait() == 4, process.output()
        assert "gone" in process.output()


@each_user
def test_a_long_command_line_is_shown_cut(user):
    """[limit:kCommandBytes]"""
    with Lab(user) as lab:
        lab.start_run("long", "--", "sh", "-c", "sleep 1000; : " + "x" * 3000)
        shown = lab.endpoints()["long"]["command"]
        assert shown.startswith("sh -c sleep 1000") and len(shown) == 1024, (len(shown), shown[:40])


@each_user
def test_the_same_name_gets_the_same_address(user):
    with Lab(user) as lab:
        lab.run("--name", "first", "--", "true")
        script = "ip -o -4 addr show eth0"
        before = lab.run("--name", "second", "--", "sh", "-c", script).stdout
        lab.run("--name", "third", "--", "true")
        assert lab.run("--name", "second", "--", "sh", "-c", script).stdout == before
        lab.pontoon("stop")
        wait_until(lambda: not lab.processes(), "the daemon ends")
        assert lab.run("--name", "second", "--", "sh", "-c", script).stdout == before


@each_user
def test_both_kinds_of_link_can_be_forced(user):
    with Lab(user) as lab:
        lab.start_run("one", "--link", "packet", "--", "sleep", "1000")
        assert lab.endpoints()["one"]["link"] == "packet"
        assert lab.run("--link", "packet", "--", "ping", "-c1", "-W5", "one").returncode == 0
        done = lab.run("--link", "tap", "--", "ping", "-c1", "-W5", "one", check=False)
        if user == "root":
            assert done.returncode == 0, done
        else:
            assert done.returncode == 125 and "/dev/net/tun" in done.stderr, done
