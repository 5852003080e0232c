"""What `make demo` runs: a synthetic camera in one process, a reader in another, and the reader's figures."""
