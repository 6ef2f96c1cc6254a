"""What ``benchmarks/peers.py`` is made of, and one small script a peer (``*_peer.*``)."""
