"""Tries to move data over FTP in clear text. Usage: unprotected.py ADDRESS ACCESS_CODE CARD."""

import pathlib
import re
import socket
import ssl
import sys

address, code, card = sys.argv[1:]
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE


class Control:
    """A control connection that says exactly what it is told."""

    def __init__(self):
        self.socket = context.wrap_socket(socket.create_connection((address, 990), timeout=60))
        self.lines = self.socket.makefile("r", encoding="utf-8")
        self.answer()
        self.say("USER bblp")
        self.expect("230", f"PASS {code}")

    def answer(self):
        line = self.lines.readline()
        while line[3:4] == "-":
            line = self.lines.readline()
        return line

    def say(self, command):
        self.socket.sendall(f"{command}\r\n".encode())
        return self.answer()

    def expect(self, start, command):
        answer = self.say(command)
        if not answer.startswith(start):
            sys.exit(f"{command}: {answer!r}, and {start} was expected")
        return answer

    def data_port(self, command):
        answer = self.say(command)
        if not answer.startswith("2"):
            return None
        if command == "EPSV":
            return int(re.search(r"\|\|\|(\d+)\|", answer).group(1))
        high, low = re.search(r"(\d+),(\d+)\)", answer).groups()
        return int(high) * 256 + int(low)


def stored():
    return [path for path in pathlib.Path(card).rglob("*") if path.is_file()]


for passive in ("PASV", "EPSV"):
    for protect in ((), ("PBSZ 0",), ("PBSZ 0", "PROT C")):
        control = Control()
        for command in protect:
            answer = control.say(command)
            if command == "PROT C" and answer.startswith("2"):
                sys.exit(f"PROT C was accepted: {answer!r}")
        port = control.data_port(passive)
        data = port and socket.create_connection((address, port), timeout=60)
        answer = control.say("STOR cache/clear.bin")
        if answer.startswith(("1", "2")):
            sys.exit(f"{passive} after {protect}: STOR was answered with {answer!r}")
        for socket_ in (data, control.socket):
            if socket_:
                socket_.close()
    # Protected, and the client speaks clear text all the same.
    control = Control()
    control.expect("200", "PBSZ 0")
    control.expect("200", "PROT P")
    control.expect("200", "TYPE I")
    data = socket.create_connection((address, control.data_port(passive)), timeout=60)
    answer = control.say("STOR cache/clear.bin")
    data.sendall(b"clear text " * 100)
    data.close()
    if answer.startswith("1"):
        answer = control.answer()
    if not answer.startswith(("4", "5")):
        sys.exit(f"{passive}: clear text was answered with {answer!r}")
    control.socket.close()
if stored():
    sys.exit(f"stored: {stored()}")
print("everything was refused")
