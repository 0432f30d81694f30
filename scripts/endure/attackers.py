"""Clients that do their worst, one kind each: functions of the server's address, their own address and a moment at which they end.

They are cheap: requests are made beforehand, sockets block, and answers are read into one buffer and thrown away. Each gives back how many
of its requests were answered with which status; "-" stands for a connection that ended without an answer."""

import collections
import socket
import threading
import time

from endure.families import FAMILIES, node, request
from endure.idle import BodyDripper, Crowd, HeadDripper, Idle, LazyReader
from endure.loop import Loop
from endure.wire import get, post


def connect(address, source, seconds=40.0, receive_buffer=None):
    made = socket.socket()
    made.settimeout(seconds)
    if receive_buffer:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    made.bind((source, 0))
    made.connect(address)
    return made


def send(address, source, data, room):
    """The status of the answer, which is read to its end."""
    try:
        with connect(address, source) as connection:
            connection.sendall(data)
            count = connection.recv_into(room)
            status = bytes(room[9:12]).decode("latin-1") if count else "-"
            # The request says Connection: close.
            while count:
                count = connection.recv_into(room)
            return status
    except OSError:
        return "-"


def in_turns(requests, address, source, end):
    """One after the other, again and again."""
    statuses, room, number = collections.Counter(), bytearray(1 << 18), 0
    while time.monotonic() < end:
        status = send(address, source, requests[number % len(requests)], room)
        statuses[status] += 1
        number += 1
        # Refusals come at once. A loop of nothing else would take the processor that is to be attacked.
        time.sleep(0.002 if status == "200" else 0.020)
    return statuses


def at_once(loops, requests, address, source, end):
    """So many loops, each in a thread that mostly waits."""
    found = []
    threads = [threading.Thread(target=lambda: found.append(in_turns(requests, address, source, end))) for _ in range(loops)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(found, collections.Counter())


def bomb(name, size, endpoint="evaluate"):
    return request(FAMILIES[name][0](size), endpoint, "Connection: close")


def answers(outputs, elements):
    """As many outputs of so many long numbers."""
    nodes = [node("broadcast_to", "s", "x", shape=[elements])] + [node("neg", "x", f"y{i}") for i in range(outputs)]
    return request((nodes, {"s": 1.2345678901234567}), "values", "Connection: close")


def large_answers(address, source, end):
    return in_turns([answers(100, 95_000), answers(5, 95_000), answers(1040, 95_000), answers(2, 95_000)], address, source, end)


def readers_of_nothing(address, source, end):
    """Twenty at a time that ask for megabytes and do not read."""
    statuses, data = collections.Counter(), answers(2, 95_000)
    while time.monotonic() < end:
        held = []
        for _ in range(20):
            try:
                held.append(connect(address, source, 1, receive_buffer=4096))
                held[-1].sendall(data)
            except OSError:
                statuses["-"] += 1
        time.sleep(min(4, max(0, end - time.monotonic())))
        for connection in held:
            try:
                connection.settimeout(0.01)
                statuses[connection.recv(64)[9:12].decode("latin-1") or "-"] += 1
            except OSError:
                statuses["-"] += 1
            connection.close()
    return statuses


def second_derivatives(address, source, end):
    return in_turns([
        bomb("scalar_inputs_stacked", 1500, "hessian"), bomb("scalar_inputs_and_outputs", 4000, "jacobian"), bomb("vector_input", 30_000, "hessian"),
        bomb("split_into_many", 1024, "jacobian"), bomb("vector_input_dense_hessian", 4000, "hessian"), bomb("vector_to_vector", 3000, "jacobian"),
    ], address, source, end)


def largest_jobs(address, source, end):
    """Six loops of the most work that is admitted."""
    side = 220_000
    nodes = [node("broadcast_to", "s", "x", shape=[side]), node("sin", "x", "v"), node("outer", ["v", "v"], "o"), node("sum", "o", "y")]
    return at_once(6, [request((nodes, {"s": 0.5}), "values", "Connection: close")], address, source, end)


def failures_in_copies(address, source, end):
    """Six that ask at the same moment for a plan that none of them will get."""
    return at_once(6, [bomb("grads_around_grads", 14), bomb("chain_of_sin", 3000).replace(b'"sin"', b'"son"', 1)], address, source, end)


def graphs_that_grow(address, source, end):
    return in_turns([
        bomb("grads_around_grads", 8, "check"), bomb("grads_around_grads", 17), bomb("grad_of_each_in_a_chain", 256, "inspect hessian"),
        bomb("scalar_inputs_stacked", 2000, "check"), bomb("split_with_grads", 4000), bomb("einsums_of_32", 512, "hessian"),
    ], address, source, end)


def crowds(address, source, end):
    """Hundreds of connections that send next to nothing."""
    seconds = end - time.monotonic()
    crowd = Crowd(Loop(address, source), [(Idle, 300), (HeadDripper, 100), (BodyDripper, 100), (LazyReader, 50)])
    crowd.run(seconds)
    return collections.Counter(str(client.answer.status) if client.answer else "gone" if client.is_gone else "held" for client in crowd.clients)


def large_bodies(address, source, end):
    """60 MB in chunks; every second one is abandoned in the middle."""
    head = get("/v1/evaluate", "Content-Type: application/json", "Transfer-Encoding: chunked", "Connection: close", method="POST")
    start = post("", {"graph": {"nodes": [node("sum", "x", "y")]}, "inputs": {"x": 0}}).split(b"\r\n\r\n", 1)[1].split(b'"x": 0')[0] + b'"x": [0.5'
    numbers = b",0.123456789012" * ((1 << 20) // 15)
    first, piece = (b"%x\r\n%s\r\n" % (len(text), text) for text in (start, numbers))
    last = b"3\r\n]}}\r\n0\r\n\r\n"
    statuses, number = collections.Counter(), 0
    while time.monotonic() < end:
        number += 1
        try:
            with connect(address, source) as connection:
                connection.sendall(head + first)
                for _ in range(30 if number % 2 else 60):
                    connection.sendall(piece)
                if number % 2:
                    statuses["left"] += 1
                    continue
                connection.sendall(last)
                statuses[connection.recv(4096)[9:12].decode("latin-1") or "-"] += 1
        except OSError:
            statuses["-"] += 1
            time.sleep(0.02)
    return statuses


ATTACKERS = [large_answers, readers_of_nothing, second_derivatives, largest_jobs, failures_in_copies, graphs_that_grow, crowds, large_bodies]
