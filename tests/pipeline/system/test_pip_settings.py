"""pip's settings: read where pip reads them, handed on to uv where uv has none."""

from __future__ import annotations

from pathlib import Path

from pipeline.system.pip_settings import PipSettings, read_pip_settings, uv_variables


def _environment(folder: Path, text: str, **more: str) -> dict[str, str]:
    (folder / "pip.conf").write_text(text, encoding="utf-8")
    return {"HOME": str(folder), "PIP_CONFIG_FILE": str(folder / "pip.conf"), **more}


def test_files_are_read(tmp_path: Path) -> None:
    text = (
        "[global]\nindex-url = https://mirror.example/simple\nfind_links = /wheels /more\n"
        "[install]\nextra-index-url =\n  https://a.example/simple\n  https://b.example/simple\n"
    )
    settings = read_pip_settings(_environment(tmp_path, text))
    assert settings.index_url == "https://mirror.example/simple"
    assert settings.find_links == ("/wheels", "/more")
    assert settings.extra_index_urls == ("https://a.example/simple", "https://b.example/simple")


def test_variables_win_over_files(tmp_path: Path) -> None:
    environment = _environment(
        tmp_path, "[global]\nindex-url = https://file.example\n", PIP_INDEX_URL="https://variable.example"
    )
    assert read_pip_settings(environment).index_url == "https://variable.example"


def test_a_broken_file_is_left_to_pip(tmp_path: Path) -> None:
    assert (
        read_pip_settings(_environment(tmp_path, "no section\n", PIP_CERT="/ca.pem")).certificate == "/ca.pem"
    )


def test_uv_is_told_what_pip_is_told() -> None:
    settings = PipSettings(
        index_url="https://main.example",
        extra_index_urls=("https://a.example", "https://b.example"),
        find_links=("/wheels", "/more"),
        certificate="/ca.pem",
        trusted_hosts=("inner.example",),
    )
    assert uv_variables(settings, {}) == {
        "UV_DEFAULT_INDEX": "https://main.example",
        "UV_INDEX": "https://a.example https://b.example",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/wheels,/more",
        "SSL_CERT_FILE": "/ca.pem",
        "UV_INSECURE_HOST": "inner.example",
    }


def test_what_the_user_tells_uv_stays() -> None:
    settings = PipSettings(index_url="https://main.example", find_links=("/wheels",))
    assert uv_variables(settings, {"UV_DEFAULT_INDEX": "https://uv.example"}) == {"UV_FIND_LINKS": "/wheels"}


def test_nothing_said_is_nothing_handed_on() -> None:
    assert uv_variables(PipSettings(), {}) == {}
