//! The link log's hashes (ADR 4): what the origin records of each release, and what the follower can check.

use model::principal::CentreCode;
use model::stix::{StixId, Version};
use model::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A hash of the link log.
pub type Hash = [u8; 32];

/// The chain before the first row.
pub const CHAIN_START: Hash = [0; 32];

/// What happened to a statement on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkKind {
    /// It was sent.
    Release,
    /// It was taken back.
    Withdrawal,
}

/// One row of a link log; also the disclosure record of what it sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkRow {
    /// Its number, dense from 1.
    pub number: u64,
    /// What happened.
    pub kind: LinkKind,
    /// To whom.
    pub partner: CentreCode,
    /// Which object.
    pub id: StixId,
    /// Which version.
    pub version: Version,
    /// Which rendering of that version.
    pub rendering: u32,
    /// SHA-256 of the bytes that left.
    pub digest: Hash,
    /// Under which agreement.
    pub agreement: String,
    /// By which rule.
    pub rule: String,
    /// For which purpose.
    pub purpose: String,
    /// When.
    pub time: Timestamp,
}

/// leaf = SHA-256(0x00 ‖ SHA-256(salt ‖ row)): destroying the salt leaves every proof whole and says nothing of the row.
pub fn leaf(salt: &[u8; 16], row: &LinkRow) -> Result<Hash, serde_json::Error> {
    Ok(leaf_of(salt, &serde_json::to_vec(row)?))
}

/// The same of a row's JSON as it came.
pub fn leaf_of(salt: &[u8; 16], row: &[u8]) -> Hash {
    let mut inner = Sha256::new();
    inner.update(salt);
    inner.update(row);
    let mut outer = Sha256::new();
    outer.update([0]);
    outer.update(inner.finalize());
    outer.finalize().into()
}

/// chain(n) = SHA-256(0x01 ‖ chain(n - 1) ‖ leaf(n)).
pub fn chain(before: &Hash, leaf: &Hash) -> Hash {
    let mut hash = Sha256::new();
    hash.update([1]);
    hash.update(before);
    hash.update(leaf);
    hash.finalize().into()
}

/// Where a follower stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkCursor {
    /// The last number it holds.
    pub number: u64,
    /// The chain there.
    pub chain: Hash,
}

impl Default for LinkCursor {
    fn default() -> Self {
        Self { number: 0, chain: CHAIN_START }
    }
}

/// Why a follower stops until somebody has looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkBreak {
    /// A number was left out or sent again.
    #[error("the partner's link log continues with number {found}, {expected} was expected")]
    Number {
        /// The next number.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// The chain does not follow: something was rewritten.
    #[error("the partner's link log does not follow from what it sent before, at number {0}: something was rewritten")]
    Chain(u64),
}

impl LinkCursor {
    /// The cursor after a row with this number, leaf and chain.
    pub fn advance(&self, number: u64, leaf_: &Hash, chain_: &Hash) -> Result<Self, LinkBreak> {
        let expected = self.number.saturating_add(1);
        if number != expected {
            return Err(LinkBreak::Number { expected, found: number });
        }
        let own = chain(&self.chain, leaf_);
        if own == *chain_ { Ok(Self { number, chain: own }) } else { Err(LinkBreak::Chain(number)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u64) -> LinkRow {
        LinkRow {
            number,
            kind: LinkKind::Release,
            partner: "ca".parse().unwrap(),
            id: "indicator--aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa".parse().unwrap(),
            version: Version::Modified(Timestamp::from_micros(1)),
            rendering: 0,
            digest: [7; 32],
            agreement: "us-ca-starter".to_owned(),
            rule: "CLEAR".to_owned(),
            purpose: "cyber_defence".to_owned(),
            time: Timestamp::from_micros(2),
        }
    }

    #[test]
    fn the_chain_is_fixed() {
        let first = leaf(&[1; 16], &row(1)).unwrap();
        assert_eq!(hex::encode(chain(&CHAIN_START, &first)), include_str!("../golden/chain.txt").trim());
    }

    #[test]
    fn a_follower_notices_gap_double_and_rewriting() {
        let leaves: Vec<Hash> = (1..=3).map(|number| leaf(&[9; 16], &row(number)).unwrap()).collect();
        let start = LinkCursor::default();
        let one = start.advance(1, &leaves[0], &chain(&CHAIN_START, &leaves[0])).unwrap();
        let two = one.advance(2, &leaves[1], &chain(&one.chain, &leaves[1])).unwrap();
        assert_eq!(start.advance(2, &leaves[1], &two.chain), Err(LinkBreak::Number { expected: 1, found: 2 }));
        assert_eq!(two.advance(2, &leaves[1], &two.chain), Err(LinkBreak::Number { expected: 3, found: 2 }));
        assert_eq!(two.advance(3, &leaves[2], &one.chain), Err(LinkBreak::Chain(3)));
        assert_ne!(leaf(&[8; 16], &row(1)).unwrap(), leaves[0], "the salt counts");
    }
}
