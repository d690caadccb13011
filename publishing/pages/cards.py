"""Model cards: a README.md for every family, and one for the zoo, from the records alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from publishing.benchmarks import Benchmark
from publishing.errors import PublishError
from publishing.pages.card_groups import grouped, sorted_by
from publishing.pages.family_card import family_card
from publishing.pages.formatting import listed
from publishing.pages.zoo_card import zoo_card
from publishing.record import Record, check

CARD = "README.md"


def cards(records: Sequence[Record], benchmarks: Sequence[Benchmark] = ()) -> dict[str, str]:
    """Write the cards of a zoo: Markdown by path, ``<source>/<family>/README.md`` and ``README.md``.

    The order of the records does not matter.

    Raises:
        PublishError: a record is not one of a unit that may be published, or lacks what a card says.
    """
    ordered = sorted(records, key=sorted_by)
    for record in ordered:
        check(record)
    families = grouped(ordered, lambda record: (record.source, record.family))
    times = {benchmark.name: benchmark for benchmark in benchmarks}
    family_cards = {
        f"{some[0].source}/{some[0].family}/{CARD}": _written(some, partial(family_card, benchmarks=times))
        for some in families
    }
    return {CARD: _written(ordered, zoo_card), **family_cards}


def _written(records: Sequence[Record], write: Callable[[Sequence[Record]], str]) -> str:
    try:
        return write(records)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        names = [record.name for record in records]
        some = [*names[:3], "others"] if len(names) > 3 else names
        raise PublishError(
            f"the card of {listed(some)} cannot be written, because a record lacks what it says "
            f"({type(error).__name__}: {error}); publish these models again"
        ) from error
