"""The door for applications that write rows into their own database: no request, no client library."""
