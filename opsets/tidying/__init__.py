"""Makes a graph simpler before and after its way down; the numbers stay."""
