"""Tokens (JWT): whose keys are taken, what a good token says, and what was revoked."""
