"""A node's TLS certificate: fetched, held against the address book, and what it is to be called.

Nodes sign their certificates themselves and are reached by addresses that don't stand in them, so neither chain nor
name proves anything. What does is the address book's hash: SHA-384 of the certificate in PEM form, in hexadecimal.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ssl
from contextlib import suppress

from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

from topics.errors import Unavailable


class CertificateRefused(Unavailable):
    """Whoever answers there can't show the certificate of the address book: an old book, or not the node."""


async def fetch(address: str, *, timeout_s: float) -> str:
    """The certificate that `host:port` shows, in PEM, unchecked. Raises Unavailable."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port), ssl=context)
    except (OSError, TimeoutError) as error:
        raise Unavailable(address, f"no TLS: {error or type(error).__name__}") from error
    try:
        shown: bytes | None = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    if shown is None:
        raise CertificateRefused(address, "it shows no certificate")
    return ssl.DER_cert_to_PEM_cert(shown)


def check(pem: str, expected_hash: str, remote: str) -> None:
    """Raises CertificateRefused unless the certificate's hash is the expected one; none expected fits none."""
    shown = hashlib.sha384(pem.encode()).hexdigest()
    if not expected_hash:
        raise CertificateRefused(remote, "no certificate hash is known of it")
    if not hmac.compare_digest(shown, expected_hash.lower().removeprefix("0x")):
        raise CertificateRefused(remote, f"its certificate has the hash {shown[:16]}…, not {expected_hash[:16]}…")


def name_in(pem: str) -> str:
    """A name that the certificate is good for. Raises ValueError if it has none."""
    certificate = x509.load_pem_x509_certificate(pem.encode())
    with suppress(x509.ExtensionNotFound):
        names = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
        assert isinstance(names, x509.SubjectAlternativeName)
        for name in (*names.get_values_for_type(x509.DNSName), *names.get_values_for_type(x509.IPAddress)):
            return str(name)
    for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME):
        return str(attribute.value)
    raise ValueError("the certificate has no name")
