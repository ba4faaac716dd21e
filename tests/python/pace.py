"""How fast the reference implementations are, in one process and without the time to import them.

pace.py validate BUNDLE.json              {"count", "seconds"} of stix2-validator over the bundle's objects
pace.py patterns PATTERNS.json CASES.json {"compile": …, "match": …, "both": …}, each {"count", "seconds"}, of stix2-matcher

pace.py engine PATTERNS.json ECS.jsonl    {"count", "seconds", "hits"}: every pattern compiled, and asked of every observation by itself

PATTERNS is a list of patterns; CASES a list of {"pattern", "version", "observed"}, observed being the text of a list of bundles.
"""

import json
import sys
import time
from pathlib import Path

from stix2matcher.matcher import MatcherException, Pattern, match
from stix2validator import ValidationOptions, validate_string


def timed(count, work):
    began = time.perf_counter()
    work()
    return {"count": count, "seconds": time.perf_counter() - began}


def validate(path):
    text = Path(path).read_text()
    small = json.dumps({**json.loads(text), "objects": json.loads(text)["objects"][:20]})
    options = ValidationOptions(version="2.1")
    validate_string(small, options)  # what it reads once is not counted
    return timed(len(json.loads(text)["objects"]), lambda: validate_string(text, options))


def patterns(listed, cases):
    listed, cases = json.loads(Path(listed).read_text()), json.loads(Path(cases).read_text())
    ready = [(Pattern(case["pattern"], stix_version=case["version"]), json.loads(case["observed"])) for case in cases]
    return {
        "compile": timed(len(listed), lambda: [Pattern(text, stix_version="2.1") for text in listed]),
        "match": timed(len(cases), lambda: [pattern.match(observed) for pattern, observed in ready]),
        "both": timed(len(cases), lambda: [match(case["pattern"], json.loads(case["observed"]), stix_version=case["version"]) for case in cases]),
    }


def observed(event):
    """An observation as STIX 2.0 says it, from its ECS line, by the table of docs/adr/0002-observations.md."""
    objects, traffic = {}, {"type": "network-traffic", "protocols": [event["network"][key] for key in ("transport", "protocol") if key in event["network"]]}

    def add(kind, **members):
        objects[str(len(objects))] = {"type": kind, **members}
        return str(len(objects) - 1)

    for end, short in (("source", "src"), ("destination", "dst")):
        traffic |= {f"{short}_ref": add("ipv4-addr", value=event[end]["ip"]), f"{short}_port": event[end]["port"]}
        traffic |= {name: event[end][key] for name, key in ((f"{short}_byte_count", "bytes"), (f"{short}_packets", "packets")) if key in event[end]}
    dns, url, file = event.get("dns", {}), event.get("url", {}), event.get("file")
    answers = [add("ipv4-addr", value=answer["data"]) for answer in dns.get("answers", [])]
    for name in (dns.get("question", {}).get("name"), url.get("domain"), event.get("tls", {}).get("client", {}).get("server_name")):
        if name:
            add("domain-name", value=name, **({"resolves_to_refs": answers} if answers else {}))
    if "full" in url:
        add("url", value=url["full"])
    if "original" in url:
        header = {"Host": url["domain"], "User-Agent": event["user_agent"]["original"]}
        traffic["extensions"] = {"http-request-ext": {"request_method": event["http"]["request"]["method"], "request_value": url["original"], "request_header": header}}
    if file:
        hashes = {name: file["hash"][key] for key, name in (("md5", "MD5"), ("sha1", "SHA-1"), ("sha256", "SHA-256")) if key in file["hash"]}
        add("file", hashes=hashes, **{key: file[key] for key in ("name", "size") if key in file})
    objects["t"] = traffic
    time_seen = event["@timestamp"]
    return {"type": "observed-data", "first_observed": time_seen, "last_observed": time_seen, "number_observed": 1, "objects": objects}


def holds(pattern, sight):
    try:
        return bool(pattern.match([sight]))
    except MatcherException:
        return False


def engine(listed, lines):
    listed, sights = json.loads(Path(listed).read_text()), [observed(json.loads(line)) for line in Path(lines).read_text().splitlines()]
    began = time.perf_counter()
    ready = [Pattern(text, stix_version="2.0") for text in listed]
    hits = sum(holds(pattern, sight) for pattern in ready for sight in sights)
    return {"count": len(listed) * len(sights), "seconds": time.perf_counter() - began, "hits": hits}


print(json.dumps({"engine": engine, "validate": validate, "patterns": patterns}[sys.argv[1]](*sys.argv[2:])))
