"""An SMTP server (RFC 5321, STARTTLS after RFC 3207) that keeps the letters it takes."""

import asyncio
import ssl
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default


@dataclass
class Mailbox:
    """`refuses` is what it says to every recipient instead of taking the letter."""

    tls: ssl.SSLContext | None = None
    refuses: str | None = None
    letters: list[EmailMessage] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    logins: int = 0
    port: int = 0

    async def __aenter__(self) -> "Mailbox":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"220 mailbox\r\n")
            while line := (await reader.readline()).decode().strip():
                await self._answer(line, reader, writer)
        except (OSError, EOFError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _answer(self, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        verb = line.split()[0].upper()
        if verb == "EHLO":
            offer = "STARTTLS" if self.tls and writer.get_extra_info("ssl_object") is None else "AUTH PLAIN"
            writer.write(f"250-mailbox\r\n250 {offer}\r\n".encode())
        elif verb == "STARTTLS":
            writer.write(b"220 go on\r\n")
            await writer.drain()
            assert self.tls is not None
            await writer.start_tls(self.tls)
        elif verb == "AUTH":
            self.logins += line.endswith("AGd3AGh1bnRlcjI=")  # \0gw\0hunter2
            writer.write(b"235 fine\r\n" if line.endswith("AGd3AGh1bnRlcjI=") else b"535 no\r\n")
        elif verb == "RCPT" and self.refuses:
            writer.write(f"{self.refuses}\r\n".encode())
        elif verb == "DATA":
            writer.write(b"354 go on\r\n")
            letter = message_from_bytes(await reader.readuntil(b"\r\n.\r\n"), policy=default)
            assert isinstance(letter, EmailMessage)
            self.letters.append(letter)
            self.encrypted.append(writer.get_extra_info("ssl_object") is not None)
            writer.write(b"250 taken\r\n")
        elif verb == "QUIT":
            writer.write(b"221 bye\r\n")
        else:
            writer.write(b"250 fine\r\n")
