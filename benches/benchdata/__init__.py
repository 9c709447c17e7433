"""Made-up loan files of any size for the benches and the tests that need many rows."""
