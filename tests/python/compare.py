"""Compares hits with what the independent reading expects: compare.py EXPECTED.json HITS.jsonl CAPTURE

A hit line is {"value": the list's value, "input": "capture" | "eve", "record", "field", "kind"}. Of the capture, the independent
reading knows flows and DNS over UDP; what was found beyond (HTTP, TLS, DNS over TCP) must at least stand in the packet it names.
"""

import ipaddress
import json
import sys

import capture
from capture import opened
from objects import Verdict

verdict = Verdict()


def one_spelling(value):
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        return value


with open(sys.argv[1]) as file:
    expected = {tuple(item[1:]) for item in json.load(file)["expected"]}
with open(sys.argv[2]) as file:
    lines = [json.loads(line) for line in file]
for line in lines:
    line["value"] = one_spelling(line["value"])
found = {(line["value"], line["input"], line["record"], line["field"]) for line in lines}
missed = expected - found
verdict.expect(not missed, f"{len(missed)} of {len(expected)} expected hits are missing, such as {sorted(missed, key=str)[:5]}")
beyond = {hit for hit in found - expected if hit[1] == "capture"}
wrong = {hit for hit in found - expected if hit[1] == "eve"}
verdict.expect(not wrong, f"{len(wrong)} hits of the log are not expected, such as {sorted(wrong, key=str)[:5]}")
deeper = {(line["value"], line["record"], line["field"]) for line in lines if line["kind"] in ("http", "tls", "dns-tcp")}
astray = {hit for hit in beyond if (hit[0], hit[2], hit[3]) not in deeper}
verdict.expect(not astray, f"{len(astray)} hits of the capture are not expected, such as {sorted(astray, key=str)[:5]}")

# What only the decoder of streams can know stands at least in a packet between the ends that it names.
addresses = {(hit[2], hit[3]): hit[0] for hit in beyond if hit[3] in ("source.ip", "destination.ip")}
records = {record for record, _ in addresses}
with opened(sys.argv[3]) as file:
    for ordinal, _, link, data in capture.packets(file):
        if ordinal in records:
            packet = capture.network(link, data)
            for field in ("source.ip", "destination.ip"):
                value = addresses.get((ordinal, field))
                verdict.expect(value is None or ipaddress.ip_address(value).packed in packet, f"{value} is not in packet {ordinal}")
print(f"{len(expected)} expected, {len(found)} found, {len(beyond)} beyond (streams)")
verdict.close()
