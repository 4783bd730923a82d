"""What the stages that predict ask for, in parts."""
