//! Cursors: where a page or stream ended, sealed so that nobody else, no other query and no altered byte gets anything but
//! one and the same refusal, and so that a position in the log tells nobody how much lies hidden between two.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Code, Failure};

/// Bytes of a position: a sequence number of the object log and one of the place within it.
const POSITION_BYTES: usize = 16;
/// Longest text of a cursor: nonce, position and tag in base64url.
const CURSOR_TEXT_MAX: usize = 64;

/// Where a page or stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// Sequence number, or whatever else the reader counts by.
    pub sequence: u64,
    /// A second number where one is not enough (a time, a place within an entry).
    pub within: u64,
}

/// What a cursor is good for.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The principal's name.
    pub principal: &'a str,
    /// The route.
    pub route: &'a str,
    /// Everything of the query that decides what stands in the list, in canonical form.
    pub query: &'a str,
}

impl Scope<'_> {
    /// Each part with its length before it, so that no two scopes run together.
    fn bytes(&self) -> Vec<u8> {
        let parts = [self.principal, self.route, self.query];
        let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }
}

/// Seals and opens cursors under one key, which must outlive a restart for streams to resume over it.
pub struct Sealer {
    key: LessSafeKey,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

/// The secret for cursors has not the length of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key for cursors cannot be used: it must have 32 bytes")]
pub struct SealerError;

impl Sealer {
    /// Seals under `secret`.
    pub fn new(secret: &[u8; 32]) -> Result<Self, SealerError> {
        let key = UnboundKey::new(&AES_256_GCM, secret).map_err(|_| SealerError)?;
        Ok(Self { key: LessSafeKey::new(key) })
    }

    /// The cursor for `position` in `scope`.
    pub fn seal(&self, scope: &Scope<'_>, position: Position) -> Result<String, Failure> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| Failure::internal("the system gives no random bytes"))?;
        let mut text = Vec::with_capacity(CURSOR_TEXT_MAX);
        text.extend_from_slice(&position.sequence.to_le_bytes());
        text.extend_from_slice(&position.within.to_le_bytes());
        let tag = self
            .key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(scope.bytes()), &mut text)
            .map_err(|_| Failure::internal("a cursor cannot be sealed"))?;
        let mut whole = nonce.to_vec();
        whole.extend_from_slice(&text);
        whole.extend_from_slice(tag.as_ref());
        Ok(URL_SAFE_NO_PAD.encode(whole))
    }

    /// The position in `cursor`, if it was made here for `scope`; whatever is wrong with it, the answer is the same.
    pub fn open(&self, scope: &Scope<'_>, cursor: &str) -> Result<Position, Failure> {
        self.opened(scope, cursor).ok_or_else(|| {
            Failure::new(Code::BadRequest, "the cursor does not belong to this query: repeat the query without it")
        })
    }

    fn opened(&self, scope: &Scope<'_>, cursor: &str) -> Option<Position> {
        if cursor.len() > CURSOR_TEXT_MAX {
            return None;
        }
        let whole = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (nonce, sealed) = whole.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let text = self.key.open_in_place(nonce, Aad::from(scope.bytes()), &mut sealed).ok()?;
        let (sequence, within) = text.split_at_checked(POSITION_BYTES / 2)?;
        Some(Position {
            sequence: u64::from_le_bytes(sequence.try_into().ok()?),
            within: u64::from_le_bytes(within.try_into().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALICE: Scope<'_> = Scope { principal: "alice@ca", route: "/objects/", query: "match[type]=indicator" };

    fn sealer() -> Sealer {
        Sealer::new(&[7; 32]).unwrap()
    }

    proptest! {
        #[test]
        fn a_cursor_opens_to_what_was_sealed(sequence: u64, within: u64) {
            let position = Position { sequence, within };
            let cursor = sealer().seal(&ALICE, position).unwrap();
            prop_assert!(cursor.len() <= CURSOR_TEXT_MAX);
            prop_assert_eq!(sealer().open(&ALICE, &cursor).unwrap(), position);
        }

        #[test]
        fn an_altered_cursor_is_refused(at in 0usize..59, with in 0u8..64) {
            let cursor = sealer().seal(&ALICE, Position { sequence: 9, within: 1 }).unwrap();
            let mut bytes = cursor.clone().into_bytes();
            let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            prop_assume!(bytes[at] != letters[usize::from(with)]);
            bytes[at] = letters[usize::from(with)];
            let altered = String::from_utf8(bytes).unwrap();
            prop_assert!(sealer().open(&ALICE, &altered).is_err());
        }

        #[test]
        fn any_text_is_refused_without_panic(text in ".{0,90}") {
            prop_assert!(sealer().open(&ALICE, &text).is_err());
        }
    }

    #[test]
    fn foreign_and_other_query_and_nonsense_are_one_refusal() {
        let cursor = sealer().seal(&ALICE, Position { sequence: 9, within: 0 }).unwrap();
        let refusals = [
            sealer().open(&Scope { principal: "claude@ca", ..ALICE }, &cursor),
            sealer().open(&Scope { query: "", ..ALICE }, &cursor),
            sealer().open(&Scope { route: "/manifest/", ..ALICE }, &cursor),
            sealer().open(&ALICE, "AAAA"),
            sealer().open(&ALICE, ""),
            Sealer::new(&[8; 32]).unwrap().open(&ALICE, &cursor),
        ];
        let texts: Vec<String> = refusals.into_iter().map(|refusal| format!("{:?}", refusal.unwrap_err())).collect();
        assert!(texts.windows(2).all(|pair| pair[0] == pair[1]), "{texts:?}");
    }
}
