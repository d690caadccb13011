"""The command for whoever downloads: what is wrong, missing or extra, and whether it computes the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from parity.compare import Tolerance
from pipeline.errors import PipelineError, UsageError
from pipeline.system.interrupts import Interrupted, interruptible
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


def verify_places(
    places: Sequence[str], public_key: Path | None, digests_only: bool, relative: float | None = None
) -> bool:
    """Verify each place, print what was found, and say whether all was checked and is well.

    A place is a folder, the URL of one, or the path or URL of a model or an archive. ``relative`` bounds the
    largest error as a share of the largest reference output, in the place of the bound of each record.

    Raises:
        UsageError: a place does not exist or is nothing that was published, or the key is not fit.
        PipelineError: a place cannot be read at all, or there is no room to unpack.
        Interrupted: a signal asked to stop.
    """
    _refuse_wrong(places, public_key)
    _refuse_bound(relative, digests_only)
    options = Options(public_key, digests_only, relative)
    try:
        with interruptible(options.stop), progress_on(console_for_progress()) as progress:
            outcomes = [_verify(place, options, progress) for place in places]
    except Interrupted:
        raise Interrupted("interrupted; nothing was changed") from None
    print_outcomes(outcomes)
    return all(outcome.good for outcome in outcomes)


def _refuse_bound(relative: float | None, digests_only: bool) -> None:
    if relative is None:
        return
    if digests_only:
        raise UsageError("--relative is a bound for what runtimes compute, and --digests-only runs none.")
    try:
        Tolerance(relative)
    except ValueError as error:
        raise UsageError(f"--relative: {error}.") from error


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
        hint = " Check the address and the network." if is_url(place) else ""
        raise PipelineError(f"{place} cannot be read: {error}.{hint}") from error
    except PublishError as error:
        raise UsageError(f"{error}.") from error


def _hint(place: str) -> str:
    """Where the top of the zoo is, if ``place`` is a folder inside one."""
    if is_url(place):
        return ""
    above = next((top for top in Path(place).resolve().parents if (top / MANIFEST).is_file()), None)
    return f" It lies inside a published folder: {above}" if above else ""
