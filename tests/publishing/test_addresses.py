"""No secret stays in an address, however it is written and wherever it stands."""

from __future__ import annotations

import pytest

from publishing.addresses import names_a_user, without_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:word@host/simple/", "https://host/simple/"),
        ("https://word@host:8080/simple", "https://host:8080/simple"),
        ("https://:word@host", "https://host"),
        ("https://me:wo@rd@host/a@b", "https://host/a@b"),
        ("https://me:wo#rd@host/a", "https://host/a"),
        ("https://me:wo?rd@host/a", "https://host/a"),
        ("s3://KEY:wo/rd@bucket/zoo", "s3://bucket/zoo"),
        ("git+https://me:word@host/r.git@v1#egg=x", "git+https://host/r.git@v1"),
        ("https://host/w.pth?X-Amz-Signature=word&X-Amz-Date=1", "https://host/w.pth"),
        ("see (https://host/w?token=word), or https://host/?sig=word.", "see (https://host/w), or https://host/."),
        ("url 'http://me:word@host/a'\nsee \"http://host/?word\"", "url 'http://host/a'\nsee \"http://host/\""),
        ("moved to https://host/a?next=https://me:word@other/", "moved to https://host/a"),
        ("authorization: Basic d29yZDp3b3Jk", "authorization: Basic ***"),
        ("{'Authorization': 'Bearer word-word'}", "{'Authorization': 'Bearer ***'}"),
    ],
)  # fmt: skip
def test_secrets_are_taken_out(text: str, shown: str) -> None:
    assert without_secrets(text, {}) == shown
    assert without_secrets(shown, {}) == shown


@pytest.mark.parametrize(
    "text",
    [
        "hf://user/repo@main/zoo",
        "http://[::1]:8000/zoo",
        "http://127.0.0.1:8000/a@b.whl",
        "timm/vgg16@7: is extra? yes",
        "name@host, and no address",
        "weights-1.0.whl of the package weights==1.0",
    ],
)
def test_the_rest_stays(text: str) -> None:
    assert without_secrets(text, {}) == text
    assert not names_a_user(text)


def test_the_values_of_secret_variables_are_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"HF_TOKEN": "hf_word1234", "AWS_SECRET_ACCESS_KEY": "wo/rd+5678", "LANG": "C.UTF-8-long"}
    assert without_secrets("hf_word1234 wo/rd+5678 C.UTF-8-long", variables) == "*** *** C.UTF-8-long"
    assert without_secrets("a is a", {"A_TOKEN": "a"}) == "a is a"
    monkeypatch.setenv("UV_INDEX_OURS_PASSWORD", "word-word")
    assert without_secrets("it was word-word") == "it was ***"
