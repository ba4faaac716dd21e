"""Chooses indicators: plant.py CAPTURE EVE MALTRAIL.xz OUT PLANTED OTHERS SEED

OUT gets a plain list of PLANTED values that the files hold and OTHERS that a public list holds, shuffled, one a line, and
beside it OUT.expected.json: for each line the (input, record, field) in which it must match. Values that would match nearly
everything are not chosen.
"""

import ipaddress
import json
import random
import re
import sys

import capture
import eve
from capture import opened

# `_` is a wildcard of LIKE (STIX 2.1 §9.6.1): until the program matches it, a value with one is stored, shared and "not matched here".
NAME = re.compile(r"^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.){2,}[a-z]{2,}$")

# What the list is made of.
SORTS = ("ip", "name", "hash")


def usable(sort, value):
    if sort not in SORTS:
        return False
    if sort == "ip":
        return not (value.is_unspecified or value.is_multicast or value.is_loopback or str(value) == "255.255.255.255")
    if sort == "hash":
        return True
    return bool(NAME.match(value))


def others(path, wanted, rng):
    lines = []
    with opened(path) as file:
        for line in file.read().decode().splitlines():
            kind, value, *_ = line.split("\t")
            if kind == "domain" and NAME.match(value):
                lines.append(value)
            elif kind in ("ipv4", "ipv6"):
                try:
                    lines.append(str(ipaddress.ip_address(value)))
                except ValueError:
                    pass  # some have a port
    return rng.sample(lines, wanted)


def matches(facts, values):
    """{value: {(record, field)}}: of each observation, the first field whose value satisfies the indicator."""
    found = {}
    for _, record, fields in facts:
        seen = set()
        for field, sort, value in (fact for fact in fields if fact[1] in SORTS):
            parts = value.split(".") if sort == "name" else []
            candidates = [".".join(parts[at:]) for at in range(len(parts))] if sort == "name" else [str(value)]
            for candidate in candidates:
                if candidate in values and candidate not in seen:
                    seen.add(candidate)
                    found.setdefault(candidate, set()).add((record, field))
    return found


def main():
    pcap, log, public, out, planted, more, seed = sys.argv[1:8]
    rng = random.Random(int(seed))
    facts = {"capture": list(capture.facts(pcap)), "eve": list(eve.facts(log))}
    held = {(sort, str(value)) for part in facts.values() for _, _, fields in part for _, sort, value in fields if usable(sort, value)}
    chosen = [value for _, value in rng.sample(sorted(held), min(int(planted), len(held)))]
    values = list(dict.fromkeys(chosen + others(public, int(more), rng)))
    rng.shuffle(values)
    known = set(values)
    lines = {value: place for place, value in enumerate(values, 1)}
    expected = [[lines[value], value, name, record, field] for name, part in facts.items()
                for value, hits in matches(part, known).items() for record, field in sorted(hits)]
    with open(out, "w") as file:
        file.write("\n".join(values) + "\n")
    with open(out + ".expected.json", "w") as file:
        json.dump({"planted": len(chosen), "values": len(values), "expected": expected}, file)
    print(f"{len(chosen)} planted among {len(values)}, {len(expected)} hits expected")


if __name__ == "__main__":
    main()
