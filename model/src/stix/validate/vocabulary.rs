//! The vocabularies of STIX 2.1 §10. Open ones may be added to (a warning), closed ones not (an error).

/// A list of words that a property's value comes from.
pub(in crate::stix) struct Vocabulary {
    /// As the standard calls it.
    pub(super) name: &'static str,
    pub(super) section: &'static str,
    /// May a producer use a word of his own (§2.14)? If not, it is an enumeration (§2.4).
    pub(super) open: bool,
    /// The words of §10 are no lower-case words with hyphens here, so neither need a producer's own be.
    pub(super) free_form: bool,
    pub(in crate::stix) words: &'static [&'static str],
}

const fn open(name: &'static str, section: &'static str, words: &'static [&'static str]) -> Vocabulary {
    Vocabulary { name, section, open: true, free_form: false, words }
}

const fn closed(name: &'static str, section: &'static str, words: &'static [&'static str]) -> Vocabulary {
    Vocabulary { name, section, open: false, free_form: false, words }
}

pub(super) static ACCOUNT_TYPE: Vocabulary = open(
    "account-type-ov",
    "STIX 2.1 §10.1",
    &[
        "facebook",
        "ldap",
        "nis",
        "openid",
        "radius",
        "skype",
        "tacacs",
        "twitter",
        "unix",
        "windows-local",
        "windows-domain",
    ],
);

pub(super) static ATTACK_MOTIVATION: Vocabulary = open(
    "attack-motivation-ov",
    "STIX 2.1 §10.2",
    &[
        "accidental",
        "coercion",
        "dominance",
        "ideology",
        "notoriety",
        "organizational-gain",
        "personal-gain",
        "personal-satisfaction",
        "revenge",
        "unpredictable",
    ],
);

pub(super) static ATTACK_RESOURCE_LEVEL: Vocabulary = open(
    "attack-resource-level-ov",
    "STIX 2.1 §10.3",
    &["individual", "club", "contest", "team", "organization", "government"],
);

pub(super) static ENCRYPTION_ALGORITHM: Vocabulary =
    closed("encryption-algorithm-enum", "STIX 2.1 §10.4", &["AES-256-GCM", "ChaCha20-Poly1305", "mime-type-indicated"]);

pub(super) static EXTENSION_TYPE: Vocabulary = closed(
    "extension-type-enum",
    "STIX 2.1 §10.5",
    &["new-sdo", "new-sco", "new-sro", "property-extension", "toplevel-property-extension"],
);

pub(super) static GROUPING_CONTEXT: Vocabulary =
    open("grouping-context-ov", "STIX 2.1 §10.6", &["suspicious-activity", "malware-analysis", "unspecified"]);

/// §10.7; what a digest of each looks like is in `text.rs`.
pub(super) static HASH_ALGORITHM: Vocabulary = Vocabulary {
    free_form: true,
    ..open(
        "hash-algorithm-ov",
        "STIX 2.1 §10.7",
        &["MD5", "SHA-1", "SHA-256", "SHA-512", "SHA3-256", "SHA3-512", "SSDEEP", "TLSH"],
    )
};

pub(super) static IDENTITY_CLASS: Vocabulary = open(
    "identity-class-ov",
    "STIX 2.1 §10.8",
    &["individual", "group", "system", "organization", "class", "unspecified"],
);

pub(super) static IMPLEMENTATION_LANGUAGE: Vocabulary = open(
    "implementation-language-ov",
    "STIX 2.1 §10.9",
    &[
        "applescript",
        "bash",
        "c",
        "c++",
        "c#",
        "go",
        "java",
        "javascript",
        "lua",
        "objective-c",
        "perl",
        "php",
        "powershell",
        "python",
        "ruby",
        "scala",
        "swift",
        "typescript",
        "visual-basic",
        "x86-32",
        "x86-64",
    ],
);

pub(in crate::stix) static INDICATOR_TYPE: Vocabulary = open(
    "indicator-type-ov",
    "STIX 2.1 §10.10",
    &["anomalous-activity", "anonymization", "benign", "compromised", "malicious-activity", "attribution", "unknown"],
);

pub(super) static INDUSTRY_SECTOR: Vocabulary = open(
    "industry-sector-ov",
    "STIX 2.1 §10.11",
    &[
        "agriculture",
        "aerospace",
        "automotive",
        "chemical",
        "commercial",
        "communications",
        "construction",
        "defense",
        "education",
        "energy",
        "entertainment",
        "financial-services",
        "government",
        "emergency-services",
        "government-local",
        "government-national",
        "government-public-services",
        "government-regional",
        "healthcare",
        "hospitality-leisure",
        "infrastructure",
        "dams",
        "nuclear",
        "water",
        "insurance",
        "manufacturing",
        "mining",
        "non-profit",
        "pharmaceuticals",
        "retail",
        "technology",
        "telecommunications",
        "transportation",
        "utilities",
    ],
);

