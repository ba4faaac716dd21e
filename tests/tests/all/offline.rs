//! The offline commands as scripts use them: their lines and their exit status are a contract.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::stix::{CLEAR, bundle, indicator};
use tests::{capture, program};

const EVE: &str = concat!(
    r#"{"timestamp":"2026-09-21T14:13:20.111884+0000","event_type":"dns","src_ip":"10.0.0.1","src_port":5000,"dest_ip":"10.0.0.2","dest_port":53,"proto":"UDP","dns":{"type":"query","rrname":"www.evil.example","rrtype":"A"}}"#,
    "\n",
    r#"{"timestamp":"2026-09-21T14:13:21.000000+0000","event_type":"tls","src_ip":"10.0.0.1","src_port":5001,"dest_ip":"198.51.100.7","dest_port":443,"proto":"TCP","tls":{"sni":"good.example"}}"#,
    "\n",
);

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Result<Self> {
        Ok(Self(tempfile::tempdir()?))
    }

    fn put(&self, name: &str, content: &[u8]) -> Result<String> {
        let path = self.0.path().join(name);
        std::fs::write(&path, content)?;
        Ok(path.display().to_string())
    }
}

fn text<'a>(line: &'a Value, pointer: &str) -> &'a str {
    line.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[test]
fn decode_prints_ecs_lines() -> Result<()> {
    let folder = Folder::new()?;
    let pcap = folder.put("a.pcap", &capture::questions(&["one.example".into(), "two.example".into()], 1))?;
    let eve = folder.put("eve.json", EVE.as_bytes())?;
    let lines = program::run(&["decode", &pcap, &eve])?.good()?.json_lines()?;
    let asked: Vec<&str> =
        lines.iter().map(|line| text(line, "/dns/question/name")).filter(|name| !name.is_empty()).collect();
    assert_eq!(asked, ["one.example", "two.example", "www.evil.example"]);
    let dns = lines.iter().find(|line| text(line, "/dns/question/name") == "one.example").context("no DNS line")?;
    assert_eq!((text(dns, "/source/ip"), text(dns, "/destination/ip")), ("10.20.30.40", "192.0.2.53"));
    assert_eq!((text(dns, "/network/protocol"), dns.pointer("/destination/port")), ("dns", Some(&json!(53))));
    assert!(text(dns, "/@timestamp").starts_with("2023-11-14T22:13:20"), "{dns}");
    let tls =
        lines.iter().find(|line| text(line, "/tls/client/server_name") == "good.example").context("no TLS line")?;
    assert_eq!(text(tls, "/destination/ip"), "198.51.100.7");
    Ok(())
}

#[test]
fn decode_refuses_what_it_cannot_read() -> Result<()> {
    let folder = Folder::new()?;
    let noise = folder.put("noise", b"neither a capture nor a log")?;
    assert_eq!(program::run(&["decode", &noise])?.status, 2);
    assert_eq!(program::run(&["decode", "/nonexistent/file"])?.status, 2);
    assert_eq!(program::run(&["decode"])?.status, 2);
    let whole = capture::questions(&["one.example".into(), "two.example".into()], 1);
    let cut = folder.put("cut.pcap", whole.get(..whole.len() - 7).unwrap_or_default())?;
    let finished = program::run(&["decode", &cut])?;
    assert!(finished.stdout.contains("one.example"), "what came before the damage is read: {finished:?}");
    assert!(!finished.stderr.is_empty(), "the damage is told: {finished:?}");
    Ok(())
}

#[test]
fn decode_reads_stdin() -> Result<()> {
    let finished = program::run_with_input(&["decode", "-"], EVE.as_bytes())?.good()?;
    assert_eq!(finished.json_lines()?.len(), 2);
    Ok(())
}

#[test]
fn match_prints_hits_and_counts() -> Result<()> {
    let folder = Folder::new()?;
    let piece = indicator(&[CLEAR]);
    let stix = folder.put("bundle.json", bundle(&[&piece.object]).to_string().as_bytes())?;
    let list = folder.put("list.txt", b"# bad names\nhxxp://unrelated[.]example/\nevil[.]example\n")?;
    let pcap = folder.put("a.pcap", &capture::questions(&["quiet.example".into(), piece.value.clone()], 1))?;
    let eve = folder.put("eve.json", EVE.as_bytes())?;
    let arguments = ["match", "--indicators", &stix, "--indicators", &list, &pcap, &eve];
    let hits = program::run(&arguments)?.good()?.json_lines()?;
    let of_bundle: Vec<&Value> = hits.iter().filter(|hit| hit.to_string().contains(piece.id())).collect();
    assert_eq!(of_bundle.len(), 1, "{hits:?}");
    let hit = of_bundle.first().context("no hit")?;
    assert_eq!((text(hit, "/value"), text(hit, "/field")), (piece.value.as_str(), "dns.question.name"));
    assert_eq!((text(hit, "/input"), hit.get("record")), (pcap.as_str(), Some(&json!(2))));
    assert_eq!(text(hit, "/observation/dns/question/name"), piece.value);
    let of_list = hits
        .iter()
        .find(|hit| text(hit, "/value") == "www.evil.example")
        .context("a list's domain covers names below it")?;
    assert_eq!(of_list.get("record"), Some(&json!(1)));
    let counted = program::run(&["match", "--count", "--indicators", &stix, "--indicators", &list, &pcap, &eve])?
        .good()?
        .json_lines()?;
    let counts = counted.first().context("no counts")?;
    assert_eq!((counts.get("matched"), counts.get("hits")), (Some(&json!(2)), Some(&json!(2))), "{counts}");
    assert!(counts.get("observations").and_then(Value::as_u64) >= Some(6), "{counts}");
    Ok(())
}

