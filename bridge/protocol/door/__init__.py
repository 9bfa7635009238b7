"""What a backend may say: which events, which fields, in which form."""
