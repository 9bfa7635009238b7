"""What goes on the ledger, bytes for bytes: docs/wire-format.md."""