#[test]
fn match_says_when_nothing_matched() -> Result<()> {
    let folder = Folder::new()?;
    let list = folder.put("list.txt", b"203.0.113.77\n")?;
    let eve = folder.put("eve.json", EVE.as_bytes())?;
    let finished = program::run(&["match", "--indicators", &list, &eve])?;
    assert_eq!((finished.status, finished.stdout.as_str()), (1, ""));
    assert_eq!(program::run(&["match", "--indicators", &list, "/nonexistent"])?.status, 2);
    assert_eq!(program::run(&["match", &eve])?.status, 2, "no indicators is bad usage");
    Ok(())
}

#[test]
fn what_was_compiled_before_matches_the_same() -> Result<()> {
    let folder = Folder::new()?;
    let both = indicator(&[CLEAR])
        .with("pattern", json!("[domain-name:value LIKE '%.evil.example' AND network-traffic:dst_port = 53]"));
    let stix = folder.put("bundle.json", bundle(&[&both.object]).to_string().as_bytes())?;
    let list = folder.put("list.txt", b"evil[.]example\n198.51.100.7:443\n192.0.2.0/24\n")?;
    let eve = folder.put("eve.json", EVE.as_bytes())?;
    let rules = folder.0.path().join("saved.rules").display().to_string();
    program::run(&["compile", "--indicators", &stix, &list, "--output", &rules])?.good()?;
    let plain = program::run(&["match", "--indicators", &stix, "--indicators", &list, &eve])?.good()?.json_lines()?;
    assert_eq!(plain.len(), 3, "{plain:?}");
    assert_eq!(program::run(&["match", "--indicators", &rules, &eve])?.good()?.json_lines()?, plain);
    // Beside it what came since.
    let more = folder.put("more.txt", b"good.example\n")?;
    let found = program::run(&["match", "--indicators", &rules, "--indicators", &more, &eve])?.good()?.json_lines()?;
    assert_eq!(found.len(), 4, "{found:?}");
    let explained = program::run(&["match", "--explain", "--indicators", &rules, &eve])?.good()?.json_lines()?;
    let hit = explained.iter().find(|hit| text(hit, "/indicator") == both.id()).context("no hit of the pattern")?;
    assert_eq!(
        hit.get("reasons"),
        Some(&json!([
            {"comparison": "domain-name:value LIKE '%.evil.example'", "field": "dns.question.name", "value": "www.evil.example"},
            {"comparison": "network-traffic:dst_port = 53", "field": "destination.port", "value": "53"},
        ]))
    );
    // Damaged, and of no use.
    let mut bytes = std::fs::read(&rules)?;
    if let Some(byte) = bytes.last_mut() {
        *byte ^= 1;
    }
    let damaged = folder.put("damaged.rules", &bytes)?;
    let refused = program::run(&["match", "--indicators", &damaged, &eve])?;
    assert_eq!(refused.status, 2, "{refused:?}");
    assert!(refused.stderr.contains("damaged") && refused.stderr.contains("compile"), "{refused:?}");
    assert_eq!(program::run(&["match", "--indicators", &rules, "--indicators", &rules, &eve])?.status, 2);
    assert_eq!(program::run(&["compile", "--indicators", &list, "--output", "/nonexistent/x"])?.status, 2);
    Ok(())
}

#[test]
fn validate_prints_fault_lines() -> Result<()> {
    let folder = Folder::new()?;
    let good = indicator(&[CLEAR]);
    let file = folder.put("good.json", bundle(&[&good.object]).to_string().as_bytes())?;
    assert_eq!(program::run(&["validate", &file])?.good()?.stdout, "");
    let broken = good.clone().with("pattern", json!("[domain-name:value = 'x'")).with("created", json!("yesterday"));
    let file = folder.put("broken.json", bundle(&[&broken.object]).to_string().as_bytes())?;
    let finished = program::run(&["validate", &file])?;
    assert_eq!(finished.status, 1, "{finished:?}");
    let faults = finished.json_lines()?;
    let pointers: Vec<&str> = faults.iter().map(|fault| text(fault, "/pointer")).collect();
    assert!(
        pointers.iter().any(|p| p.ends_with("/pattern")) && pointers.iter().any(|p| p.ends_with("/created")),
        "{faults:?}"
    );
    for fault in &faults {
        assert_eq!((text(fault, "/file"), text(fault, "/object")), (file.as_str(), broken.id()), "{fault}");
        for key in ["/severity", "/code", "/section", "/message"] {
            assert!(!text(fault, key).is_empty(), "{key} is missing: {fault}");
        }
    }
    let noise = folder.put("noise.json", b"{\"type\": \"bundle\", ")?;
    assert!(matches!(program::run(&["validate", &noise])?.status, 1 | 2));
    assert_eq!(program::run(&["validate", "/nonexistent"])?.status, 2);
    Ok(())
}

