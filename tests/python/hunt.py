"""Every public list over every input, and what must come of it.

hunt.py prepare LISTS CAPTURE DECODED OUT SEED PLANTED EVE…   chooses and writes what is looked for besides, and what is expected
hunt.py compare OUT HITS.jsonl STDERR                         holds hits and refused lines against it

DECODED is what `bridgewatch decode CAPTURE` says; of it only what comes out of TCP streams is used (HTTP, TLS, DNS over TCP), whose ends must be
those of the packet it names: the rest of the capture, and EVE, is read independently. Hits are compared with their multiplicity, all of them.
"""

import ipaddress
import json
import random
import re
import sys
import unicodedata
import uuid
from collections import Counter, defaultdict
from pathlib import Path

import capture
import eve
import lists
from capture import opened
from objects import Verdict

SPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")
ADDRESS_RECORDS, NAME_RECORDS = {"A", "AAAA"}, {"CNAME", "NS", "PTR", "MX", "SRV", "DNAME", "SOA"}


def streams(path, capture_path):
    """What came out of TCP streams, read from the program's own lines, each held against the packet it names."""
    found = []
    with open(path) as file:
        for event in map(json.loads, file):
            if "tls" in event or "url" in event or "http" in event or ("dns" in event and event["network"]["transport"] == "tcp"):
                found.append((event["bridgewatch"]["record"], list(fields(event))))
    wanted = defaultdict(list)
    for record, parts in found:
        wanted[record].append(dict((field, value) for field, _, value in parts[:4]))
    with opened(capture_path) as file:
        for ordinal, _, link, data in capture.packets(file):
            if ordinal not in wanted:
                continue
            _, source, destination, source_port, destination_port, _ = capture.segment(capture.network(link, data))
            there = {(source, source_port), (destination, destination_port)}
            for ends in wanted.pop(ordinal):
                named = {(ends["source.ip"], ends["source.port"]), (ends["destination.ip"], ends["destination.port"])}
                if named != there:
                    raise SystemExit(f"packet {ordinal} is between {there}, not {named}")
    if wanted:
        raise SystemExit(f"packets that are not there: {sorted(wanted)[:5]}")
    return [("stream", record, parts) for record, parts in found]


def fields(event):
    for key in ("source", "destination"):
        yield f"{key}.ip", "ip", ipaddress.ip_address(event[key]["ip"])
    for key in ("source", "destination"):
        yield f"{key}.port", "port", event[key]["port"]
    dns, url = event.get("dns", {}), event.get("url", {})
    if "name" in dns.get("question", {}):
        yield "dns.question.name", "name", dns["question"]["name"]
    for answer in dns.get("answers", []):
        yield "dns.answers.name", "name", answer["name"]
    for answer in dns.get("answers", []):
        if answer["type"] in ADDRESS_RECORDS:
            yield "dns.answers.data", "ip", ipaddress.ip_address(answer["data"])
        elif answer["type"] in NAME_RECORDS:
            yield "dns.answers.data", "name", answer["data"]
    if "domain" in url:
        try:
            yield "url.domain", "ip", ipaddress.ip_address(url["domain"])
        except ValueError:
            yield "url.domain", "name", url["domain"]
    if "full" in url:
        yield "url.full", "url", url["full"]
    if "original" in url:
        yield "url.original", "target", url["original"]
    if "server_name" in event.get("tls", {}).get("client", {}):
        yield "tls.client.server_name", "name", event["tls"]["client"]["server_name"]


