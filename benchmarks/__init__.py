"""glmfit timed against other packages: ``python -m benchmarks --help``."""
