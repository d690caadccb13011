"""The side of a process that is timed: it computes when it is told to, and says how long that took.

Several processes are measured at the same time and take turns, so that a noisy moment hits all of them.
Whoever started this one writes a line for each turn into one pipe and reads the answer from another::

    {"batch": 4, "runs": 10}
    {"seconds": [0.0312, ...], "peak_memory": 612352000, "processors": [0, 1]}

or ``{"error": "..."}`` where the model cannot compute such a batch. ``{"end": true}`` ends it, unanswered.
``peak_memory`` are the most bytes that the process ever had resident, as the system counts them;
``processors`` those that any of its threads may run on.

Standard library only, and no syntax newer than Python 3.8: the environments of all sources run it, who find
it on their module search path.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import Any, Callable, Dict, List, Mapping, Sequence

Run = Callable[[Any], Any]
"""Computes the outputs of one batch, float32 (N, C, H, W)."""
_LOOK_SECONDS, _MOST_SECONDS_AWAKE = 0.01, 1.0
"""How long the use of the processors is watched at a time, and in all."""


def pin(processors: Sequence[int]) -> None:
    """Let every thread of this process run on ``processors`` alone; those that they start inherit it."""
    for thread in os.listdir("/proc/self/task"):
        os.sched_setaffinity(int(thread), processors)


def forget_peak() -> None:
    """Count the most resident bytes anew from here on: what came before is not what the model needs.

    Where the kernel does not offer that, all is counted.
    """
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w", encoding="ascii") as marks:
        marks.write("5")  # proc_pid_clear_refs(5): the peak becomes what is resident now


def take_turns(run: Run, inputs: Mapping[str, Any], request: Mapping[str, Any]) -> None:
    """Serve the pipes ``turns`` and ``answers`` of ``request`` until they say that it is over.

    ``inputs`` are arrays by their batch, such as ``"4"``.
    """
    with open(request["turns"], encoding="utf-8") as turns:  # noqa: SIM117 - Python 3.8 has no other way
        with open(request["answers"], "w", encoding="utf-8") as answers:
            for line in turns:
                turn = json.loads(line)
                if turn.get("end"):
                    return
                answer = _answer(run, inputs[str(turn["batch"])], turn["runs"])
                _fall_asleep()
                answers.write(json.dumps(answer) + "\n")
                answers.flush()


def _answer(run: Run, array: Any, runs: int) -> Dict[str, Any]:
    try:
        seconds = [_seconds(run, array) for _ in range(runs)]
    except Exception as error:  # noqa: BLE001 - whatever is raised is the answer for this batch
        return {"error": f"{type(error).__name__}: {error}"}
    return {"seconds": seconds, "peak_memory": peak_memory(), "processors": processors()}


def _fall_asleep() -> None:
    """Wait until this process's threads rest: who is next has the same processors, and is to have them alone.

    Threads that have computed spin for a while, in the hope of more: Intel's OpenMP for 200 ms, KMP_BLOCKTIME
    in its documentation. Those that never rest are left to themselves.
    """
    end = time.monotonic() + _MOST_SECONDS_AWAKE
    while time.monotonic() < end:
        used = time.process_time()
        time.sleep(_LOOK_SECONDS)
        if time.process_time() - used < _LOOK_SECONDS / 10:
            return


def _seconds(run: Run, array: Any) -> float:
    begun = time.perf_counter()
    run(array)
    return time.perf_counter() - begun


def peak_memory() -> int:
    """The most bytes that this process had resident since it began.

    ``VmHWM`` of proc_pid_status(5), and not what getrusage(2) tells: that begins with what the process had
    that started this one.
    """
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def processors() -> List[int]:
    """The processors that any thread of this process may run on."""
    allowed = set()
    for thread in os.listdir("/proc/self/task"):
        try:
            allowed |= os.sched_getaffinity(int(thread))
        except ProcessLookupError:  # it has ended meanwhile
            continue
    return sorted(allowed)
