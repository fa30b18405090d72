"""Captured traffic: files of exchanges that were recorded elsewhere, read entry by entry.

``files`` finds out what a file is and cuts it into raw entries, ``har``, ``recordings``, and
``flows`` say what one entry means, ``replay`` runs it through the stations of live traffic.
Nothing here imports mitmproxy: what needs it runs in a process of its own (``old_flows``).
"""
