"""The command for whoever downloads: what is wrong, missing or extra, and whether it computes the same."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import PipelineError, UsageError
from pipeline.system.interrupts import interruptible
from pipeline.terminal.output import console_for_progress
from pipeline.terminal.progress import Progress, progress_on
from pipeline.verify.report import Outcome, print_outcomes
from pipeline.verify.zoo import Options, verify_file, verify_zoo
from publishing.errors import PublishError
from publishing.inspection.lists import NotAZooError
from publishing.inspection.readers import AbsentError, UnreadableError, reader_of
from publishing.manifest import MANIFEST
from publishing.stores import is_url

ENDINGS = (".onnx", ".tar.gz")
"""Of the files that can be verified one by one."""


def verify_places(places: Sequence[str], public_key: Path | None, digests_only: bool) -> bool:
    """Verify each place, print what was found, and say whether all is well.

    A place is a folder, the URL of one, or the path or URL of a model or an archive.

    Raises:
        UsageError: a place does not exist or is nothing that was published, or the key is not fit.
        PipelineError: a place cannot be read at all, or there is no room to unpack.
        Interrupted: a signal asked to stop.
    """
    _refuse_wrong(places, public_key)
    options = Options(public_key, digests_only, threading.Event())
    with interruptible(options.stop), progress_on(console_for_progress()) as progress:
        outcomes = [_verify(place, options, progress) for place in places]
    print_outcomes(outcomes)
    return not any(outcome.findings for outcome in outcomes)


def _refuse_wrong(places: Sequence[str], public_key: Path | None) -> None:
    for place in places:
        path = Path(place)
        if not is_url(place) and not path.exists():
            raise UsageError(f"{place}: there is no such file or folder.")
        if not is_url(place) and not path.is_dir() and not place.endswith(ENDINGS):
            raise UsageError(
                f"{place}: a file to verify is an .onnx or a .tar.gz; for all of a zoo, name its folder."
            )
        if public_key and place.endswith(ENDINGS):
            raise UsageError(f"{place}: a signature is over a whole zoo; name its folder or URL.")
    if public_key:
        from publishing.trust.signing_keys import fingerprint

        try:
            fingerprint(public_key)
        except PublishError as error:
            raise UsageError(f"--public-key: {error}.") from error


def _verify(place: str, options: Options, progress: Progress) -> Outcome:
    try:
        if place.endswith(ENDINGS) and (is_url(place) or not Path(place).is_dir()):
            return verify_file(place, options, progress)
        return verify_zoo(place, reader_of(place), options, progress)
    except NotAZooError as error:
        raise UsageError(f"{error}.{_hint(place)}") from error
    except AbsentError as error:
        raise UsageError(f"{place}: {error}.") from error
    except UnreadableError as error:
        raise PipelineError(f"{place} cannot be read: {error}. Check the address and the network.") from error
    except PublishError as error:
        raise UsageError(f"{error}.") from error


def _hint(place: str) -> str:
    """Where the top of the zoo is, if ``place`` is a folder inside one."""
    if is_url(place):
        return ""
    above = next((top for top in Path(place).resolve().parents if (top / MANIFEST).is_file()), None)
    return f" It lies inside a published folder: {above}" if above else ""
