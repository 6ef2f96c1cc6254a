"""Modules of ``benchmarks/peers.py``, and one small script per peer (``*_peer.*``)."""
