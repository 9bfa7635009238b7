"""A door's certificate: read from its files, and read again when they change."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import TypeAlias

from bridge.errors import ConfigInvalid, ConfigProblem
from bridge.log import get_logger

log = get_logger(__name__)

LOOK_EVERY_S = 10.0

_Stamp: TypeAlias = tuple[tuple[int, int, int], ...]


class Certificate:
    """`context` is what a server listens with; `run`, beside it, until cancelled. Who is connected notices nothing.

    Raises ConfigInvalid for files that are no certificate with its key, naming `section`'s keys.
    """

    def __init__(self, certificate_file: Path, key_file: Path, *, section: str) -> None:
        self._certificate_file = certificate_file
        self._key_file = key_file
        self._section = section
        self._seen = self._stamp()
        self._newest = self._load()
        self.context = self._load()
        self.context.sni_callback = self._present  # called for every handshake, also of clients who name no server

    async def run(self) -> None:
        """Look for a change again and again."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.look()

    def look(self) -> None:
        """Take what is in the files, if they have changed and fit together; else the old one goes on."""
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self._newest = self._load()
        except ConfigInvalid as error:
            log.error("certificate not taken, the old one goes on", section=self._section, reason=str(error))
        else:
            log.info("certificate taken", section=self._section, file=str(self._certificate_file))

    def _present(self, connection: ssl.SSLObject, _server: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._newest

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.options |= ssl.OP_NO_RENEGOTIATION
        try:
            context.load_cert_chain(self._certificate_file, self._key_file, password="")
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise self._invalid("tls_key_file", self._key_file, "is not the certificate's key") from error
            rule = f"is no PEM certificate, or {self._key_file} no private key without a passphrase ({error.reason})"
            raise self._invalid("tls_certificate_file", self._certificate_file, rule) from error
        except OSError as error:
            rule = f"or {self._key_file} can't be read: {error.strerror}"
            raise self._invalid("tls_certificate_file", self._certificate_file, rule) from error
        return context

    def _invalid(self, name: str, path: Path, rule: str) -> ConfigInvalid:
        return ConfigInvalid([ConfigProblem("key file", f"{self._section}.{name}", str(path), rule)])

    def _stamp(self) -> _Stamp | None:
        """What tells that a file is another than before. None while one of them isn't there."""
        try:
            found = [path.stat() for path in (self._certificate_file, self._key_file)]
        except OSError:
            return None
        return tuple((file.st_ino, file.st_size, file.st_mtime_ns) for file in found)
