"""Watching a training: figures and pictures of every epoch, in a folder and in MLflow."""