class Wanted:
    """What is looked for, by sort and value."""

    def __init__(self):
        self.exact, self.lengths, self.wild, self.patterns = defaultdict(list), set(), defaultdict(list), []

    def add(self, key, sort, value):
        if sort == "pattern":
            self.patterns.append((re.compile(value, re.IGNORECASE), key))
        elif sort == "net":
            self.lengths.add((value.version, value.prefixlen))
            self.exact["net", value].append(key)
        else:
            self.exact[sort, value].append(key)
            if sort == "name" and "_" in value:
                # Below it is said with LIKE, where `_` is any one character (STIX 2.1 §9.6.1); the name itself with `=`.
                self.wild[len(value)].append((re.compile(re.escape(value).replace("_", "."), re.DOTALL), value, key))

    def below(self, name):
        """Whom the name, or one that it stands below, satisfies."""
        parts = name.split(".")
        for at in range(len(parts)):
            yield from self.exact.get(("name", ".".join(parts[at:])), ())
        for length, shapes in self.wild.items():
            if len(name) > length and name[-length - 1] == ".":
                yield from (key for shape, value, key in shapes if value != name[-length:] and shape.fullmatch(name[-length:]))
        yield from (key for pattern, key in self.patterns if pattern.search(name))

    def satisfied(self, sort, value, ends):
        if sort == "name":
            yield from self.below(value)
            return
        yield from self.exact.get((sort, unicodedata.normalize("NFC", value) if isinstance(value, str) else value), ())
        if sort == "ip":
            for version, length in self.lengths:
                if version == value.version:
                    yield from self.exact.get(("net", ipaddress.ip_network((value, length), strict=False)), ())

    def hits(self, parts):
        """{key: the first field, in the table's order, whose value satisfied it} of one observation."""
        found, known = {}, {field: value for field, _, value in parts[:4]}
        for field, sort, value in parts:
            if sort == "hash":
                value = (field.rsplit(".", 1)[-1], value)
            for key in self.satisfied(sort, value, known):
                found.setdefault(key, field)
            if field == "destination.ip":
                for key in self.exact.get(("end", (value, known.get("destination.port"))), ()):
                    found.setdefault(key, field)
        return found


def candidates(facts):
    """(sort, value) of all that could be planted."""
    held = {"name": set(), "ip": set(), "end": set(), "net": set(), "url": set(), "hash": set(), "target": set(), "file": set(), "email": set()}
    for _, _, parts in facts:
        known = {field: value for field, _, value in parts[:4]}
        for field, sort, value in parts:
            if sort == "ip" and not (value.is_unspecified or value.is_multicast or value.is_loopback or str(value) == "255.255.255.255"):
                held["ip"].add(value)
                held["net"].add(ipaddress.ip_network((value, 28 if value.version == 4 else 64), strict=False))
                if field == "destination.ip" and "destination.port" in known:
                    held["end"].add((value, known["destination.port"]))
            elif sort == "name" and lists.NAME.fullmatch(value) and value.count(".") > 1 and not lists.address(value):
                held["name"].add(value)
            elif sort == "hash":
                held["hash"].add((field.rsplit(".", 1)[-1], value))
            elif sort == "url" and re.fullmatch(r"[!-Z^-z|~]{1,4000}", value):  # nothing that undoing a defanged spelling would change
                held["url"].add(value)
            elif sort in ("target", "file") and re.fullmatch(r"[^\x00-\x1f\x7f]{2,}", value):
                held[sort].add(value)
            elif sort == "email" and re.fullmatch(r"[!-?A-Z^-z]+@[a-z0-9-]+(\.[a-z0-9-]+)+", value):
                held["email"].add(value)
    return held


def said(sort, value):
    """A line of a plain list."""
    if sort == "end":
        return f"[{value[0]}]:{value[1]}" if value[0].version == 6 else f"{value[0]}:{value[1]}"
    return value[1] if sort == "hash" else str(value)


def stix(key, sort, value):
    path = {"target": "network-traffic:extensions.'http-request-ext'.request_value =", "file": "file:name =", "pattern": "domain-name:value MATCHES"}[sort]
    text = value.replace("\\", "\\\\").replace("'", "\\'")
    return {"type": "indicator", "spec_version": "2.1", "id": f"indicator--{uuid.uuid5(SPACE, key)}", "created": "2026-11-01T00:00:00.000Z",
            "modified": "2026-11-01T00:00:00.000Z", "valid_from": "2026-11-01T00:00:00Z", "pattern": f"[{path} '{text}']", "pattern_type": "stix"}


