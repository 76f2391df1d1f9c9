#!/usr/bin/env python3
"""Prints a CPU profile as Go writes it (gzipped protocol buffers): which functions the time was spent in.

    scripts/read-profile.py FILE [how many lines]

`flat` is the function's own share, `cum` its share with all it called. Machine code that wazero made of a wasm module has
no names: it counts for `(no name)`, and below its caller, `wazevo.entrypoint` or the like, in `cum`.
"""

import collections
import gzip
import sys


def varint(data, place):
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7


def fields(data):
    place = 0
    while place < len(data):
        key, place = varint(data, place)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, place = varint(data, place)
        elif kind == 2:
            length, place = varint(data, place)
            value, place = data[place : place + length], place + length
        else:
            sys.exit(f"a field of kind {kind}: no profile")
        yield number, value


def packed(value):
    if isinstance(value, int):
        return [value]
    numbers, place = [], 0
    while place < len(value):
        number, place = varint(value, place)
        numbers.append(number)
    return numbers


def read(path):
    with gzip.open(path) as file:
        data = file.read()
    samples, locations, functions, strings = [], {}, {}, []
    for number, value in fields(data):
        if number == 2:
            sample = {1: [], 2: []}
            for inner, content in fields(value):
                if inner in sample:
                    sample[inner] += packed(content)
            samples.append((sample[1], sample[2][-1]))
        elif number == 4:
            identifier, lines = 0, []
            for inner, content in fields(value):
                if inner == 1:
                    identifier = content
                elif inner == 4:
                    lines += [function for part, function in fields(content) if part == 1]
            locations[identifier] = lines
        elif number == 5:
            function = dict(fields(value))
            functions[function[1]] = function.get(2, 0)
        elif number == 6:
            strings.append(value.decode())
    names = {identifier: strings[place] for identifier, place in functions.items()}
    return [([[names[line] for line in locations[each]] or ["(no name)"] for each in stack], cost) for stack, cost in samples]


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    lines = int(sys.argv[2]) if len(sys.argv) > 2 else 40
    flat, cumulated, total = collections.Counter(), collections.Counter(), 0
    for stack, cost in read(sys.argv[1]):
        frames = [name for location in stack for name in location]
        total += cost
        flat[frames[0] if frames else "(nothing)"] += cost
        for name in set(frames):
            cumulated[name] += cost
    print(f"{total / 1e9:.2f} s of CPU time")
    for title, counter in [("flat", flat), ("cum", cumulated)]:
        print(f"\nby {title}:      flat     cum")
        for name, _ in counter.most_common(lines):
            print(f"  {100 * flat[name] / total:12.1f}% {100 * cumulated[name] / total:6.1f}%  {name}")


main()
