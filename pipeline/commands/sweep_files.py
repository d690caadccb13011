"""The command that brings ONNX files of others to older opsets, and writes down what became of each."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pipeline.commands.sweep import SweepOptions, finish
from pipeline.errors import UsageError
from pipeline.estimates.shards import portion
from pipeline.sweeps.files import ProcessLimits, SweptFile, files_of, row_of
from pipeline.sweeps.ledger import append, read
from pipeline.system.interrupts import Interrupted, interruptible, stopping
from pipeline.system.locks import locked
from pipeline.terminal.wording import say
from publishing.coverage import Row

_Wanted = tuple[SweptFile, list[int]]


def sweep_files(
    places: Sequence[Path], opsets: Sequence[int], limits: ProcessLimits, options: SweepOptions
) -> int:
    """Try what the ledger does not have yet; the exit code: 0 once it has all of it, whatever became of them.

    Raises UsageError before anything starts, and Interrupted.
    """
    if options.publish:
        raise UsageError(
            "--publish: files are compared with themselves and not published by a sweep. Name them as models "
            "of the source onnx in a pipeline file."
        )
    swept = files_of(places)
    known = read([options.ledger]) if options.ledger.exists() else {}
    ours = portion({file.name: float(file.path.stat().st_size) for file in swept}, options.shard)
    files = [file for file in swept if file.name in ours]
    options.ledger.parent.mkdir(parents=True, exist_ok=True)

    def is_left(row: Row | None) -> bool:
        return row is None or (options.again and not row.good)

    wanted = [(file, [one for one in opsets if is_left(known.get((file.name, one)))]) for file in files]
    left = [(file, some) for file, some in wanted if some]
    say(f"{len(files)} ONNX files, {len(files) - len(left)} of them in {options.ledger} already")
    refused = _run(left, limits, options) if left else []
    return finish(options.ledger, {(file.name, opset) for file in files for opset in opsets}, refused)


def _run(left: Sequence[_Wanted], limits: ProcessLimits, options: SweepOptions) -> list[str]:
    """Try ``left`` and note each in the ledger; what of the machine kept some from being tried."""
    stop, writing, refused = threading.Event(), threading.Lock(), list[str]()
    work = options.ledger.with_name(f"{options.ledger.name}.work").absolute()

    def run(wanted: _Wanted) -> None:
        file, opsets = wanted
        for opset in opsets:
            if stop.is_set():
                return
            try:
                with tempfile.TemporaryDirectory(prefix="file-", dir=work) as folder:
                    row = row_of(file, opset, limits, Path(folder), stop)
            except OSError as error:
                refused.append(f"{error.strerror or error}: {work}. Make room, or make it writable.")
                return
            with writing:
                append(options.ledger, [row])
                say(f"{row.model}@{opset}: {row.stage}{f', {row.cause}' if row.cause else ''}")

    with interruptible(stop), locked(work / "sweep", stop), stopping(stop):
        with ThreadPoolExecutor(options.at_once) as pool:
            ended = [pool.submit(run, wanted) for wanted in left]
        if stop.is_set():
            raise Interrupted
        for each in ended:
            each.result()
    return refused
