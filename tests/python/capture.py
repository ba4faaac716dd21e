"""An independent reading of captures, from docs/adr/0002-observations.md and the RFCs alone: flows, and DNS over UDP.

Each fact is (record, fields), fields being the (ECS name, sort, value) of one observation in the table's order.
"""

import ipaddress
import lzma
import struct

IDLE_US = 60_000_000
DNS_PORTS = {53, 5353, 5355}
NAMES = {2, 5, 6, 12, 15, 33, 39}  # NS, CNAME, SOA, PTR, MX, SRV, DNAME


def opened(path):
    return lzma.open(path, "rb") if str(path).endswith(".xz") else open(path, "rb")


def packets(file):
    """(ordinal, time in microseconds, link type, bytes) of a pcap."""
    head = file.read(24)
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\x3c\x4d": ">"}[head[:4]]
    nanoseconds = head[:4] in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d")
    link = struct.unpack(order + "I", head[20:24])[0] & 0x0FFFFFFF
    ordinal = 0
    while len(header := file.read(16)) == 16:
        seconds, part, captured, _ = struct.unpack(order + "IIII", header)
        data = file.read(captured)
        if len(data) < captured:
            return
        ordinal += 1
        yield ordinal, seconds * 1_000_000 + (part // 1000 if nanoseconds else part), link, data


def network(link, data):
    """The outermost IP packet of a frame."""
    if link in (12, 14, 101, 228, 229):
        return data
    if link in (0, 108):
        return data[4:]
    at = {1: 12, 113: 14, 276: 0}.get(link)
    if at is None or len(data) < at + 2:
        return None
    kind, rest = struct.unpack(">H", data[at:at + 2])[0], data[{1: 14, 113: 16, 276: 20}[link]:]
    for _ in range(9):
        if kind in (0x0800, 0x86DD):
            return rest
        if kind in (0x8100, 0x88A8, 0x9100) and len(rest) >= 4:
            kind, rest = struct.unpack(">H", rest[2:4])[0], rest[4:]
        elif kind == 0x8864 and len(rest) >= 8:
            protocol = struct.unpack(">H", rest[6:8])[0]
            return rest[8:] if protocol in (0x21, 0x57) else None
        elif kind == 0x8847 and len(rest) >= 4:
            if rest[2] & 1:
                return rest[4:]
            rest = rest[4:]
        else:
            return None
    return None


def segment(packet):
    """(protocol, source, destination, source port, destination port, payload); none for what is no whole first fragment."""
    if not packet:
        return None
    version = packet[0] >> 4
    if version == 4 and len(packet) >= 20:
        head, total = (packet[0] & 15) * 4, struct.unpack(">H", packet[2:4])[0]
        flags = struct.unpack(">H", packet[6:8])[0]
        end = min(total or len(packet), len(packet))
        if head < 20 or flags & 0x1FFF or head > end:
            return None
        ends = ipaddress.ip_address(packet[12:16]), ipaddress.ip_address(packet[16:20])
        return transport(packet[9], ends, packet[head:end], bool(flags & 0x2000))
    if version == 6 and len(packet) >= 40:
        length = struct.unpack(">H", packet[4:6])[0]
        rest = packet[40:min(40 + length if length else len(packet), len(packet))]
        ends = ipaddress.ip_address(packet[8:24]), ipaddress.ip_address(packet[24:40])
        following, more = packet[6], False
        for _ in range(16):
            if following in (0, 43, 60) and len(rest) >= 2:
                size = (rest[1] + 1) * 8
            elif following == 51 and len(rest) >= 2:
                size = (rest[1] + 2) * 4
            elif following == 44 and len(rest) >= 4:
                offset = struct.unpack(">H", rest[2:4])[0]
                if offset >> 3:
                    return None
                size, more = 8, more or bool(offset & 1)
            elif following in (0, 43, 44, 51, 60):
                return None
            else:
                return transport(following, ends, rest, more)
            if size > len(rest):
                return None
            following, rest = rest[0], rest[size:]
    return None


def transport(protocol, ends, payload, fragmented):
    source = destination = None
    body = payload
    if protocol == 6:
        if len(payload) < 20 or (payload[12] >> 4) * 4 < 20 or (payload[12] >> 4) * 4 > len(payload):
            return None
        source, destination = struct.unpack(">HH", payload[:4])
        body = b""
    elif protocol == 17:
        if len(payload) < 8:
            return None
        source, destination, length = struct.unpack(">HHH", payload[:6])
        body = payload[8:min(length, len(payload)) if length >= 8 else len(payload)]
    return protocol, ends[0], ends[1], source, destination, b"" if fragmented else body


def facts(path):
    """Every flow start, flow end and DNS message over UDP; ends of flows come last."""
    flows = {}
    with opened(path) as file:
        for ordinal, time, link, data in packets(file):
            packet = network(link, data)
            found = segment(packet) if packet else None
            if not found:
                continue
            protocol, source, destination, source_port, destination_port, payload = found
            ends = [(source.packed, source_port), (destination.packed, destination_port)]
            key = (protocol, *sorted(ends, key=lambda end: (len(end[0]), end[0], end[1] or 0)))
            flow = flows.get(key)
            if flow and time - flow["last"] > IDLE_US:
                yield "end", flow["record"], flow["fields"]
                flow = None
            addresses = [("source.ip", "ip", source), ("destination.ip", "ip", destination)]
            if source_port is not None:
                addresses += [("source.port", "port", source_port), ("destination.port", "port", destination_port)]
            if not flow:
                flow = flows[key] = {"fields": addresses, "last": time}
                yield "start", ordinal, addresses
            flow["last"], flow["record"] = max(flow["last"], time), ordinal
            if protocol == 17 and {source_port, destination_port} & DNS_PORTS and payload:
                for message in dns(payload):
                    yield "dns", ordinal, addresses + message
    for flow in flows.values():
        yield "end", flow["record"], flow["fields"]


def dns(message):
    """The names and addresses of a DNS message, one list a question; nothing if it is none."""
    if len(message) < 12:
        return []
    _, flags, questions, answers = struct.unpack(">HHHH", message[:8])
    if (flags >> 11) & 15 > 6 or questions > 256:
        return []
    at, asked = 12, []
    for _ in range(questions):
        name, at = read_name(message, at)
        if name is None or at + 2 > len(message):
            return []
        asked.append(name)
        at += 4
    owners, data = [], []
    for _ in range(min(answers, 256)):
        owner, at = read_name(message, at)
        if owner is None or at + 10 > len(message):
            break
        kind, _, _, length = struct.unpack(">HHIH", message[at:at + 10])
        start, at = at + 10, at + 10 + length
        if at > len(message):
            break
        owners.append(("dns.answers.name", "name", owner))
        value = answer(message, kind, start, length)
        if value:
            data.append(("dns.answers.data", *value))
    question = [[("dns.question.name", "name", name)] for name in asked] or [[]]
    return [part + owners + data for part in question]


def answer(message, kind, start, length):
    if kind == 1 and length >= 4:
        return "ip", ipaddress.ip_address(message[start:start + 4])
    if kind == 28 and length >= 16:
        return "ip", ipaddress.ip_address(message[start:start + 16])
    if kind in NAMES:
        name, _ = read_name(message, start + {15: 2, 33: 6}.get(kind, 0))
        return ("name", name) if name is not None else None
    return None


def read_name(message, at):
    """A name in lower case without final dot, and the offset behind it (RFC 1035 §4.1.4)."""
    labels, behind, jumps, octets = [], None, 0, 0
    while at < len(message):
        length = message[at]
        if length == 0:
            return ".".join(labels), behind if behind is not None else at + 1
        if length >> 6 == 3:
            if at + 1 >= len(message) or (jumps := jumps + 1) > 64:
                return None, at
            behind = at + 2 if behind is None else behind
            at = struct.unpack(">H", message[at:at + 2])[0] & 0x3FFF
        elif length >> 6 or at + 1 + length > len(message) or (octets := octets + length + 1) > 255:
            return None, at
        else:
            labels.append("".join(octet(byte) for byte in message[at + 1:at + 1 + length]))
            at += 1 + length
    return None, at


def octet(byte):
    """RFC 4343 §2.1."""
    if byte in b".\\":
        return "\\" + chr(byte)
    return chr(byte).lower() if 0x21 <= byte <= 0x7E else f"\\{byte:03}"
