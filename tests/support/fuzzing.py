"""Damaged and hostile values, and rounds with seeds of their own.

A failure prints its seed: `INFINIUM_OTEL_FUZZ_SEED` repeats it. `tox run -e fuzz` runs for
`INFINIUM_OTEL_FUZZ_S` seconds in all; a normal run of the tests tries a few rounds of each
target.
"""

from __future__ import annotations

import json
import os
import random
import struct
import time
import warnings
from copy import deepcopy
from itertools import count, takewhile

import pytest

ROUNDS = 25
ROUND_S = 10.0
"""CPU seconds that no round may take longer than, however busy the machine is."""
TARGETS = 20
"""How many targets share the time: those of all files in tests/fuzz."""

WORDS = (
    *(None, True, 0, -1, 2**63, 2**64, 10**400, 1e308, "", "\0", "\ud800", "0" * 32),
    *("[" * 400, '{"a":' * 400, "é" * 50, "\x1b[2J", [], {}, [[]], {"": {}}),
)
INTERESTING = (0, 1, 7, 0x0A, 0x12, 0x22, 0x5A, 0x7F, 0x80, 0xFF)


def mutate_bytes(rng, data):
    """Flip, insert, remove and repeat bytes."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(5):
            case 0 if at < len(data):
                data[at] = rng.choice((rng.randrange(256), *INTERESTING))
            case 1:
                data[at:at] = rng.randbytes(rng.randint(1, 8))
            case 2:
                del data[at : at + rng.randint(1, 64)]
            case 3:
                data[at:at] = data[at : at + rng.randint(1, 64)] * rng.randint(1, 40)
            case _:
                data[at:at] = struct.pack(">I", rng.randrange(1 << 32))
    return bytes(data)


def mutate_json(rng, value):
    """Replace, remove, nest and repeat values anywhere in *value*, a copy."""
    value = json.loads(json.dumps(value))
    can_multiply = True
    for _ in range(rng.randint(1, 6)):
        holder, place = _pick(rng, value)
        if holder is None:
            return deepcopy(rng.choice(WORDS))
        match rng.randrange(5):
            case 0:
                holder[place] = deepcopy(rng.choice(WORDS))
            case 1:
                del holder[place]
            case 2:
                for _ in range(rng.choice((1, 50, 120))):
                    holder[place] = [holder[place]]
            case 3:
                # a few times, so that the input stays small itself
                repeats = rng.choice((2, 3, 50) if can_multiply else (1,))
                can_multiply = can_multiply and repeats < 50
                holder[place] = [holder[place]] * repeats
            case _ if isinstance(holder, dict):
                holder[rng.choice(("", "id", "value", "\ud800"))] = deepcopy(
                    rng.choice(WORDS)
                )
    return value


def _pick(rng, value):
    """A container in *value*, and a place in it."""
    holder = place = None
    while isinstance(value, (dict, list)) and value:
        holder = value
        place = rng.choice([*(value if isinstance(value, dict) else range(len(value)))])
        value = value[place]
        if rng.random() < 0.15:
            break
    return holder, place


def write_json(rng, value):
    text = json.dumps(value, ensure_ascii=rng.random() < 0.5)
    data = text.encode("utf-8", "surrogatepass")
    return mutate_bytes(rng, data) if rng.random() < 0.5 else data


def choose_seeds():
    """One seed if it is given; else new ones until the time of a target is over."""
    if given := os.environ.get("INFINIUM_OTEL_FUZZ_SEED"):
        return iter([int(given)])
    seconds = float(os.environ.get("INFINIUM_OTEL_FUZZ_S", "0")) / TARGETS
    if not seconds:
        return iter(range(ROUNDS))
    deadline = time.monotonic() + seconds
    start = random.SystemRandom().getrandbits(48)
    return takewhile(lambda _: time.monotonic() < deadline, count(start))


def run_rounds(name, target, documented):
    """Call *target* with one random generator after the other.

    Args:
        documented: the errors that it may raise. Any other is a failure, and so is a round
            without end.
    """
    for seed in choose_seeds():
        began = time.process_time()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                target(random.Random(f"{name} {seed}"))
        except documented:
            pass
        except Exception as error:  # noqa: BLE001 - whatever it is, the seed must be known
            pytest.fail(
                f"INFINIUM_OTEL_FUZZ_SEED={seed}: {type(error).__name__}: {error}"
            )
        took_s = time.process_time() - began
        assert took_s < ROUND_S, f"INFINIUM_OTEL_FUZZ_SEED={seed} took {took_s:.1f} s"
