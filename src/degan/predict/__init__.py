"""What ``degan predict`` does: inputs, photos, videos, records, writers."""
