"""What a prediction writes."""
