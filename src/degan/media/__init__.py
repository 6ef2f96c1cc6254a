"""Images and videos: decoding with size limits, encoding, geometric warping."""