pub(super) static INFRASTRUCTURE_TYPE: Vocabulary = open(
    "infrastructure-type-ov",
    "STIX 2.1 §10.12",
    &[
        "amplification",
        "anonymization",
        "botnet",
        "command-and-control",
        "control-system",
        "exfiltration",
        "firewall",
        "hosting-malware",
        "hosting-target-lists",
        "phishing",
        "reconnaissance",
        "routers-switches",
        "staging",
        "workstation",
        "unknown",
    ],
);

pub(super) static MALWARE_RESULT: Vocabulary =
    open("malware-result-ov", "STIX 2.1 §10.13", &["malicious", "suspicious", "benign", "unknown"]);

pub(super) static MALWARE_CAPABILITIES: Vocabulary = open(
    "malware-capabilities-ov",
    "STIX 2.1 §10.14",
    &[
        "accesses-remote-machines",
        "anti-debugging",
        "anti-disassembly",
        "anti-emulation",
        "anti-memory-forensics",
        "anti-sandbox",
        "anti-vm",
        "captures-input-peripherals",
        "captures-output-peripherals",
        "captures-system-state-data",
        "cleans-traces-of-infection",
        "commits-fraud",
        "communicates-with-c2",
        "compromises-data-availability",
        "compromises-data-integrity",
        "compromises-system-availability",
        "controls-local-machine",
        "degrades-security-software",
        "degrades-system-updates",
        "determines-c2-server",
        "emails-spam",
        "escalates-privileges",
        "evades-av",
        "exfiltrates-data",
        "fingerprints-host",
        "hides-artifacts",
        "hides-executing-code",
        "infects-files",
        "infects-remote-machines",
        "installs-other-components",
        "persists-after-system-reboot",
        "prevents-artifact-access",
        "prevents-artifact-deletion",
        "probes-network-environment",
        "self-modifies",
        "steals-authentication-credentials",
        "violates-system-operational-integrity",
    ],
);

pub(in crate::stix) static MALWARE_TYPE: Vocabulary = open(
    "malware-type-ov",
    "STIX 2.1 §10.15",
    &[
        "adware",
        "backdoor",
        "bot",
        "bootkit",
        "ddos",
        "downloader",
        "dropper",
        "exploit-kit",
        "keylogger",
        "ransomware",
        "remote-access-trojan",
        "resource-exploitation",
        "rogue-security-software",
        "rootkit",
        "screen-capture",
        "spyware",
        "trojan",
        "unknown",
        "virus",
        "webshell",
        "wiper",
        "worm",
    ],
);

pub(super) static SOCKET_ADDRESS_FAMILY: Vocabulary = closed(
    "network-socket-address-family-enum",
    "STIX 2.1 §10.16",
    &["AF_UNSPEC", "AF_INET", "AF_IPX", "AF_APPLETALK", "AF_NETBIOS", "AF_INET6", "AF_IRDA", "AF_BTH"],
);

pub(super) static SOCKET_TYPE: Vocabulary = closed(
    "network-socket-type-enum",
    "STIX 2.1 §10.17",
    &["SOCK_STREAM", "SOCK_DGRAM", "SOCK_RAW", "SOCK_RDM", "SOCK_SEQPACKET"],
);

pub(super) static OPINION: Vocabulary =
    closed("opinion-enum", "STIX 2.1 §10.18", &["strongly-disagree", "disagree", "neutral", "agree", "strongly-agree"]);

pub(super) static PATTERN_TYPE: Vocabulary =
    open("pattern-type-ov", "STIX 2.1 §10.19", &["stix", "pcre", "sigma", "snort", "suricata", "yara"]);

pub(super) static PROCESSOR_ARCHITECTURE: Vocabulary = open(
    "processor-architecture-ov",
    "STIX 2.1 §10.20",
    &["alpha", "arm", "ia-64", "mips", "powerpc", "sparc", "x86", "x86-64"],
);

pub(super) static REGION: Vocabulary = open(
    "region-ov",
    "STIX 2.1 §10.21",
    &[
        "africa",
        "eastern-africa",
        "middle-africa",
        "northern-africa",
        "southern-africa",
        "western-africa",
        "americas",
        "caribbean",
        "central-america",
        "latin-america-caribbean",
        "northern-america",
        "south-america",
        "asia",
        "central-asia",
        "eastern-asia",
        "southern-asia",
        "south-eastern-asia",
        "western-asia",
        "europe",
        "eastern-europe",
        "northern-europe",
        "southern-europe",
        "western-europe",
        "oceania",
        "antarctica",
        "australia-new-zealand",
        "melanesia",
        "micronesia",
        "polynesia",
    ],
);

