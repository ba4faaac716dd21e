//! What crosses the border and what does not: the table of the main job, row by row, from outside. Two centres and a sensor
//! run as processes; every object carries words, values and times that occur nowhere else, and for what must not cross
//! they are looked for in everything that `ca` shows, keeps or receives.

mod cast;
mod haystack;
mod story;

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use tests::stix::Piece;
use tests::verdict::Verdict;
use tests::wait;

use cast::Cast;
use haystack::Haystack;
use story::Story;

/// How long what must happen may take.
const PATIENCE: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_table_holds_row_by_row() -> Result<()> {
    let cast = Cast::new();
    let mut story = Story::begin(&cast).await?;
    let mut verdict = Verdict::default();
    let said = story.publish_opening(&cast).await?;
    outcome_is_told(&cast, &said, &mut verdict);
    story.hear(&cast).await?;
    opening_crosses(&cast, &story, &mut verdict).await;
    opening_is_sighted(&cast, &story, &mut verdict).await;
    // Before the second half: the freed indicator is still NOFORN, and nothing of it may be at `ca`.
    // Nobody asks for an id by name yet: the question would stand in the disclosure log.
    let early = Haystack::of_ca(&story, &[]).await?;
    for piece in cast.never_at_ca().chain([&cast.noforn]) {
        early.has_nothing_of(piece, &mut verdict);
    }
    early.has(&cast.clear, &mut verdict);
    story.publish_second_half(&cast).await?;
    second_half_holds(&cast, &story, &mut verdict).await;
    quarantine_and_border_tell(&cast, &story, &mut verdict).await;
    let late = Haystack::of_ca(&story, &cast.ids()).await?;
    for piece in cast.never_at_ca() {
        late.has_nothing_of(piece, &mut verdict);
    }
    late.has_no_canary_of(&cast.turned_red, &mut verdict);
    late.has_no_canary_of(&cast.noforn.later_than_created(), &mut verdict);
    late.has(&cast.green, &mut verdict);
    late.only_named_see(&cast, &mut verdict);
    nothing_crosses_back(&cast, &story, &mut verdict).await?;
    definition_frees_the_quarantined(&cast, &story, &mut verdict).await;
    verdict.hold("both end cleanly", story.end());
    println!("border: {} looks", verdict.looks());
    verdict.close()
}

/// The answer to the publisher: what was taken, kept aside, refused.
fn outcome_is_told(cast: &Cast, said: &Value, verdict: &mut Verdict) {
    let has = |list: &str, id: &str| {
        said.get(list).and_then(Value::as_array).into_iter().flatten().any(|item| item.get("id") == Some(&json!(id)))
    };
    for piece in cast.accepted_at_us() {
        verdict.expect(has("accepted", piece.id()), || format!("{} is not accepted: {said}", piece.id()));
    }
    for (piece, list) in
        [(&cast.unknown_marking, "quarantined"), (&cast.broken, "quarantined"), (&cast.redefinition, "refused")]
    {
        verdict.expect(has(list, piece.id()), || format!("{} is not {list}: {said}", piece.id()));
    }
}

