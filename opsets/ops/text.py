"""Operators on strings: new at 9, 10 and 20.

Only for StringConcat it is proven that nothing older says it; the others have attributes or types with
which they ask for less than letters: a pattern that is one word, no change of case, integers.
"""

from __future__ import annotations

from opsets.registry import impossible, refuses

refuses("StringNormalizer", 10, 9, "no older operator changes the letters of strings")
refuses("TfIdfVectorizer", 9, 8, "no older operator counts sequences of words")
refuses("RegexFullMatch", 20, 19, "no older operator matches a pattern with strings")
impossible(
    "StringConcat",
    20,
    19,
    "no older operator joins strings: their elements are moved, change the case of their letters "
    "(StringNormalizer), are constants or write a number (Cast)",
)
refuses("StringSplit", 20, 19, "no older operator takes strings apart")
