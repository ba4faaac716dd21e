use std::collections::{BTreeMap, BTreeSet};

use model::observation::{Detail, Observation, ObservationKind};
use pnet_packet::Packet;

use super::*;

fn made(plan: &Plan) -> Vec<u8> {
    let mut pcap = Vec::new();
    generate(plan, &mut pcap).unwrap();
    pcap
}

fn heard(pcap: Vec<u8>) -> Vec<Observation> {
    let mut heard = Vec::new();
    let summary = collector::decode(std::io::Cursor::new(pcap), &collector::Settings::default(), |observation| {
        heard.push(observation);
        true
    });
    let summary = summary.unwrap();
    assert_eq!(summary.faults, 0, "{:?}", summary.first_faults);
    heard
}

fn values() -> Vec<String> {
    (0..320).map(|number| format!("word{number}.example")).chain(["203.0.113.9".to_owned()]).collect()
}

#[test]
fn every_value_is_heard_in_every_round() {
    let plan = Plan::natural(10, &values());
    let mut rounds: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    let mut names = BTreeSet::new();
    for observation in heard(made(&plan)) {
        let round = (observation.time.micros() as u64 - plan.begins_us) / ROUND_US;
        match &observation.detail {
            Detail::Dns(dns) if !dns.answer => {
                rounds.entry(dns.question_name.as_deref().unwrap().to_owned()).or_default().insert(round);
            }
            Detail::Tls(tls) => names.extend(tls.server_name.as_deref().map(str::to_owned)),
            Detail::Http(http) => names.extend(http.host.as_deref().map(str::to_owned)),
            _ if observation.kind == ObservationKind::FlowStart => {
                rounds.entry(observation.destination.unwrap().ip.to_string()).or_default().insert(round);
            }
            _ => {}
        }
    }
    for value in values() {
        assert_eq!(rounds[&value], (0..5).collect(), "{value}");
        assert!(value.starts_with("203.") || names.contains(&value), "nobody talks to {value}");
    }
}

#[test]
fn it_is_the_same_each_time_in_order_and_of_many_kinds() {
    let plan = Plan::natural(4, &values());
    let pcap = made(&plan);
    assert_eq!(pcap, made(&plan));
    assert_ne!(pcap, made(&Plan { seed: 1, ..plan.clone() }));
    let heard = heard(pcap);
    let starts = || heard.iter().filter(|observation| observation.kind == ObservationKind::FlowStart);
    let ports: BTreeSet<u16> = starts().filter_map(|start| start.destination?.port).collect();
    assert_eq!(ports, [25, 53, 80, 443, 502, 20_000].into());
    assert!(starts().map(|start| start.time).is_sorted());
    let (whole, empty) = (made(&Plan::natural(2, &[])), made(&Plan::natural(0, &[])));
    assert_eq!(whole, empty, "at least one round");
    assert!(generate(&Plan::natural(2, &["no..name".to_owned()]), &mut Vec::new()).is_err());
}

#[test]
fn every_checksum_holds() {
    let pcap = made(&Plan::natural(2, &values()));
    let mut rest = &pcap[24..];
    let mut packets = 0;
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        let ip = ipv4::Ipv4Packet::new(&rest[16 + 14..16 + length]).unwrap();
        let (source, destination) = (ip.get_source(), ip.get_destination());
        assert_eq!(ip.get_checksum(), ipv4::checksum(&ip));
        if ip.get_next_level_protocol() == IpNextHeaderProtocols::Udp {
            let udp = udp::UdpPacket::new(ip.payload()).unwrap();
            assert_eq!(udp.get_checksum(), udp::ipv4_checksum(&udp, &source, &destination));
        } else {
            let tcp = tcp::TcpPacket::new(ip.payload()).unwrap();
            assert_eq!(tcp.get_checksum(), tcp::ipv4_checksum(&tcp, &source, &destination));
        }
        rest = &rest[16 + length..];
        packets += 1;
    }
    assert!(packets > 1_000);
    // IEEE 1815-2012: the header `05 64 05 c0 01 00 00 04` and its sum.
    assert_eq!(dnp3_link(0xc0, 1, 1024), [0x05, 0x64, 0x05, 0xc0, 0x01, 0x00, 0x00, 0x04, 0xe9, 0x21]);
}
