"""Which training tiles an epoch shows, and in which order."""
