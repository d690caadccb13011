"""What is known of values: types, shapes, lengths, constants, and versions of operators."""
