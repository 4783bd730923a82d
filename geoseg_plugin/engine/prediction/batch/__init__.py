"""Puts many scenes through one network."""
