"""What lets others trust a published file: bill of materials, provenance, signature."""
