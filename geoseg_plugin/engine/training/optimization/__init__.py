"""How a network learns: optimizer, learning rate, what of it learns, and the average of what it was."""
