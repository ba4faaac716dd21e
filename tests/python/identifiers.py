"""Cyber-observables and the identifiers that stix2 (PyPI) gives them, as JSON lines.

identifiers.py generate COUNT SEED: objects of all types, made up.
identifiers.py read: objects from stdin, a line each.

Each line out: {"object": …, "id": … or null, "why": …, "valid": …}. `why` names a property of the input on which stix2 is known
to do otherwise than the standard says; null for all others. `valid` is what stix2 holds of the object."""

import json
import random
import sys
import uuid
import warnings

import stix2
from stix2.base import SCO_DET_ID_NAMESPACE, _choose_one_hash
from stix2.canonicalization.Canonicalize import canonicalize
from stix2.registry import class_for_type
from stix2.v21 import observables

warnings.simplefilter("ignore")

TEXT = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .-_/\\'\"\n\té€\u2028\x7f漢字😀\ufb33\x01<>&"
HASHES = {"MD5": 32, "SHA-1": 40, "SHA-256": 64, "SHA-512": 128, "SHA3-256": 64, "SHA3-512": 128, "TLSH": 70}
PLAIN_HASHES = ("MD5", "SHA-1", "SHA-256", "SHA-512")


class Maker:
    """Makes up observables; all of what it makes follows from the seed."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.why = None

    def maybe(self, share=0.5):
        return self.rng.random() < share

    def text(self, least=1):
        return "".join(self.rng.choice(TEXT) for _ in range(self.rng.randint(least, 14)))

    def word(self):
        return "".join(self.rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(self.rng.randint(3, 9)))

    def digits(self, length):
        return "".join(self.rng.choice("0123456789abcdefABCDEF") for _ in range(length))

    def number(self, top=65535):
        return self.rng.randint(0, top)

    def identifier(self, kind):
        return f"{kind}--{'%08x' % self.rng.getrandbits(32)}-{'%04x' % self.rng.getrandbits(16)}-5" \
            f"{'%03x' % self.rng.getrandbits(12)}-a{'%03x' % self.rng.getrandbits(12)}-{'%012x' % self.rng.getrandbits(48)}"

    def hashes(self):
        if self.maybe(0.003):
            # Which of these counts is nowhere said; stix2 takes the first as written, JSON has no first.
            self.why = "hashes-without-preferred"
            names = ["TLSH", "SHA3-256"]
        elif self.maybe(0.003):
            self.why = "hash-name-spelling"
            return {"sha256": self.digits(64)}
        else:
            names = self.rng.sample(list(HASHES), self.rng.randint(1, 4))
            if not any(name in PLAIN_HASHES for name in names):
                names = names[:1]
        return {name: self.digits(HASHES[name]) for name in names}

    def time(self):
        text = f"20{self.rng.randint(10, 29)}-{self.rng.randint(1, 12):02}-{self.rng.randint(1, 28):02}T" \
            f"{self.number(23):02}:{self.number(59):02}:{self.number(59):02}"
        if self.maybe(0.02):
            self.why = "timestamp-spelling"
            return text + self.rng.choice([".000Z", ".120Z"])
        if self.maybe():
            text += f".{self.number(999998):06}"
            text = text.rstrip("0").rstrip(".")
        return text + "Z"

    def binary(self):
        import base64
        return base64.b64encode(self.rng.randbytes(self.number(20) + 1)).decode()

    def dictionary(self):
        values = [self.text, self.number, lambda: self.rng.random() * 10 ** self.number(30), lambda: self.maybe(),
                  lambda: [self.word(), self.word()]]
        return {self.word(): self.rng.choice(values)() for _ in range(self.rng.randint(1, 4))}

    def some(self, required, **optional):
        """Always the required, each of the others now and then."""
        made = {name: make() for name, make in required.items()}
        made.update({name: make() for name, make in optional.items() if self.maybe()})
        return made

    def file_extensions(self):
        made = {}
        if self.maybe():
            made["ntfs-ext"] = {"sid": self.word(), "alternate_data_streams": [{"name": self.text(), "size": self.number()}]}
        if self.maybe():
            made["raster-image-ext"] = {"image_height": self.number(), "exif_tags": self.dictionary()}
        if self.maybe():
            made["archive-ext"] = {"contains_refs": [self.identifier("file")], "comment": self.text()}
        if self.maybe():
            made["windows-pebinary-ext"] = {
                "pe_type": "exe", "number_of_sections": 1, "machine_hex": "014c",
                "sections": [{"name": self.text(), "entropy": self.rng.random() * 8, "size": self.number()}],
            }
        return made or {"pdf-ext": {"version": self.text(), "is_optimized": self.maybe()}}

    def traffic_extensions(self):
        return self.rng.choice([
            lambda: {"tcp-ext": {"src_flags_hex": "00000002"}},
            lambda: {"icmp-ext": {"icmp_type_hex": "08", "icmp_code_hex": "00"}},
            lambda: {"http-request-ext": {
                "request_method": "get", "request_value": self.text(), "request_header": {"Host": [self.text()]}}},
            lambda: {"socket-ext": {"address_family": "AF_INET", "options": {"SO_DEBUG": self.number()}}},
        ])()

    def artifact(self):
        if self.maybe():
            return self.some({"payload_bin": self.binary}, mime_type=self.word, hashes=self.hashes)
        return {"url": "https://a.example/" + self.word(), "hashes": self.hashes()}

    def email_message(self):
        return {"is_multipart": False, **self.some(
            {}, subject=self.text, body=self.text, from_ref=lambda: self.identifier("email-addr"), date=self.time)}

    def file(self):
        made = self.some({}, hashes=self.hashes, parent_directory_ref=lambda: self.identifier("directory"),
                         size=self.number, extensions=self.file_extensions)
        if self.maybe() or "hashes" not in made:
            made["name"] = self.text()
        return made

    def network_traffic(self):
        made = self.some(
            {"protocols": lambda: [self.word() for _ in range(self.rng.randint(1, 3))],
             "src_ref": lambda: self.identifier("ipv4-addr")},
            dst_ref=lambda: self.identifier("domain-name"), src_port=self.number, dst_port=self.number, start=self.time,
            src_byte_count=self.number, extensions=self.traffic_extensions)
        if "start" not in made and self.maybe(0.3):
            made.update(end=self.time(), is_active=False)
        return made

    def registry_key(self):
        def value():
            return self.some({"name": self.text}, data=self.text, data_type=lambda: "REG_SZ")
        return self.some({"key": self.text}, values=lambda: [value() for _ in range(self.rng.randint(1, 3))],
                         modified_time=self.time, number_of_subkeys=self.number)

    def body(self, kind):
        value = {"value": self.text()}
        return {
            "artifact": self.artifact,
            "autonomous-system": lambda: self.some({"number": lambda: self.number(2**32)}, name=self.text),
            "directory": lambda: self.some({"path": self.text}, path_enc=self.word, ctime=self.time),
            "domain-name": lambda: self.some({"value": self.text},
                                             resolves_to_refs=lambda: [self.identifier("ipv4-addr")]),
            "email-addr": lambda: self.some({"value": self.text}, display_name=self.text),
            "email-message": self.email_message,
            "file": self.file,
            "mutex": lambda: {"name": self.text()},
            "network-traffic": self.network_traffic,
            "process": lambda: {"pid": self.number()},
            "software": lambda: self.some({"name": self.text}, cpe=self.word, swid=self.word, vendor=self.text,
                                          version=self.text, languages=lambda: [self.word()]),
            "user-account": lambda: self.some({"user_id": self.text}, account_type=lambda: "unix",
                                              account_login=self.text, display_name=self.text),
            "windows-registry-key": self.registry_key,
            "x509-certificate": lambda: self.some({"serial_number": self.word}, hashes=self.hashes, issuer=self.text),
        }.get(kind, lambda: value)()

    def observable(self, kind):
        self.why = None
        return {"type": kind, **self.body(kind)}, self.why


TYPES = [
    "artifact", "autonomous-system", "directory", "domain-name", "email-addr", "email-message", "file", "ipv4-addr",
    "ipv6-addr", "mac-addr", "mutex", "network-traffic", "process", "software", "url", "user-account",
    "windows-registry-key", "x509-certificate",
]


def identifier(made):
    """What stix2 calls the object; None where it makes a random one."""
    given = {name: value for name, value in made.items() if name != "id"}
    parsed = stix2.parse(given, allow_custom=True, version="2.1")
    assert isinstance(parsed, observables._Observable), made
    return parsed._generate_id()


def unchecked(made):
    """The same of an object that stix2 holds for invalid: its table, its choice of hash, its canonical JSON."""
    contributing = class_for_type(made["type"], "2.1", "observables")._id_contributing_properties
    chosen = {name: made[name] for name in contributing if name in made}
    if "hashes" in chosen:
        chosen["hashes"] = _choose_one_hash(chosen["hashes"])
    name = canonicalize(chosen, utf8=False)
    return f"{made['type']}--{uuid.uuid5(SCO_DET_ID_NAMESPACE, name)}" if chosen else None


def tell(made, why):
    try:
        line = {"object": made, "id": identifier(made), "why": why, "valid": True}
    except stix2.exceptions.STIXError:
        line = {"object": made, "id": unchecked(made), "why": why, "valid": False}
    print(json.dumps(line))


def main():
    if sys.argv[1] == "generate":
        count, maker = int(sys.argv[2]), Maker(int(sys.argv[3]))
        for place in range(count):
            tell(*maker.observable(TYPES[place % len(TYPES)]))
    else:
        for line in sys.stdin:
            tell(json.loads(line), None)


main()
