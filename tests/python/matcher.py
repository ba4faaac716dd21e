"""Random patterns and observed data, and what the reference matcher says of them: matcher.py COUNT SEED

A line each: {"pattern", "observed", "expected"}. One object of a type in an observation, one value in a property: what a negation means
where there are several is ours to say (ADR 2).
"""

import json
import random
import sys

from stix2matcher.matcher import match

rng = random.Random(int(sys.argv[2]))
TEXTS = ["a", "b", "ab", "A", "é", "10.0.0.1"]
NETWORKS = ["10.0.0.0/8", "10.1.0.0/16", "192.168.0.0/16"]


def literal(kind):
    if kind == "number":
        return rng.choice(["0", "1", "2", "1.0", "1.5", "-1"])
    if kind == "time":
        return f"t'2026-01-01T00:00:0{rng.randrange(4)}Z'"
    return "'" + rng.choice(TEXTS) + "'"


def comparison():
    if rng.random() < 0.1:
        return f"p:net {rng.choice(['', 'NOT '])}{rng.choice(['ISSUBSET', 'ISSUPERSET'])} '{rng.choice(NETWORKS)}'"
    path, kind = rng.choice([("p:n", "number"), ("p:s", "text"), ("q:s", "text"), ("p:inner.s", "text"), ("q:t", "time"), ("p:list[*]", "number"), ("p:list[1]", "number"), ("p:q_ref.s", "text")])
    negation = "" if "[*]" in path else rng.choice(["", "", "", "NOT "])
    operators = ["=", "=", "<", "<=", ">", ">=", "IN"] + (["!="] if "[*]" not in path else [])
    if kind == "text":
        operators += ["LIKE", "MATCHES"]
    operator = rng.choice(operators)
    if operator == "IN":
        return f"{path} {negation}IN ({literal(kind)}, {literal(kind)})"
    if operator == "LIKE":
        return f"{path} {negation}LIKE '{rng.choice(['%', 'a%', '_', '%b', '_b', '10.%', 'é'])}'"
    if operator == "MATCHES":
        return f"{path} {negation}MATCHES '{rng.choice(['a', '^a$', 'b|é', '[0-9]+', '^.$', ''])}'"
    return f"{path} {negation}{operator} {literal(kind)}"


def expression(depth):
    if depth == 0 or rng.random() < 0.5:
        return comparison()
    # The reference takes AND of one type of object alone.
    if rng.random() < 0.5:
        return f"({expression(depth - 1)} OR {expression(depth - 1)})"
    kind = rng.choice("pq")
    parts = []
    while len(parts) < 2:
        part = comparison()
        if part.startswith(kind):
            parts.append(part)
    return " AND ".join(parts)


def observation(depth):
    if depth == 0 or rng.random() < 0.4:
        text = f"[{expression(2)}]"
    else:
        text = f"({observation(depth - 1)} {rng.choice(['AND', 'OR', 'FOLLOWEDBY'])} {observation(depth - 1)})"
    return text + rng.choice([""] * 5 + [" WITHIN 1 SECONDS", " WITHIN 2.5 SECONDS", " REPEATS 2 TIMES", " START t'2026-01-01T00:00:01Z' STOP t'2026-01-01T00:00:03Z'"])


def observed(number):
    first = rng.randrange(4)
    last = rng.choice([first, first, rng.randrange(first, 5)])
    objects = {}
    if rng.random() < 0.8:
        objects["0"] = {"type": "p", "n": rng.choice([0, 1, 2, 1.5]), "s": rng.choice(TEXTS), "net": rng.choice(NETWORKS), "inner": {"s": rng.choice(TEXTS)}, "list": [rng.randrange(3) for _ in range(rng.randrange(3))]}
        if rng.random() < 0.5:
            objects["0"]["q_ref"] = f"q--1{number}"
    if "q_ref" in objects.get("0", {}) or not objects or rng.random() < 0.5:
        objects["1"] = {"type": "q", "s": rng.choice(TEXTS), "t": f"2026-01-01T00:00:0{rng.randrange(4)}Z"}
    for name, value in objects.items():
        value["id"] = f"{value['type']}--{name}{number}"
    refs = [value["id"] for value in objects.values()]
    data = {"type": "observed-data", "id": f"observed-data--{number}", "spec_version": "2.1", "number_observed": rng.choice([1, 1, 1, 2]), "first_observed": f"2026-01-01T00:00:0{first}Z", "last_observed": f"2026-01-01T00:00:0{last}Z", "object_refs": refs}
    return {"type": "bundle", "id": "bundle--0", "objects": [data, *objects.values()]}


for _ in range(int(sys.argv[1])):
    pattern, data = observation(2), [observed(number) for number in range(rng.randrange(1, 5))]
    try:
        expected = "match" if match(pattern, data, stix_version="2.1") else "no-match"
    except Exception as error:
        expected = f"error {type(error).__name__}: {error}"
    print(json.dumps({"pattern": pattern, "observed": data, "expected": expected}))
