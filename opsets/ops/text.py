"""Operators on strings: new at 9, 10 and 20, with nothing older that reads a string."""

from __future__ import annotations

from opsets.registry import refused

refused("StringNormalizer", 10, 9, "no older operator changes the letters of strings")
refused("TfIdfVectorizer", 9, 8, "no older operator counts sequences of words")
refused("RegexFullMatch", 20, 19, "no older operator matches a pattern with strings")
refused("StringConcat", 20, 19, "no older operator joins strings")
refused("StringSplit", 20, 19, "no older operator takes strings apart")
