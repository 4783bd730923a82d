"""From an image and a model to a map of classes."""
