"""One file per wire format, plus the HTTP transport and the table of providers."""
