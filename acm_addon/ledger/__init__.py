"""The ledger: one row a billable call, and the rollups that reports read.

``base`` is what every store offers, ``sqlite`` the embedded store, ``reader`` the read side for the
command line. Rows are never changed; the rollups change only together with the insert of a row.
"""