/// The rows that cross, on the streams and pages of those who may see them.
async fn opening_crosses(cast: &Cast, story: &Story, verdict: &mut Verdict) {
    for piece in cast.crossing() {
        verdict.hold(piece.id(), story.everyone_at_ca_sees(piece).await);
    }
    for piece in cast.accepted_at_us() {
        let everyone =
            piece.id() != cast.red.id() && piece.id() != cast.red_named.id() && piece.id() != cast.relationship.id();
        for (name, may) in [("alice", true), ("bob", everyone), ("olivia", everyone)] {
            verdict.hold(&format!("{} as {name}@us", piece.id()), story.sees(&story.pair.us, name, piece, may).await);
        }
    }
    for (name, may) in [("claude", true), ("denise", false), ("charlotte", false), ("etienne", false)] {
        let seen = story.sees(&story.pair.ca, name, &cast.red_named, may).await;
        verdict.hold(&format!("the named RED indicator as {name}@ca"), seen);
    }
    for (name, piece, may) in [
        ("firm", &cast.green, true),
        ("firm", &cast.amber, false),
        ("firm", &cast.amber_strict, false),
        ("hydro", &cast.green, true),
        ("hydro", &cast.amber, false),
        ("hydro", &cast.amber_strict, false),
    ] {
        verdict.hold(&format!("{} as {name}@ca", piece.id()), story.sees(&story.pair.ca, name, piece, may).await);
    }
    let note = story.object("denise", &cast.note).await;
    let note = verdict.hold("the note", note).unwrap_or_default();
    verdict.expect(note.get("created_by_ref").is_none(), || format!("the note names its author: {note}"));
    let report = story.object("denise", &cast.report).await;
    let report = verdict.hold("the report", report).unwrap_or_default();
    let refs = report.get("object_refs").cloned().unwrap_or_default();
    verdict.expect(refs == json!([cast.green.id()]), || format!("the report at ca refers to {refs}"));
}

/// The rows that `ca` matches are sighted on both sides, and no others are.
async fn opening_is_sighted(cast: &Cast, story: &Story, verdict: &mut Verdict) {
    for piece in [&cast.clear, &cast.green, &cast.amber, &cast.amber_strict, &cast.releasable_canada] {
        for (centre, name) in [(&story.pair.ca, "denise"), (&story.pair.us, "bob")] {
            let what = format!("{} sighted, as {name}@{}", piece.id(), centre.code);
            verdict.hold(&what, story.sighted(centre, name, piece, true).await);
        }
        let hits = story.hits("denise", piece).await;
        verdict.expect(matches!(hits, Ok(n) if n > 0), || format!("no hit of {} at ca: {hits:?}", piece.id()));
    }
    for (centre, name, may) in [
        (&story.pair.ca, "claude", true),
        (&story.pair.us, "alice", true),
        (&story.pair.ca, "denise", false),
        (&story.pair.us, "bob", false),
    ] {
        let sighted = story.sighted(centre, name, &cast.red_named, may).await;
        verdict.hold(&format!("the named RED indicator sighted, as {name}@{}", centre.code), sighted);
    }
    verdict.hold("ca's own is sighted at ca", story.sighted(&story.pair.ca, "denise", &cast.canadian, true).await);
    for piece in [&cast.red, &cast.releasable_britain, &cast.unmarked, &cast.noforn] {
        let sighted = story.sighted(&story.pair.us, "alice", piece, false).await;
        verdict.hold(&format!("{} is not sighted", piece.id()), sighted);
    }
}

/// The CLEAR indicator turned RED is taken back and stops matching; the freed one crosses, and the report comes whole.
async fn second_half_holds(cast: &Cast, story: &Story, verdict: &mut Verdict) {
    let withdrawn = wait::until("the withdrawal on denise's stream", PATIENCE, async || {
        Ok(story.stream("denise@ca").and_then(|tap| tap.event("withdrawal", "id", cast.clear.id())))
    });
    if let Some(event) = verdict.hold("the CLEAR indicator turned RED", withdrawn.await) {
        let names_old = event
            .data
            .get("modified")
            .and_then(Value::as_str)
            .is_some_and(|time| time.starts_with(&cast.clear.canaries[1]));
        verdict.expect(names_old, || format!("the withdrawal is of another version: {}", event.data));
    }
    for name in ["denise", "charlotte", "etienne", "claude"] {
        let gone = story.sees(&story.pair.ca, name, &cast.turned_red, false).await;
        verdict.hold(&format!("what turned RED as {name}@ca"), gone);
    }
    verdict.hold("what turned RED as alice@us", story.sees(&story.pair.us, "alice", &cast.turned_red, true).await);
    verdict.hold("what turned RED as bob@us", story.sees(&story.pair.us, "bob", &cast.turned_red, false).await);
    for (centre, name) in [(&story.pair.ca, "denise"), (&story.pair.us, "alice")] {
        let kept = story.sighted(centre, name, &cast.clear, true).await;
        verdict.hold(&format!("earlier sightings stay for {name}@{}", centre.code), kept);
    }
    verdict.hold("the freed one crosses", story.everyone_at_ca_sees(&cast.freed).await);
    for (centre, name) in [(&story.pair.ca, "denise"), (&story.pair.us, "bob")] {
        verdict.hold("the freed one is sighted", story.sighted(centre, name, &cast.freed, true).await);
    }
    let whole = wait::until("the report whole at ca", PATIENCE, async || {
        let refs = story.object("denise", &cast.report).await?.get("object_refs").cloned();
        Ok((refs == Some(json!([cast.green.id(), cast.noforn.id()]))).then_some(()))
    });
    verdict.hold("the report comes again", whole.await);
    let before = story.hits("denise", &cast.clear).await.unwrap_or_default();
    tokio::time::sleep(story.round()).await;
    let after = story.hits("denise", &cast.clear).await.unwrap_or_default();
    verdict.expect(before == after, || format!("what turned RED still matches: {before} hits, then {after}"));
}

