"""What a training can be asked for, one module for each side of it; `stages.training` puts them together."""
