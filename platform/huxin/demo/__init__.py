"""`make demo` and `make serve`: a night of six members, questions over HTTP, a reservation, a receipt."""