#[test]
fn pattern_tells_where_it_is_wrong() -> Result<()> {
    assert_eq!(program::run(&["pattern", "[domain-name:value = 'evil.example']"])?.status, 0);
    let finished = program::run(&["pattern", "--json", "[domain-name:value = 'evil.example'"])?;
    assert_eq!(finished.status, 1);
    let said = finished.json_lines()?;
    let fault = said.first().context("no line")?;
    assert_eq!(fault.get("valid"), Some(&json!(false)));
    assert!(fault.get("position").is_some_and(Value::is_u64) && !text(fault, "/message").is_empty(), "{fault}");
    assert_eq!(program::run(&["pattern"])?.status, 2);
    let same = program::run(&["pattern", "--json", "--same-as", "[a:b = 2] OR [a:b = 1]", "[a:b IN (1, 2)]"])?;
    assert_eq!((same.status, same.json_lines()?[0]["same"].clone()), (0, json!(true)));
    assert_eq!(program::run(&["pattern", "--same-as", "[a:b = 2]", "[a:b IN (1, 2)]"])?.status, 1);
    let folder = Folder::new()?;
    let seen = json!([{"type": "observed-data", "id": "observed-data--1", "number_observed": 2,
        "first_observed": "2026-01-01T00:00:00Z", "last_observed": "2026-01-01T00:00:01Z",
        "objects": {"0": {"type": "domain-name", "value": "evil.example"}}}]);
    let file = folder.put("seen.json", seen.to_string().as_bytes())?;
    let twice = program::run(&[
        "pattern",
        "--json",
        "--observed",
        &file,
        "[domain-name:value LIKE '%.example'] REPEATS 2 TIMES",
    ])?;
    assert_eq!((twice.status, twice.json_lines()?[0]["matches"].clone()), (0, json!(true)), "{twice:?}");
    let thrice =
        program::run(&["pattern", "--observed", &file, "[domain-name:value LIKE '%.example'] REPEATS 3 TIMES"])?;
    assert_eq!(thrice.status, 1, "{thrice:?}");
    Ok(())
}

#[test]
fn pattern_explains_how_it_is_matched_or_why_not() -> Result<()> {
    let pattern = "([domain-name:value = 'evil.example'] FOLLOWEDBY [url:value LIKE '%/gate.php%']) WITHIN 1.5 SECONDS";
    let finished = program::run(&["pattern", "--explain", "--json", pattern])?;
    assert_eq!(finished.status, 0, "{finished:?}");
    let said = finished.json_lines()?[0]["explanation"].clone();
    assert_eq!(said["looked_up"][1]["lookup"], "literal", "{said}");
    assert_eq!(said["looked_up"][1]["fields"], json!(["url.full"]), "{said}");
    assert_eq!(said["window"], json!({"span_ms": 1_500, "observations": 2, "expressions": 2}), "{said}");
    assert!(said["admitted_per_million"].as_u64().is_some_and(|admitted| admitted < 1_000), "{said}");
    let host = program::run(&["pattern", "--explain", "[process:name = 'evil.exe']"])?;
    assert_eq!(host.status, 1, "{host:?}");
    let why = program::run(&["pattern", "--explain", "--json", "[network-traffic:protocols = 'tcp']"])?;
    let why = why.json_lines()?[0].clone();
    assert_eq!((why["valid"].clone(), why["explanation"].clone()), (json!(true), Value::Null), "{why}");
    assert!(text(&why, "/not_matched").ends_with("write `network-traffic:protocols[*]`"), "{why}");
    Ok(())
}

#[test]
fn init_refuses_a_folder_that_holds_a_centre_and_check_reads_it() -> Result<()> {
    let folder = Folder::new()?;
    let dir = folder.0.path().join("ca").display().to_string();
    program::run(&["init", "--centre", "ca", "--dir", &dir])?.good()?;
    let key = std::fs::read(Path::new(&dir).join("keys/master.key"))?;
    assert_ne!(program::run(&["init", "--centre", "ca", "--dir", &dir])?.status, 0);
    assert_eq!(std::fs::read(Path::new(&dir).join("keys/master.key"))?, key, "the master key was overwritten");
    let config = Path::new(&dir).join("bridgewatch.toml");
    let name = config.display().to_string();
    program::run(&["check", "--config", &name])?.good()?;
    let text = std::fs::read_to_string(&config)?;
    std::fs::write(&config, text.replace("[centre]", "[centre]\nunknown_key = 1"))?;
    let finished = program::run(&["check", "--config", &name])?;
    assert_ne!(finished.status, 0, "an unknown key is refused: {finished:?}");
    Ok(())
}
