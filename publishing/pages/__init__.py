"""The pages of a zoo, made from its records alone: model cards in Markdown, and the catalogue in HTML."""
