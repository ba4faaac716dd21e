"""An independent reading of Suricata EVE lines, from docs/adr/0002-observations.md: addresses, ports, names, URLs, files, e-mail.

Each fact is (event type, line, fields), fields being the (ECS name, sort, value) of one observation in the table's order.
"""

import ipaddress
import json
import re

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
    addresses += [(field, "port", event[key]) for key, field in (("src_port", "source.port"), ("dest_port", "destination.port")) if event.get(key) is not None]
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
        named = [("file.name", "file", info["filename"])] if isinstance(info.get("filename"), str) else []
        return [addresses + http(event.get("http", {})) + named + hashes]
    if kind == "smtp":
        return [addresses + email(event.get("email", {}), event.get("smtp", {}))]
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
    host, target, found = request.get("hostname"), request.get("url"), []
    if host:
        bare = host.rsplit("@", 1)[-1]
        if bare.startswith("["):
            bare = bare[1:].split("]")[0]
        elif bare.count(":") == 1:
            bare = bare.split(":")[0]
        try:
            found.append(("url.domain", "ip", ipaddress.ip_address(bare)))
        except ValueError:
            found += [("url.domain", "name", canonical(bare))] if bare else []
    if not isinstance(target, str):
        return found
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", target):
        found.append(("url.full", "url", canonical_url(target)))
    elif host and target.startswith("/"):
        port = f":{request['http_port']}" if request.get("http_port") else ""
        found.append(("url.full", "url", canonical_url(f"http://{host}{port}{target}")))
    return found + [("url.original", "target", target)]


def canonical_url(url):
    """Scheme and host without case, no port that is the scheme's own, no final dot of the host, `/` where there is no path."""
    scheme, user, host, rest = re.match(r"(?s)([^:]*)://(?:([^/?#]*)@)?([^/?#]*)(.*)", url).groups()
    scheme, host = scheme.lower(), host.lower()
    host = host.removesuffix({"http": ":80", "https": ":443", "ftp": ":21"}.get(scheme, "\0")).removesuffix(".")
    return scheme + "://" + (user + "@" if user is not None else "") + host + ("" if rest.startswith("/") else "/") + rest


def email(mail, envelope):
    """Sender and recipients; what the message says comes before what the envelope says."""
    def address(text):
        return (text[text.rindex("<") + 1:].split(">")[0] if "<" in text and ">" in text[text.rindex("<"):] else text).strip().lower()
    sender = mail.get("from") or envelope.get("mail_from")
    to = [*mail.get("to", []), *mail.get("cc", []), *envelope.get("rcpt_to", [])]
    return [("email.from.address", "email", address(text)) for text in [sender] if text] + [("email.to.address", "email", address(text)) for text in to]
