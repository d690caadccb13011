"""Pictures into tensors, and logits into class names: what is fed to a classifier and what it says."""
