"""Images and videos: decoded within limits, encoded, warped."""
