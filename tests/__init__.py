"""The tests, the benchmark commands and the programs that made the assets."""
