"""taxii2-client, stix2 and raw requests against one centre: taxii.py BASE AUTHORITY USER TOKEN READER READER_TOKEN COUNT"""

import re
import sys
import uuid

import requests
import stix2
from taxii2client.v21 import Server, Status, as_pages

from objects import Verdict, indicator

base, authority, user, token, reader, reader_token, count = sys.argv[1:8]
count = int(count)
TAXII = "application/taxii+json;version=2.1"
verdict = Verdict()
http = requests.Session()
http.verify = authority
http.headers.update({"Authorization": f"Bearer {token}", "Accept": TAXII})
MICROS = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")


def get(path, **params):
    return http.get(base + path, params=params)


def ids(answer, key="objects"):
    return [item["id"] for item in answer.json().get(key, [])]


def discovery():
    server = Server(base + "/taxii2/", user=user, password=token, verify=authority)
    verdict.expect(server.title, "discovery has no title")
    verdict.expect(server.default and server.default.url in [root.url for root in server.api_roots], "no default root")
    root = server.default
    verdict.expect(TAXII in root.versions, f"the root speaks {root.versions}")
    verdict.expect(root.max_content_length >= 1 << 20, root.max_content_length)
    verdict.expect(len(root.collections) == 3, [c.title for c in root.collections])
    writable = [c for c in root.collections if c.can_write]
    verdict.expect(len(writable) == 1 and writable[0].can_read, "a publisher writes one collection")
    only_read = Server(base + "/taxii2/", user=reader, password=reader_token, verify=authority).default.collections
    verdict.expect(not any(c.can_write for c in only_read), "an analyst is told that it may write")
    return writable[0]


def push(collection, root):
    """COUNT objects that share `created` and `modified`, and a few that are wrong."""
    objects = [indicator() for _ in range(count)]
    for start in range(0, count, 2000):
        batch = objects[start:start + 2000]
        status = collection.add_objects({"objects": batch})
        verdict.expect(status.status == "complete", status.status)
        verdict.expect((status.success_count, status.failure_count) == (len(batch), 0), f"{status.success_count} taken")
        again = Status(f"{root}status/{status.id}/", user=user, password=token, verify=authority)
        verdict.expect(again.total_count == len(batch) and len(again.successes) == len(batch), "the status differs")
        stranger = requests.get(f"{root}status/{status.id}/", auth=(reader, reader_token), verify=authority, headers={"Accept": TAXII})
        verdict.expect(stranger.status_code == 404, f"another's status: {stranger.status_code}")
    wrong = indicator(pattern="[domain-name:value = ")
    status = collection.add_objects({"objects": [indicator(), wrong]})
    verdict.expect((status.success_count, status.failure_count) == (1, 1), "one bad object among good ones")
    verdict.expect(status.failures and "pattern" in status.failures[0]["message"], status.failures)
    unchanged = collection.add_objects({"objects": objects[:3]})
    verdict.expect(unchanged.failure_count == 0, "the same again is no failure")
    return objects


