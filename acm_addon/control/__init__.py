"""Control data: projects, tokens, keys, and settings, in an SQLite file of their own.

A running proxy sees a change at its next request (``PRAGMA data_version``), and what the drain
writes to the ledger does not wake it.
"""
