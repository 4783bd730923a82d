"""Keeps what a prediction has finished, for a later run, or for another process."""
