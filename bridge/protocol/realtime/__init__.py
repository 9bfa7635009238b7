"""Centrifugo's client protocol, version 2: one session as transitions, commands in, replies out."""
