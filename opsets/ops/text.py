"""Operators on strings: new at 9, 10 and 20.

For none of them it is proven that nothing older says it: a pattern may be one word, strings may be changed in
no letter, joined with nothing or have no elements, and what is counted may be integers.
"""

from __future__ import annotations

from opsets.registry import refuses

refuses("StringNormalizer", 10, 9, "no older operator changes the letters of strings")
refuses("TfIdfVectorizer", 9, 8, "no older operator counts sequences of words")
refuses("RegexFullMatch", 20, 19, "no older operator matches a pattern with strings")
refuses("StringConcat", 20, 19, "no older operator joins strings")
refuses("StringSplit", 20, 19, "no older operator takes strings apart")