/// Who sent it is shown what is wrong with it; the officers see what stayed, by reason.
async fn quarantine_and_border_tell(cast: &Cast, story: &Story, verdict: &mut Verdict) {
    let us = &story.pair.us;
    for (piece, code) in [(&cast.broken, "pattern"), (&cast.unknown_marking, "marking")] {
        let items = async { us.person("alice")?.list("quarantine", "items", "").await };
        let items = verdict.hold("the quarantine", items.await).unwrap_or_default();
        let item = items.iter().find(|item| item.to_string().contains(piece.id()));
        let tells = item.and_then(|item| item.get("faults")).is_some_and(|faults| faults.to_string().contains(code));
        verdict.expect(tells, || {
            format!("the quarantine does not tell alice what is wrong with {}: {item:?}", piece.id())
        });
    }
    let border = async { us.person("olivia")?.get("/api/v1/border").await?.json() };
    let border = verdict.hold("olivia's border view", border.await).unwrap_or_default();
    for reason in ["red", "releasable_to", "unmarked", "hidden_end"] {
        let count = border.pointer(&format!("/withheld/{reason}")).and_then(Value::as_u64);
        verdict.expect(count > Some(0), || format!("nothing is withheld as `{reason}`: {border}"));
    }
    let sent = border.pointer("/sent/withdrawn").and_then(Value::as_u64);
    verdict.expect(sent > Some(0), || format!("no withdrawal was sent: {border}"));
    let seen = async { us.person("bob")?.get("/api/v1/border").await?.json() };
    let seen = verdict.hold("bob's border view", seen.await).unwrap_or_default();
    verdict.expect(seen.get("withheld") == Some(&Value::Null), || format!("bob sees what is withheld: {seen}"));
}

/// `ca`'s own, for Canadian eyes only, is nowhere at `us`; what was refused is nowhere at all.
async fn nothing_crosses_back(cast: &Cast, story: &Story, verdict: &mut Verdict) -> Result<()> {
    let us = Haystack::of_us(story, &cast.ids()).await?;
    us.has_nothing_of(&cast.canadian, verdict);
    us.has_no_canary_of(&cast.redefinition, verdict);
    us.has(&cast.green, verdict);
    Ok(())
}

/// The marking that nobody had defined is defined: the indicator that cites it is taken and crosses.
async fn definition_frees_the_quarantined(cast: &Cast, story: &Story, verdict: &mut Verdict) {
    let Some(alice) = verdict.hold("alice", story.pair.us.person("alice")) else { return };
    verdict.hold("the definition", alice.publish(&[&cast.late_definition]).await);
    verdict.hold("the freed from quarantine", story.everyone_at_ca_sees(&cast.unknown_marking).await);
}

/// The words to look for: the id and the canaries.
fn words(piece: &Piece) -> impl Iterator<Item = &str> {
    std::iter::once(piece.id()).chain(piece.canaries.iter().map(String::as_str))
}
