"""Parts of the enquiry's bench: a filled registry, load clients, pgbench, reservations, where the time goes."""
