"""Operators on strings: new at 9, 10 and 20, with nothing older that reads a string."""

from __future__ import annotations

from opsets.registry import impossible

impossible("StringNormalizer", 10, 9, "no older operator changes the letters of strings")
impossible("TfIdfVectorizer", 9, 8, "no older operator counts sequences of words")
impossible("RegexFullMatch", 20, 19, "no older operator matches a pattern with strings")
impossible("StringConcat", 20, 19, "no older operator joins strings")
impossible("StringSplit", 20, 19, "no older operator takes strings apart")
