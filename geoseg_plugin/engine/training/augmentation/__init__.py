"""How tiles are varied while training: one module for each kind of change, `varying` and `mixing` put them to use."""
