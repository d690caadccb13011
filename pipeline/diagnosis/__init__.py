"""The first tensor that differs between two computations of one network, and what shows it."""
