"""Two readers beside eight writers: readers.py BASE AUTHORITY TOKEN READER_TOKEN COUNT [BUNDLE]. None missed, none doubled."""

import json
import sys
import threading
import time

import requests

from objects import Verdict, indicator

base, authority, token, reader_token, count = sys.argv[1:6]
count, bundle = int(count), int(sys.argv[6]) if len(sys.argv) > 6 else 100
WRITERS, LIMIT, PATIENCE_S = 8, 500, 120
TAXII = "application/taxii+json;version=2.1"
verdict = Verdict()
written, done, lock = set(), threading.Event(), threading.Lock()


def session(bearer):
    http = requests.Session()
    http.verify = authority
    http.headers.update({"Authorization": f"Bearer {bearer}", "Accept": TAXII, "Content-Type": TAXII})
    return http


def writer(objects, place):
    http = session(token)
    for start in range(place * bundle, count, WRITERS * bundle):
        objects_now = [indicator() for _ in range(min(bundle, count - start))]
        answer = http.post(objects, data=json.dumps({"objects": objects_now}))
        if answer.status_code != 202 or answer.json()["success_count"] != len(objects_now):
            verdict.expect(False, f"writer {place}: {answer.status_code} {answer.text[:300]}")
            return
        with lock:
            written.update(item["id"] for item in objects_now)


class Reader:
    def __init__(self, objects, follows_next):
        self.objects, self.follows_next, self.seen, self.requests = objects, follows_next, [], 0

    def run(self):
        http, after, following = session(reader_token), None, None
        end = time.monotonic() + PATIENCE_S
        while True:
            was_done = done.is_set()
            params = {"limit": LIMIT, "match[type]": "indicator"}
            if after:
                params["added_after"] = after
            if following:
                params["next"] = following
            answer = http.get(self.objects, params=params)
            self.requests += 1
            if answer.status_code != 200:
                verdict.expect(False, f"a reader is answered {answer.status_code}: {answer.text[:300]}")
                return
            body = answer.json()
            found = body.get("objects", [])
            self.seen += [item["id"] for item in found]
            if self.follows_next and body.get("more"):
                following = body["next"]  # the same query again
                continue
            if self.follows_next and found:
                following = None
            if found:
                after = answer.headers["X-TAXII-Date-Added-Last"]
            elif was_done or time.monotonic() > end:
                return
            else:
                following = None
                time.sleep(0.01)


collections = session(token).get(base + "/taxii2/root/collections/").json()["collections"]
objects = base + "/taxii2/root/collections/" + next(c["id"] for c in collections if c["title"] == "all") + "/objects/"
readers = [Reader(objects, True), Reader(objects, False)]
reading = [threading.Thread(target=reader.run) for reader in readers]
writing = [threading.Thread(target=writer, args=(objects, place)) for place in range(WRITERS)]
began = time.monotonic()
for thread in reading + writing:
    thread.start()
for thread in writing:
    thread.join()
took = time.monotonic() - began
done.set()
for thread in reading:
    thread.join()
verdict.expect(len(written) == count, f"{len(written)} of {count} were written")
for name, reader in zip(["next", "added_after"], readers):
    distinct = set(reader.seen)
    verdict.expect(written <= distinct, f"the reader by {name} missed {len(written - distinct)} of {count}")
    verdict.expect(len(reader.seen) == len(distinct), f"the reader by {name} got {len(reader.seen) - len(distinct)} twice")
    print(f"reader by {name}: {len(reader.seen)} objects in {reader.requests} requests")
print(f"{count} objects by {WRITERS} writers in {took:.1f} s")
verdict.close()
