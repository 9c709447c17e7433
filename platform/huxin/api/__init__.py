"""HTTP for machines."""
