"""Indicators as a foreign producer writes them."""

import os
import random
import string
import uuid

# A machine's own bundle of authorities would take the place of the centre's, which the scripts are given.
for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
    os.environ.pop(name, None)

CLEAR = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"


def word(rng=random.SystemRandom()):
    return "".join(rng.choice(string.ascii_lowercase) for _ in range(14))


def indicator(modified="2026-11-01T00:00:00.000Z", **more):
    name = word()
    return {
        "type": "indicator", "spec_version": "2.1", "id": f"indicator--{uuid.uuid4()}",
        "created": "2026-11-01T00:00:00.000Z", "modified": modified, "valid_from": "2026-11-01T00:00:00Z",
        "name": name, "pattern": f"[domain-name:value = '{name}.example']", "pattern_type": "stix",
        "indicator_types": ["malicious-activity"], "object_marking_refs": [CLEAR], **more,
    }


class Verdict:
    """All that is wrong, not only the first thing."""

    def __init__(self):
        self.faults, self.looks = [], 0

    def expect(self, holds, fault):
        self.looks += 1
        if not holds:
            self.faults.append(str(fault)[:500])

    def close(self):
        for fault in self.faults:
            print("fault:", fault)
        print(f"{len(self.faults)} faults in {self.looks} looks")
        raise SystemExit(1 if self.faults or not self.looks else 0)
