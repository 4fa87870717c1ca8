"""A mail server and a receiver of webhooks, small and real: sockets, TLS, and moods."""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def certificate(folder: Path, host: str) -> Path:
    """A certificate for a host, signed by its own key: both in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    begins = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    shape = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path = folder / f"{host}.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *shape)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def tls(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


class MailServer(socketserver.ThreadingTCPServer):
    """Takes mail after STARTTLS and a login; `mood` says how it answers the message itself."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, pem: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Mail)
        self.context, self.mood = tls(pem), "250 taken"
        self.letters: list[EmailMessage] = []
        self.logins: list[str] = []
        self.secure: list[bool] = []


class _Mail(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        secure = False
        self.say("220 ready")
        while line := self.rfile.readline().decode().strip():
            word = line.split(":")[0].upper()
            if word.startswith("EHLO"):
                self.say("250-here" if not secure else "250-here\r\n250-AUTH PLAIN")
                self.say("250 STARTTLS" if not secure else "250 8BITMIME")
            elif word == "STARTTLS":
                self.say("220 go")
                self.request = self.server.context.wrap_socket(self.request, server_side=True)
                self.rfile, secure = self.request.makefile("rb"), True
            elif word.startswith("AUTH"):
                self.server.logins.append(line)
                self.say("235 known")
            elif word == "DATA":
                self.say("354 go on")
                self.take(secure)
                if self.server.mood == "silent":
                    return
                self.say(self.server.mood)
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                no = word == "RCPT TO" and self.server.mood.startswith("rcpt")
                self.say(self.server.mood.removeprefix("rcpt ") if no else "250 fine")

    def take(self, secure: bool) -> None:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        letter = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.server.letters.append(letter)
        self.server.secure.append(secure)

    def say(self, text: str) -> None:
        self.request.sendall(text.encode() + b"\r\n")


class Receiver(ThreadingHTTPServer):
    """Takes webhooks; `answer` is a status, or `silent` for none at all."""

    def __init__(self, pem: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Hooked)
        self.answer: int | str = 204
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.names: list[str | None] = []
        if pem is not None:
            context = tls(pem)
            context.sni_callback = lambda _socket, name, _context: self.names.append(name)
            self.socket = context.wrap_socket(self.socket, server_side=True)


class _Hooked(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.got.append((self.path, headers, body))
        if self.server.answer == "silent":
            return
        self.send_response(int(self.server.answer))
        self.send_header("location", "/elsewhere")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


S = TypeVar("S", bound=socketserver.TCPServer)


@contextmanager
def running(server: S) -> Iterator[S]:
    """The server at work in a thread, ended at the end."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
