"""The command line: a thin reader of the ledger, and the switch of the proxy."""
