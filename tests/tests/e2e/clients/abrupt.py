"""Uploads a file many times over FTPS, closing each data connection without close_notify.

Usage: abrupt.py ADDRESS ACCESS_CODE COUNT FILE CARD. Prints how many were whole, how many were refused with an error,
and how many were acknowledged and are not whole.
"""

import ftplib
import hashlib
import pathlib
import socket
import ssl
import sys

address, code, count, name, card = sys.argv[1:]
content = pathlib.Path(name).read_bytes()
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
context.minimum_version = ssl.TLSVersion.TLSv1_3


class Implicit(ftplib.FTP_TLS):
    """TLS from the first byte."""

    def open(self):
        plain = socket.create_connection((address, 990), timeout=120)
        self.af = plain.family
        self.sock = context.wrap_socket(plain)
        self.file = self.sock.makefile("r", encoding="utf-8")
        self.welcome = self.getresp()
        self.login("bblp", code, secure=False)
        self.prot_p()


def upload(target):
    client = Implicit(context=context, timeout=120)
    client.host = address
    client.open()
    client.voidcmd("TYPE I")
    data = client.transfercmd(f"STOR {target}")
    data.sendall(content)
    data.close()  # No unwrap(): the printer sees an end without close_notify.
    try:
        return client.voidresp()
    except ftplib.Error as error:
        return str(error)
    finally:
        client.close()


expected = hashlib.sha256(content).digest()
whole, refused, broken = 0, 0, 0
for number in range(int(count)):
    target = f"cache/abrupt-{number}.bin"
    answer = upload(target)
    stored = pathlib.Path(card, target)
    if not answer.startswith("226"):
        refused += 1
    elif hashlib.sha256(stored.read_bytes()).digest() == expected:
        whole += 1
    else:
        broken += 1
    stored.unlink(missing_ok=True)
print(f"{whole} whole, {refused} refused, {broken} broken".replace(",", " "))
