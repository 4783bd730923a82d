"""What turns windows into probabilities: one opinion or several."""
