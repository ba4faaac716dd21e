//! Who may write what (attacks 16 and 21): a body with one object in another organisation's name is refused whole.

use anyhow::Result;
use serde_json::json;
use tests::centre::Centre;
use tests::stix::{GREEN, bundle, indicator};
use uuid::Uuid;

/// The namespace of the ids that a centre derives, written here again on purpose.
const NAMESPACE: Uuid = Uuid::from_u128(0x2b6c_7c1e_5a0f_5d43_9c0b_7e1f_44d2_8a91);

#[tokio::test]
async fn a_body_in_another_organisations_name_is_refused_whole() -> Result<()> {
    let root = tempfile::tempdir()?;
    let mut centre = Centre::init(root.path(), "ca")?;
    for (name, organisation) in [("firm", "Firm"), ("rival", "Rival")] {
        centre.enrol(name, &["partner"])?;
        centre.org_add(name, &["partner"], &["--organisation", organisation])?;
    }
    centre.enrol("alice", &["analyst"])?;
    centre.start()?;
    centre.ready().await?;
    let (firm, rival, alice) = (centre.person("firm")?, centre.person("rival")?, centre.person("alice")?);
    let identity = format!("identity--{}", Uuid::new_v5(&NAMESPACE, b"organisation\nFirm"));
    let (plain, signed) = (indicator(&[GREEN]), indicator(&[GREEN]).with("created_by_ref", json!(identity)));
    let both = bundle(&[&plain.object, &signed.object]);

    let refused = rival.post("/api/v1/objects", &both).await?;
    assert_eq!(refused.status, 403, "{}", refused.text);
    for piece in [&plain, &signed] {
        assert_eq!(alice.get(&format!("/api/v1/objects/{}", piece.id())).await?.status, 404, "none was taken");
    }
    let taken = firm.post("/api/v1/objects", &both).await?.json()?;
    assert_eq!(taken["accepted"].as_array().map(Vec::len), Some(2), "{taken}");
    centre.stop()
}
