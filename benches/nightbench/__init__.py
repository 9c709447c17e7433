"""Parts of the night's bench: kept data, a home with its server, the measured worker, the COPY."""
