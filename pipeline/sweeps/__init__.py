"""Every model that a source offers, tried at the opsets asked for: what became of each, and why."""
