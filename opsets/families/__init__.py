"""What many operators share."""