def prepare(folder, pcap, decoded, out, seed, planted, *logs):
    out, rng = Path(out), random.Random(int(seed))
    own, further, left, files, refused = lists.indicators(folder)
    counted = len(own) + len(further)
    facts = {pcap: list(capture.facts(pcap)) + streams(decoded, pcap)} | {log: list(eve.facts(log)) for log in logs}
    held = candidates([fact for part in facts.values() for fact in part])
    chosen = []
    for sort, values in held.items():
        share = int(planted) // len(held)
        chosen += [(sort, value) for value in rng.sample(sorted(values, key=str), min(share, len(values)))]
    rng.shuffle(chosen)
    further += [(f"planted:{number}", sort, value) for number, (sort, value) in enumerate(chosen, 1)]
    wanted = Wanted()
    for item in own:
        wanted.add(*item)
    more, bundle = [], []
    for key, sort, value in further:
        if sort in lists.PATTERNS:
            bundle.append(stix(key, sort, value))
            wanted.add(bundle[-1]["id"], sort, value)
        else:
            more.append(said(sort, value))
            wanted.add(f"{out / 'more.txt'}:{len(more)}", sort, value)
    (out / "more.txt").write_text("".join(f"{line}\n" for line in more))
    (out / "patterns.json").write_text(json.dumps({"type": "bundle", "id": f"bundle--{uuid.uuid5(SPACE, 'bundle')}", "objects": bundle}))
    expected = Counter((key, path, record, field) for path, part in facts.items() for _, record, parts in part for key, field in wanted.hits(parts).items())
    observations = sum(len(part) for part in facts.values())
    lines = {"files": [*files, str(out / "more.txt"), str(out / "patterns.json")], "refused": refused,
             "expected": [[*hit, count] for hit, count in sorted(expected.items(), key=str)]}
    (out / "expected.json").write_text(json.dumps(lines))
    listed = sum(count for (key, *_), count in expected.items() if key.startswith(str(folder)))
    print(f"{counted} indicators of {len(files)} lists, {len(chosen)} planted; {observations} observations; {expected.total()} hits expected, {listed} of lists")
    for reason, count in sorted(left.items()):
        print(f"  left out: {count:6} {reason}")


def refusals(words):
    """How many lines of lists the program says it cannot read; what it only warns of comes first in the lists at hand, and is said singly."""
    text = Path(words).read_text()
    more = sum(int(count) for count in re.findall(r"^bridgewatch: and (\d+) more$", text, re.MULTILINE))
    return more + text.count("(not-a-value)\n")


def compare(out, hits, words):
    verdict = Verdict()
    told = json.loads((Path(out) / "expected.json").read_text())
    expected = Counter({tuple(hit): count for *hit, count in told["expected"]})
    verdict.expect(refusals(words) == told["refused"], f"{refusals(words)} lines are refused, not {told['refused']}")
    with open(hits) as file:
        found = Counter((hit["indicator"], hit["input"], hit["record"], hit["field"]) for hit in map(json.loads, file))
    missed, wrong = expected - found, found - expected
    verdict.expect(expected, "nothing is expected")
    verdict.expect(not missed, f"{missed.total()} of {expected.total()} hits are missing, such as {sorted(missed, key=str)[:5]}")
    verdict.expect(not wrong, f"{wrong.total()} hits are not expected, such as {sorted(wrong, key=str)[:5]}")
    print(f"{expected.total()} expected, {found.total()} found, {missed.total()} missed, {wrong.total()} beyond")
    verdict.close()


{"prepare": prepare, "compare": compare}[sys.argv[1]](*sys.argv[2:])
