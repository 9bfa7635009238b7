"""The legacy framing of the plain socket: AES-256-CBC under one static key, for clients that are being moved away.

Not authenticated: whoever can write to the connection can change what the client reads, and a client that tells a bad
padding from a bad text gives the text away. TLS has to protect it; the key is every client's, and protects nothing.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

KEY_BYTES = 32
IV_BYTES = 16


def encrypt(text: bytes, key: bytes, *, iv: bytes) -> str:
    """`<iv>:<ciphertext>`, both hexadecimal, with PKCS#7 padding, as Node's `createCipheriv("aes-256-cbc")` pads."""
    padder = PKCS7(algorithms.AES.block_size).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    padded = padder.update(text) + padder.finalize()
    return f"{iv.hex()}:{(encryptor.update(padded) + encryptor.finalize()).hex()}"
