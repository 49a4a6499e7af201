#!/usr/bin/env python3
"""The small client and server of the benchmarks, the same for every peer.

    talk.py serve PORT                              echoes 64-byte requests
    talk.py rr ADDRESS PORT SECONDS                 one connection, one request at a time
    talk.py crr ADDRESS PORT SECONDS CONCURRENCY    connect, one request, close

The clients print one line of JSON.
"""

import contextlib
import errno
import json
import select
import socket
import sys
import time

REQUEST = b"r" * 64
CONNECTION_DEADLINE_S = 3.0


def serve(port):
    listener = socket.create_server(("0.0.0.0", port), backlog=1024)
    listener.setblocking(False)
    epoll = select.epoll()
    epoll.register(listener.fileno(), select.EPOLLIN)
    clients = {}
    print("ready", flush=True)
    while True:
        for number, _ in epoll.poll():
            if number == listener.fileno():
                accept_all(listener, epoll, clients)
            else:
                answer(number, epoll, clients)


def accept_all(listener, epoll, clients):
    with contextlib.suppress(BlockingIOError):
        while True:
            client, _ = listener.accept()
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            clients[client.fileno()] = client
            epoll.register(client.fileno(), select.EPOLLIN)


def answer(number, epoll, clients):
    try:
        text = clients[number].recv(4096)
        if text:
            clients[number].send(text)
            return
    except OSError:
        pass
    epoll.unregister(number)
    clients.pop(number).close()


def request_response(address, port, seconds):
    times = []
    with socket.create_connection((address, port), 5) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end = time.perf_counter() + seconds
        now = 0.0
        while now < end:
            started = time.perf_counter()
            connection.sendall(REQUEST)
            left = len(REQUEST)
            while left > 0:
                part = connection.recv(left)
                if not part:
                    raise ConnectionResetError("the connection was closed")
                left -= len(part)
            now = time.perf_counter()
            times.append(now - started)
    times.sort()
    return {"p50": times[len(times) // 2] * 1e6, "p99": times[len(times) * 99 // 100] * 1e6, "worst": times[-1] * 1e6}


class Crowd:
    """So many connections at once: each connects, asks, hears, closes, and is replaced by the next."""

    def __init__(self, address, port):
        self.target = (address, port)
        self.epoll = select.epoll()
        self.open = {}
        self.done = 0
        self.errors = {}

    def fail(self, name):
        self.errors[name] = self.errors.get(name, 0) + 1

    def start(self, now):
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.setblocking(False)
        code = connection.connect_ex(self.target)
        if code not in (0, errno.EINPROGRESS):
            connection.close()
            self.fail(errno.errorcode.get(code, str(code)))
            return
        self.open[connection.fileno()] = [connection, False, now]
        self.epoll.register(connection.fileno(), select.EPOLLOUT)

    def end(self, number):
        self.epoll.unregister(number)
        self.open.pop(number)[0].close()

    def step(self, number):
        entry = self.open[number]
        try:
            if not entry[1]:
                entry[0].send(REQUEST)
                entry[1] = True
                self.epoll.modify(number, select.EPOLLIN)
                return
            if len(entry[0].recv(4096)) != len(REQUEST):
                raise ConnectionError(errno.EPIPE, "closed without an answer")
            self.done += 1
        except OSError as error:
            self.fail(errno.errorcode.get(error.errno, str(error)))
        self.end(number)

    def run(self, seconds, concurrency):
        started = now = time.monotonic()
        swept = now
        while now < started + seconds:
            for _ in range(concurrency - len(self.open)):
                self.start(now)
            for number, _ in self.epoll.poll(0.05):
                self.step(number)
            now = time.monotonic()
            if now - swept > 0.5:
                swept = now
                for number in [key for key, entry in self.open.items() if now - entry[2] > CONNECTION_DEADLINE_S]:
                    self.fail("no answer")
                    self.end(number)
        # Who has waited long when the time is up is lost too.
        stuck = sum(1 for entry in self.open.values() if now - entry[2] > 0.5)
        return {"per_s": self.done / (now - started), "errors": self.errors, "stuck": stuck}


def main(arguments):
    kind = arguments[0]
    if kind == "serve":
        serve(int(arguments[1]))
    address, port, seconds = arguments[1], int(arguments[2]), float(arguments[3])
    if kind == "rr":
        print(json.dumps(request_response(address, port, seconds)))
    else:
        print(json.dumps(Crowd(address, port).run(seconds, int(arguments[4]))))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main(sys.argv[1:])
