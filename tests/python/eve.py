"""An independent reading of Suricata EVE lines, from docs/adr/0002-observations.md: addresses, names, hashes."""

import ipaddress
import json

from capture import opened

NAME_TYPES = {"CNAME", "NS", "PTR", "MX", "SRV", "DNAME", "SOA"}


def facts(path):
    with opened(path) as file:
        for ordinal, line in enumerate(file, 1):
            if not line.strip():
                continue
            event = json.loads(line)
            for fields in observations(event):
                yield event["event_type"], ordinal, fields


def observations(event):
    addresses = [(field, "ip", ipaddress.ip_address(event[key])) for key, field in (("src_ip", "source.ip"), ("dest_ip", "destination.ip")) if event.get(key)]
    kind = event["event_type"]
    if kind in ("dns", "mdns", "llmnr"):
        return [addresses + part for part in dns(event.get(kind) or event.get("dns") or {})]
    if kind in ("http", "http2"):
        return [addresses + http(event.get("http", {}))]
    if kind in ("tls", "quic"):
        name = event.get(kind, {}).get("sni")
        return [addresses + ([("tls.client.server_name", "name", canonical(name))] if name else [])]
    if kind == "fileinfo":
        info = event.get("fileinfo", {})
        hashes = [(f"file.hash.{name}", "hash", info[name].lower()) for name in ("md5", "sha1", "sha256") if info.get(name)]
        return [addresses + http(event.get("http", {})) + hashes]
    return [addresses]


def canonical(name):
    return name.removesuffix(".").lower()


def dns(message):
    owners, data = [], []
    for record in message.get("answers", []):
        kind, value = record.get("rrtype"), record.get("rdata", "")
        if not kind:
            continue
        owners.append(("dns.answers.name", "name", canonical(record.get("rrname", ""))))
        if kind in ("A", "AAAA"):
            try:
                data.append(("dns.answers.data", "ip", ipaddress.ip_address(value)))
            except ValueError:
                pass
        elif kind in NAME_TYPES and isinstance(value, str):
            data.append(("dns.answers.data", "name", canonical(value)))
    queries = message.get("queries") or message.get("query") or [message]
    asked = [[("dns.question.name", "name", canonical(query["rrname"]))] if query.get("rrname") else [] for query in queries]
    return [part + owners + data for part in asked]


def http(request):
    host = request.get("hostname")
    if not host:
        return []
    bare = host.rsplit("@", 1)[-1]
    if bare.startswith("["):
        bare = bare[1:].split("]")[0]
    elif bare.count(":") == 1:
        bare = bare.split(":")[0]
    try:
        return [("url.domain", "ip", ipaddress.ip_address(bare))]
    except ValueError:
        return [("url.domain", "name", canonical(bare))] if bare else []
