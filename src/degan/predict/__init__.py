"""Recognition in photos, videos and from cameras: inputs, records and files to write."""
