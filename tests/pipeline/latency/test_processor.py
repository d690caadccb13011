"""What is said of the processor, and which of them are given to how many threads."""

from __future__ import annotations

import os

import pytest

from pipeline.errors import UsageError
from pipeline.latency.processor import described, has_vnni, processors_for


def test_threads_get_as_many_of_the_processors_that_this_process_may_use() -> None:
    mine = sorted(os.sched_getaffinity(0))
    for threads in range(1, len(mine) + 1):
        assert processors_for(threads) == mine[:threads]


@pytest.mark.parametrize(("threads", "words"), [(0, "1 is the least"), (100_000, "this process may use")])
def test_other_numbers_of_threads_are_refused(threads: int, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        processors_for(threads)


def test_the_processor_has_a_name_and_only_flags_that_tell_kernels_apart() -> None:
    processor = described()
    assert processor["name"]
    assert processor["processors"] == os.cpu_count()
    assert set(processor["flags"]) <= {
        *("avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16", "asimddp")
    }
    assert processor["load"] >= 0


def test_vnni_is_known_by_any_of_its_flags() -> None:
    assert has_vnni(["avx2", "avx512_vnni"])
    assert has_vnni(["asimddp"])
    assert not has_vnni(["avx2", "avx512f"])