pub(in crate::stix) static REPORT_TYPE: Vocabulary = open(
    "report-type-ov",
    "STIX 2.1 §10.22",
    &[
        "attack-pattern",
        "campaign",
        "identity",
        "indicator",
        "intrusion-set",
        "malware",
        "observed-data",
        "threat-actor",
        "threat-report",
        "tool",
        "vulnerability",
    ],
);

pub(in crate::stix) static THREAT_ACTOR_TYPE: Vocabulary = open(
    "threat-actor-type-ov",
    "STIX 2.1 §10.23",
    &[
        "activist",
        "competitor",
        "crime-syndicate",
        "criminal",
        "hacker",
        "insider-accidental",
        "insider-disgruntled",
        "nation-state",
        "sensationalist",
        "spy",
        "terrorist",
        "unknown",
    ],
);

pub(super) static THREAT_ACTOR_ROLE: Vocabulary = open(
    "threat-actor-role-ov",
    "STIX 2.1 §10.24",
    &[
        "agent",
        "director",
        "independent",
        "infrastructure-architect",
        "infrastructure-operator",
        "malware-author",
        "sponsor",
    ],
);

pub(super) static THREAT_ACTOR_SOPHISTICATION: Vocabulary = open(
    "threat-actor-sophistication-ov",
    "STIX 2.1 §10.25",
    &["none", "minimal", "intermediate", "advanced", "expert", "innovator", "strategic"],
);

pub(in crate::stix) static TOOL_TYPE: Vocabulary = open(
    "tool-type-ov",
    "STIX 2.1 §10.26",
    &[
        "denial-of-service",
        "exploitation",
        "information-gathering",
        "network-capture",
        "credential-exploitation",
        "remote-access",
        "vulnerability-scanning",
        "unknown",
    ],
);

pub(super) static WINDOWS_INTEGRITY_LEVEL: Vocabulary =
    closed("windows-integrity-level-enum", "STIX 2.1 §10.27", &["low", "medium", "high", "system"]);

pub(super) static WINDOWS_PE_BINARY: Vocabulary =
    open("windows-pebinary-type-ov", "STIX 2.1 §10.28", &["dll", "exe", "sys"]);

pub(super) static WINDOWS_REGISTRY_DATATYPE: Vocabulary = closed(
    "windows-registry-datatype-enum",
    "STIX 2.1 §10.29",
    &[
        "REG_NONE",
        "REG_SZ",
        "REG_EXPAND_SZ",
        "REG_BINARY",
        "REG_DWORD",
        "REG_DWORD_BIG_ENDIAN",
        "REG_DWORD_LITTLE_ENDIAN",
        "REG_LINK",
        "REG_MULTI_SZ",
        "REG_RESOURCE_LIST",
        "REG_FULL_RESOURCE_DESCRIPTION",
        "REG_RESOURCE_REQUIREMENTS_LIST",
        "REG_QWORD",
        "REG_INVALID_TYPE",
    ],
);

pub(super) static WINDOWS_SERVICE_START: Vocabulary = closed(
    "windows-service-start-type-enum",
    "STIX 2.1 §10.30",
    &["SERVICE_AUTO_START", "SERVICE_BOOT_START", "SERVICE_DEMAND_START", "SERVICE_DISABLED", "SERVICE_SYSTEM_ALERT"],
);

pub(super) static WINDOWS_SERVICE_TYPE: Vocabulary = closed(
    "windows-service-type-enum",
    "STIX 2.1 §10.31",
    &[
        "SERVICE_KERNEL_DRIVER",
        "SERVICE_FILE_SYSTEM_DRIVER",
        "SERVICE_WIN32_OWN_PROCESS",
        "SERVICE_WIN32_SHARE_PROCESS",
    ],
);

pub(super) static WINDOWS_SERVICE_STATUS: Vocabulary = closed(
    "windows-service-status-enum",
    "STIX 2.1 §10.32",
    &[
        "SERVICE_CONTINUE_PENDING",
        "SERVICE_PAUSE_PENDING",
        "SERVICE_PAUSED",
        "SERVICE_RUNNING",
        "SERVICE_START_PENDING",
        "SERVICE_STOP_PENDING",
        "SERVICE_STOPPED",
    ],
);
