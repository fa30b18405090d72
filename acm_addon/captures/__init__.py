"""Captured traffic: files of exchanges that were recorded elsewhere, read entry by entry.

``files`` finds out what a file is and cuts it into raw entries, ``har`` and ``recordings`` and
``flow_frames`` say what one entry means, ``replay`` runs it through the stations of live traffic.
Nothing here imports mitmproxy: flow files are read by a process of their own, ``acm_addon.flows``.
"""