def paging(path, objects):
    expected = {item["id"] for item in objects}
    seen, first, last, params = [], None, None, {"limit": max(1, count // 15), "match[type]": "indicator"}
    while True:
        answer = get(path + "objects/", **params)
        verdict.expect(answer.status_code == 200, answer.text)
        body = answer.json()
        seen += [item["id"] for item in body.get("objects", [])]
        if body.get("objects"):
            begin, end = answer.headers["X-TAXII-Date-Added-First"], answer.headers["X-TAXII-Date-Added-Last"]
            verdict.expect(MICROS.match(begin) and MICROS.match(end) and begin <= end, f"dates {begin} {end}")
            verdict.expect(last is None or begin > last, "pages overlap in date")
            first, last = first or begin, end
        if not body.get("more"):
            break
        params["next"] = body["next"]
    verdict.expect(len(seen) == len(set(seen)), f"{len(seen) - len(set(seen))} doubled")
    verdict.expect(expected <= set(seen), f"{len(expected - set(seen))} missed")
    changed = get(path + "objects/", **{**params, "match[type]": "malware"})
    verdict.expect(changed.status_code == 400, f"a changed query under next: {changed.status_code}")
    nothing = get(path + "objects/", added_after=last)
    verdict.expect(nothing.json() == {}, "added_after is not strictly greater, or an empty envelope is not {}")
    return last


def client_pages(collection, objects):
    expected, seen = {item["id"] for item in objects}, []
    for page in as_pages(collection.get_objects, per_request=1000):
        for item in page.get("objects", []):
            if item["type"] == "indicator":
                seen.append(item["id"])
    verdict.expect(expected <= set(seen) and len(seen) == len(set(seen)), "taxii2-client's pages differ")


def filters(path, collection, last):
    old = indicator()
    new = dict(old, modified="2026-11-02T00:00:00.000Z", name="newer")
    other = {"type": "identity", "spec_version": "2.1", "id": f"identity--{uuid.uuid4()}", "name": "Filter test", "identity_class": "organization",
             "created": "2026-11-01T00:00:00.000Z", "modified": "2026-11-01T00:00:00.000Z", "object_marking_refs": old["object_marking_refs"]}
    collection.add_objects({"objects": [old, other]})
    collection.add_objects({"objects": [new]})
    one, objects = f"{path}objects/{old['id']}/", path + "objects/"
    times = lambda answer: [item["modified"] for item in answer.json().get("objects", [])]
    both = f"{old['id']},{other['id']}"
    cases = [
        (ids(get(objects, **{"match[id]": both})), {old["id"], other["id"]}),
        (ids(get(objects, **{"match[id]": both, "match[type]": "identity"})), {other["id"]}),
        (ids(get(objects, **{"match[id]": both, "match[type]": "identity,indicator"})), {old["id"], other["id"]}),
        (ids(get(objects, **{"match[id]": both, "match[spec_version]": "2.0"})), set()),
        (ids(get(objects, **{"match[id]": both, "match[spec_version]": "2.0,2.1"})), {old["id"], other["id"]}),
        (ids(get(objects, **{"match[id]": "indicator--00000000-0000-4000-8000-000000000000"})), set()),
        (ids(get(objects, added_after=last, **{"match[type]": "identity"})), {other["id"]}),
        (times(get(one)), {new["modified"]}),
        (times(get(one, **{"match[version]": "first"})), {old["modified"]}),
        (times(get(one, **{"match[version]": "last"})), {new["modified"]}),
        (times(get(one, **{"match[version]": "all"})), {old["modified"], new["modified"]}),
        (times(get(one, **{"match[version]": old["modified"]})), {old["modified"]}),
        (times(get(objects, **{"match[id]": old["id"], "match[version]": "first"})), {old["modified"]}),
        (get(one + "versions/").json()["versions"], {old["modified"], new["modified"]}),
    ]
    for place, (found, expected) in enumerate(cases):
        verdict.expect(set(found) == expected and len(found) == len(expected), f"filter {place}: {found}, not {expected}")
    listed = get(path + "manifest/", **{"match[id]": old["id"], "match[version]": "all"}).json()["objects"]
    verdict.expect({item["version"] for item in listed} == {old["modified"], new["modified"]}, listed)
    verdict.expect(all(MICROS.match(item["date_added"]) and item["media_type"] == "application/stix+json;version=2.1" for item in listed), listed)
    limited = get(objects, limit=5)
    verdict.expect(len(ids(limited)) == 5 and limited.json()["more"] is True, "limit")
    manifest = get(path + "manifest/", limit=5)
    verdict.expect(manifest.json().get("next") and ids(manifest) == ids(limited), "the manifest pages as the objects do")
    bundle = stix2.parse({"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": limited.json()["objects"]}, allow_custom=False)
    verdict.expect(len(bundle.objects) == 5, "stix2 reads the objects")
    parsed = stix2.parse(get(one).json()["objects"][0])
    verdict.expect(parsed.name == "newer", "stix2 reads one object")


def in_stix_20(base_path, objects):
    """The collection for those who read STIX 2.0 only, read by a library as 2.0 and nothing else."""
    collections = get("/taxii2/root/collections/").json()["collections"]
    old = [c for c in collections if c["media_types"] == ["application/stix+json;version=2.0"]]
    verdict.expect(len(old) == 1 and not old[0]["can_write"], collections)
    found, params = [], {"limit": 1000}
    while True:
        body = get(f"{base_path}{old[0]['id']}/objects/", **params).json()
        found += body.get("objects", [])
        if not body.get("more"):
            break
        params["next"] = body["next"]
    expected = {item["id"] for item in objects}
    verdict.expect(expected <= {item["id"] for item in found}, "what 2.0 can say is missing")
    for item in found[:500] + found[-500:]:
        parsed = stix2.parse(item, version="2.0", allow_custom=True)
        verdict.expect(type(parsed).__module__.startswith("stix2.v20"), f"{item['id']} is {type(parsed)}")


def refusals(root, path):
    objects = path + "objects/"
    bare = requests.get(base + objects, verify=authority, headers={"Accept": TAXII})
    verdict.expect(bare.status_code == 401 and "WWW-Authenticate" in bare.headers, f"no credential: {bare.status_code}")
    verdict.expect(bare.headers.get("Content-Type") == TAXII and bare.json().get("title"), "an error has no title")
    cases = [
        (get(objects, added_after="yesterday"), 400), (get(objects, limit="0"), 400), (get(objects, limit="x"), 400),
        (get(objects, next="forged"), 400), (get(objects, **{"match[version]": "newest"}), 400), (get(objects, nonsense="1"), 400),
        (get("/taxii2/root/collections/" + str(uuid.uuid4()) + "/"), 404), (get(objects + "indicator--" + str(uuid.uuid4()) + "/"), 404),
        (get(root + "status/" + str(uuid.uuid4()) + "/"), 404),
        (http.get(base + objects, headers={"Accept": "application/json"}), 406),
        (http.post(base + objects, data="{}", headers={"Content-Type": "text/plain"}), 415),
        (http.post(base + objects, data="{", headers={"Content-Type": TAXII}), (400, 422)),
        (requests.post(base + objects, json={"objects": [indicator()]}, auth=(reader, reader_token), verify=authority, headers={"Content-Type": TAXII, "Accept": TAXII}), 403),
        (requests.get(base + objects, auth=(user, "bw_" + "A" * 43), verify=authority), 401),
    ]
    for place, (answer, status) in enumerate(cases):
        allowed = status if isinstance(status, tuple) else (status,)
        verdict.expect(answer.status_code in allowed, f"refusal {place}: {answer.status_code}, not {status}: {answer.text}")
        verdict.expect(answer.json().get("title"), f"refusal {place} has no title")
    for accept in ["application/taxii+json", "*/*", "application/taxii+json;version=2.1"]:
        answer = http.get(base + "/taxii2/", headers={"Accept": accept})
        verdict.expect(answer.status_code == 200 and answer.headers["Content-Type"] == TAXII, f"Accept {accept}: {answer.status_code}")
    post = http.post(base + objects, json={"objects": [indicator()]}, headers={"Content-Type": TAXII})
    verdict.expect(post.status_code == 202, f"a push answers {post.status_code}")


collection = discovery()
root = collection.url.split("collections/")[0]
path = "/taxii2/root/collections/" + collection.id + "/"
pushed = push(collection, root)
end = paging(path, pushed)
client_pages(collection, pushed)
filters(path, collection, end)
in_stix_20("/taxii2/root/collections/", pushed)
refusals("/taxii2/root/", path)
verdict.close()
