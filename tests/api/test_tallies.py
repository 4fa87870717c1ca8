"""Counts of a large queue are kept for as long as they are worth; of a small one never."""

from __future__ import annotations

from alerts.inbox import QueueFilter, Spread
from alerts.limits import Limits
from api.tallies import LARGE, Tallies, key_of


class Counting:
    """A queue whose counting takes a while."""

    def __init__(self, total: int) -> None:
        self.now, self.total, self.times = 0.0, total, 0

    def __call__(self) -> Spread:
        self.now += 0.5
        self.times += 1
        return Spread({("open", "legal"): self.total})


def test_a_large_queue_is_counted_again_when_its_count_is_old() -> None:
    queue = Counting(LARGE)
    tallies = Tallies(lambda: queue.now)
    for _ in range(3):
        tallies.of("a", queue)
    assert queue.times == 1
    tallies.of("b", queue)
    assert queue.times == 2
    queue.now += 9.0  # twenty times half a second are not over for a, counted first
    tallies.of("a", queue)
    assert queue.times == 2
    queue.now += 1.0
    tallies.of("a", queue)
    assert queue.times == 3


def test_a_small_queue_is_counted_for_every_request() -> None:
    queue = Counting(LARGE - 1)
    tallies = Tallies(lambda: queue.now)
    for _ in range(3):
        tallies.of("a", queue)
    assert queue.times == 3


def test_what_an_asker_may_see_is_counted_apart() -> None:
    keys = {key_of(QueueFilter(within=Limits(t))) for t in (None, frozenset({"MON-BID-CV"}))}
    assert len(keys) == 2


def test_states_and_lanes_are_chosen_from_one_count() -> None:
    assert key_of(QueueFilter(states=("open",), lanes=("legal",))) == key_of(QueueFilter())
