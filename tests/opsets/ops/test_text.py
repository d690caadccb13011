"""Operators on text, which nothing older says."""

from __future__ import annotations

import pytest

from opsets import RetargetError
from tests.opsets.comparing import parse, step


@pytest.mark.parametrize(
    ("opset", "text", "message"),
    [
        (
            20,
            "g (string[2] x, string[2] z) => (string[2] y) { y = StringConcat(x, z) }",
            r"StringConcat \(node 'y'\), opset 20 to 19: no older operator joins strings; .* not known",
        ),
        (
            20,
            'g (string[2] x) => (string[2,M] y, int64[2] n) { y, n = StringSplit<delimiter=" ">(x) }',
            r"StringSplit .*20 to 19: no older operator takes strings apart; .* not known",
        ),
        (
            20,
            'g (string[2] x) => (bool[2] y) { y = RegexFullMatch<pattern="a+">(x) }',
            r"RegexFullMatch .*20 to 19: no older operator matches a pattern .* not known",
        ),
        (
            10,
            'g (string[2] x) => (string[2] y) { y = StringNormalizer<case_change_action="LOWER">(x) }',
            r"StringNormalizer .*10 to 9: no older operator changes the letters .* not known",
        ),
        (
            9,
            """g (int64[4] x) => (float[2] y) {
                y = TfIdfVectorizer<mode="TF", min_gram_length=1, max_gram_length=1, max_skip_count=0,
                    ngram_counts=[0], ngram_indexes=[0,1], pool_int64s=[1,2]>(x)
            }""",
            r"TfIdfVectorizer .*9 to 8: no older operator counts sequences of words; .* not known",
        ),
    ],
)
def test_it_stops_with_the_reason(opset: int, text: str, message: str) -> None:
    model = parse(opset, text)
    with pytest.raises(RetargetError, match=message):
        step(model)
