"""Carries news between nodes, and finds in the database what it lost of them."""
