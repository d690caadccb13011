"""What a plan will take: disk and time."""
