"""How often published models, single files and their sources are right on labelled pictures."""
