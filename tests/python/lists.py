"""An independent reading of the public lists: what each line says to look for, or why telemetry cannot show it.

An indicator is (key, sort, value): key is `file:line`, as a hit names it, sort one of "name" (and all names below), "ip", "end" (address
and port), "net", "url", "hash" ((algorithm, digits)), "target" (what a request asks for), "pattern" (a regular expression of names), "file"
(a file's name). Those of SAID come from a file that the program reads as it is; those of PATTERNS must be said as STIX patterns.
"""

import ipaddress
import re
from collections import Counter
from pathlib import Path

from capture import opened
from eve import canonical_url

PATTERNS = {"target", "pattern", "file"}
LABEL = r"[a-z0-9_-]{1,63}"
NAME = re.compile(rf"(?=.{{1,253}}$){LABEL}(\.{LABEL})+")
HASHES = {32: "md5", 40: "sha1", 64: "sha256"}
# What stands in the lists of files and of phones, and where telemetry would have to come from to show it.
HOST = "on a host only: "


def lines(path):
    with opened(path) as file:
        for number, line in enumerate(file, 1):
            text = line.decode().strip()
            if text and not text.startswith("#"):
                yield number, text


def name(text):
    text = text.lower().removesuffix(".")
    return ("name", text) if NAME.fullmatch(text) else None


def address(text):
    try:
        return "ip", ipaddress.ip_address(text)
    except ValueError:
        return None


def end(text):
    host, _, port = text.rpartition(":")
    found = address(host.strip("[]"))
    return ("end", (found[1], int(port))) if found and re.fullmatch("[0-9]{1,5}", port) and int(port) < 65536 else None


def network(text):
    try:
        return "net", ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def url(text):
    return None if re.search(r"\s", text) else ("url", canonical_url(text if "://" in text else "http://" + text))


def digest(text):
    return ("hash", (HASHES[len(text)], text.lower())) if re.fullmatch("[0-9A-Fa-f]+", text) and len(text) in HASHES else None


def other(text):
    if re.search(r"[\[({\\^$|+]", text):
        return "pattern", text
    return name(text)


KINDS = {"domain": name, "ipv4": address, "ipv6": lambda text: address(text) or end(text), "ipv4-port": end, "domain-port": end, "cidr": network, "url": url, "url-noscheme": url,
         "url-path": lambda text: ("target", text), "other": other, "md5": digest, "sha1": digest, "sha256": digest}


def read(folder):
    """Yields (path, line, found, reason, said): found is (sort, value) or none for a reason; said if the program reads this line itself."""
    folder = Path(folder)
    for path in (folder / "maltrail.tsv.xz", folder / "eset-hashes.tsv.xz"):
        for number, text in lines(path):
            kind, value, *_ = text.split("\t")
            found = KINDS[kind](value)
            yield path, number, found, f"{kind}: not what it is listed as", bool(found) and found[0] not in PATTERNS
    for number, text in lines(path := folder / "ipsum.txt.xz"):
        yield path, number, address(text.split("\t")[0]), "address: not one", True
    for number, text in lines(path := folder / "signature-base-c2-iocs.txt.xz"):
        value, scored, _ = text.partition(";")
        yield path, number, address(value) or name(value), "server: neither name nor address", not scored
    for number, text in lines(path := folder / "signature-base-hash-iocs.txt.xz"):
        yield path, number, digest(text.split(";")[0]), "hash: of no known length", True
    for number, text in lines(path := folder / "signature-base-filename-iocs.txt.xz"):
        yield path, number, None, HOST + "regular expression of a path", None
    for path in sorted(folder.glob("mvt/*.txt")):
        kind = path.stem.split("__")[1]
        for number, text in lines(path):
            if kind in ("domains", "ip-addresses"):
                yield path, number, address(text) or name(text) or (url(text) if "/" in text else None), f"{kind}: not what it is listed as", True
            elif kind == "sha256":
                yield path, number, digest(text), f"{kind}: not what it is listed as", True
            elif kind == "file_names":
                yield path, number, ("file", text), "", None
            else:
                yield path, number, None, HOST + kind.replace("_", " "), None


def indicators(folder):
    """(indicators that the program reads from the lists themselves, further ones, Counter of reasons, files to read, lines it must refuse)."""
    own, further, left, files, refused = [], [], Counter(), {}, 0
    for path, number, found, reason, said in read(folder):
        if said is not None:
            files[str(path)] = None
            refused += not said or not found
        if not found:
            left[reason] += 1
        elif said:
            own.append((f"{path}:{number}", *found))
        else:
            further.append((f"{path}:{number}", *found))
    return own, further, left, list(files), refused
