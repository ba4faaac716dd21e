//! A log as Suricata writes it (EVE), and a list of values, of which some are in the log.

use std::io::{self, Write};

use crate::scattered;

/// One in so many lines is about something that the list has.
const SEEN_EVERY: u64 = 1_000;

/// The value of that number on the list: names for the most part, addresses, hashes.
pub fn value(number: u64) -> String {
    let random = scattered(number);
    match number % 10 {
        0..7 => format!("host-{random:x}.evil-{}.example", number % 1_000),
        7..9 => {
            let [a, b, c, ..] = random.to_le_bytes();
            format!("{}.{a}.{b}.{c}", 240 + number % 15)
        }
        _ => format!("{random:016x}{:048x}", scattered(random)),
    }
}

/// Writes lines until there are `bytes` of them; `values` is how long the list is.
pub fn write(bytes: u64, values: u64, mut to: impl Write) -> io::Result<()> {
    let mut written = 0;
    for number in 0.. {
        if written >= bytes {
            break;
        }
        let line = line(number, values);
        written += line.len() as u64;
        to.write_all(line.as_bytes())?;
    }
    to.flush()
}

fn line(number: u64, values: u64) -> String {
    let random = scattered(number);
    let seen = number.is_multiple_of(SEEN_EVERY);
    let name = if seen {
        value(random % values / 10 * 10) // one of the names
    } else {
        format!("www.site-{}.example", (random >> 16) % 50_000)
    };
    let (kind, protocol, section) = match number % 20 {
        0..6 => ("dns", "UDP", dns(&name, random)),
        6..9 => ("tls", "TCP", tls(&name)),
        9..11 => ("http", "TCP", http(&name, random)),
        11 => ("fileinfo", "TCP", format!("{},\"app_proto\":\"http\",{}", http(&name, random), file(random))),
        _ => ("flow", "TCP", flow(number, random)),
    };
    let [a, b, c, d, ..] = random.to_le_bytes();
    format!(
        "{{\"timestamp\":\"{}\",\"flow_id\":{},\"in_iface\":\"eth0\",\"event_type\":\"{kind}\",\"src_ip\":\"10.{}.{a}.{b}\",\"src_port\":{},\
         \"dest_ip\":\"198.{}.{c}.{d}\",\"dest_port\":443,\"proto\":\"{protocol}\",\"ip_v\":4,\"pkt_src\":\"wire/pcap\",\
         \"community_id\":\"1:wCb3OG7yAFWelaUydu0D+125CLM=\",{section}}}\n",
        time(number),
        random >> 12,
        a % 8,
        1_024 + random % 60_000,
        18 + c % 2,
    )
}

fn time(number: u64) -> String {
    let micros = number * 300;
    let (seconds, hours) = (micros / 1_000_000, micros / 3_600_000_000);
    format!("2026-09-21T{:02}:{:02}:{:02}.{:06}+0000", hours % 24, seconds / 60 % 60, seconds % 60, micros % 1_000_000)
}

fn dns(name: &str, random: u64) -> String {
    format!(
        "\"dns\":{{\"version\":3,\"type\":\"response\",\"tx_id\":0,\"id\":{},\"flags\":\"8180\",\"qr\":true,\"rd\":true,\"ra\":true,\"opcode\":0,\
         \"rcode\":\"NOERROR\",\"queries\":[{{\"rrname\":\"{name}\",\"rrtype\":\"A\"}}],\"answers\":[{{\"rrname\":\"{name}\",\"rrtype\":\"A\",\
         \"ttl\":300,\"rdata\":\"198.18.{}.{}\"}}]}}",
        random % 65_536,
        random % 256,
        random >> 8 & 255
    )
}

fn tls(name: &str) -> String {
    format!(
        "\"tls\":{{\"subject\":\"C=CA, O=Example Inc, CN={name}\",\"issuerdn\":\"C=US, O=Example Trust, CN=Example TLS RSA 2026\",\
         \"subjectaltname\":[\"{name}\",\"*.{name}\"],\"serial\":\"08:3A:84:59:2F:77:F2:E7:95:1B:F8:87:CE:DE:C9:66\",\"sni\":\"{name}\",\
         \"version\":\"TLS 1.2\",\"notbefore\":\"2026-03-23T00:00:00\",\"notafter\":\"2027-05-13T12:00:00\",\
         \"ja4\":\"t12d620800_106a9de34958_ce8ec278e0aa\"}}"
    )
}

fn http(name: &str, random: u64) -> String {
    format!(
        "\"http\":{{\"hostname\":\"{name}\",\"url\":\"/articles/{random:x}?page={}\",\"http_user_agent\":\"Mozilla/5.0 (X11; Linux x86_64; \
         rv:128.0) Gecko/20100101 Firefox/128.0\",\"http_content_type\":\"text/html\",\"http_method\":\"GET\",\"protocol\":\"HTTP/1.1\",\
         \"status\":200,\"length\":{}}}",
        random % 10,
        random % 100_000
    )
}

fn file(random: u64) -> String {
    format!(
        "\"fileinfo\":{{\"filename\":\"/downloads/{random:x}.pdf\",\"gaps\":false,\"state\":\"CLOSED\",\"sha256\":\"{random:064x}\",\
         \"stored\":false,\"size\":{},\"tx_id\":0}}",
        random % 1_000_000
    )
}

fn flow(number: u64, random: u64) -> String {
    let (time, few) = (time(number), random % 100);
    format!(
        "\"app_proto\":\"tls\",\"flow\":{{\"pkts_toserver\":{few},\"pkts_toclient\":{few},\"bytes_toserver\":{},\"bytes_toclient\":{},\
         \"start\":\"{time}\",\"end\":\"{time}\",\"age\":0,\"state\":\"closed\",\"reason\":\"timeout\",\"alerted\":false,\"tx_cnt\":1}},\
         \"tcp\":{{\"tcp_flags\":\"1b\",\"tcp_flags_ts\":\"1b\",\"tcp_flags_tc\":\"1b\",\"syn\":true,\"fin\":true,\"psh\":true,\"ack\":true,\
         \"state\":\"closed\",\"ts_max_regions\":1,\"tc_max_regions\":1}}",
        few * 100,
        few * 1_000
    )
}
