"""The ledger: one row a billable call, and the rollups that reports read.

``base`` is what every store offers, ``sqlite`` the embedded store, ``reader`` the read side for the
command line. A row changes once at most, when asynchronous work is settled; the rollups change only
together with a row.
"""
