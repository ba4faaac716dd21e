//! Keys at rest (ADR 1): a random secret for each retention class and UTC day, wrapped by the master key; each body under a
//! key of its own, derived from its day's secret and its salt. Destroying a secret destroys what it protects.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError, RwLock};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use model::time::Timestamp;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use crate::error::StoreError;
use crate::file::open_or_make;

const SECRETS: TableDefinition<'_, (u32, i32), &[u8]> = TableDefinition::new("secrets");
const CACHE_BYTES: usize = 1 << 20;
const NONCE_BYTES: usize = 12;
const DRAWN_BYTES: usize = 4096;
/// Bytes of an entry's salt.
pub(crate) const SALT_BYTES: usize = 16;
/// Bytes that encryption adds to a body: salt, nonce, tag.
pub(crate) const SEALED_OVERHEAD_BYTES: usize = SALT_BYTES + NONCE_BYTES + 16;

/// Which secret a body is under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) struct KeyName {
    /// Retention class.
    pub(crate) retention: u32,
    /// UTC day of receipt, days since the epoch.
    pub(crate) day: i32,
}

impl KeyName {
    /// The key of what is received at `time` under `retention`.
    pub(crate) fn at(retention: u32, time: Timestamp) -> Self {
        Self { retention, day: i32::try_from(time.micros().div_euclid(86_400_000_000)).unwrap_or(i32::MAX) }
    }
}

/// Random bytes drawn from the system many at a time: one call for each salt and each date would cost more than the rest of
/// an entry's encryption. For what is stored in clear anyway: never for a secret.
#[derive(Debug)]
pub(crate) struct Drawn(Mutex<([u8; DRAWN_BYTES], usize)>);

impl Default for Drawn {
    fn default() -> Self {
        Self(Mutex::new(([0; DRAWN_BYTES], DRAWN_BYTES)))
    }
}

impl Drawn {
    pub(crate) fn draw<const N: usize>(&self) -> Result<[u8; N], StoreError> {
        let mut drawn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (bytes, used) = &mut *drawn;
        if bytes.len() - *used < N {
            SystemRandom::new().fill(bytes).map_err(|_| StoreError::Random)?;
            *used = 0;
        }
        let found = bytes.get(*used..).and_then(|bytes| bytes.first_chunk()).ok_or(StoreError::Random)?;
        *used += N;
        Ok(*found)
    }
}

/// The secrets of one centre.
pub(crate) struct Keyring {
    database: Database,
    master: LessSafeKey,
    random: SystemRandom,
    drawn: Drawn,
    open: RwLock<HashMap<KeyName, hmac::Key>>,
}

impl Keyring {
    /// Opens or makes the key file; `master` is 32 bytes.
    pub(crate) fn open(path: &Path, master: &[u8]) -> Result<Self, StoreError> {
        let master = UnboundKey::new(&AES_256_GCM, master).map_err(|_| StoreError::MasterKey)?;
        let database = open_or_make(path, CACHE_BYTES)?;
        let keyring = Self {
            database,
            master: LessSafeKey::new(master),
            random: SystemRandom::new(),
            drawn: Drawn::default(),
            open: RwLock::default(),
        };
        keyring.load()?;
        Ok(keyring)
    }

    /// As [`Keyring::open`], of a file that is there.
    pub(crate) fn open_existing(path: &Path, master: &[u8]) -> Result<Self, StoreError> {
        if path.is_file() { Self::open(path, master) } else { Err(StoreError::Missing(path.to_owned())) }
    }

    fn load(&self) -> Result<(), StoreError> {
        let transaction = self.database.begin_read()?;
        let table = match transaction.open_table(SECRETS) {
            Ok(table) => table,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        for row in table.iter()? {
            let (name, wrapped) = row?;
            let (retention, day) = name.value();
            let name = KeyName { retention, day };
            let mut secret = unseal(&self.master, &aad(name), wrapped.value()).ok_or(StoreError::MasterKey)?;
            open.insert(name, hmac::Key::new(HMAC_SHA256, &secret));
            secret.fill(0);
        }
        Ok(())
    }

    /// Makes sure that a secret of that name is there, durable before anything is encrypted under it.
    fn ensure(&self, name: KeyName) -> Result<(), StoreError> {
        if self.open.read().unwrap_or_else(PoisonError::into_inner).contains_key(&name) {
            return Ok(());
        }
        let mut secret = [0_u8; 32];
        self.random.fill(&mut secret).map_err(|_| StoreError::Random)?;
        let wrapped = self.wrap(name, &secret)?;
        let transaction = self.database.begin_write()?;
        transaction.open_table(SECRETS)?.insert((name.retention, name.day), wrapped.as_slice())?;
        transaction.commit()?;
        self.open.write().unwrap_or_else(PoisonError::into_inner).insert(name, hmac::Key::new(HMAC_SHA256, &secret));
        Ok(())
    }

    /// HKDF-SHA-256-Expand (RFC 5869 §2.3) of the secret, with the salt as its info, to 32 bytes: one block, of which the
    /// secret's half is computed once for all.
    fn entry_key(&self, name: KeyName, salt: &[u8; SALT_BYTES]) -> Result<LessSafeKey, StoreError> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let mut block = hmac::Context::with_key(open.get(&name).ok_or(StoreError::Erased)?);
        block.update(salt);
        block.update(&[1]);
        let key = block.sign();
        Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_ref()).map_err(|_| StoreError::Random)?))
    }

    /// Encrypts a body: salt ‖ nonce ‖ ciphertext ‖ tag. `envelope` is bound to it.
    pub(crate) fn seal(&self, name: KeyName, envelope: &[u8], body: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.ensure(name)?;
        let start = self.drawn.draw::<{ SALT_BYTES + NONCE_BYTES }>()?;
        let (salt, nonce) = start.split_first_chunk().ok_or(StoreError::Random)?;
        let key = self.entry_key(name, salt)?;
        let mut out = Vec::with_capacity(body.len() + SEALED_OVERHEAD_BYTES);
        out.extend_from_slice(salt);
        seal_into(&key, nonce, envelope, body, &mut out)?;
        Ok(out)
    }

    fn wrap(&self, name: KeyName, secret: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut nonce = [0_u8; NONCE_BYTES];
        self.random.fill(&mut nonce).map_err(|_| StoreError::Random)?;
        let mut out = Vec::with_capacity(secret.len() + SEALED_OVERHEAD_BYTES);
        seal_into(&self.master, &nonce, &aad(name), secret, &mut out)?;
        Ok(out)
    }

    /// Decrypts what [`Keyring::seal`] made, appending the body to `out`.
    pub(crate) fn unseal(
        &self,
        name: KeyName,
        envelope: &[u8],
        sealed: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), StoreError> {
        let (salt, rest) =
            sealed.split_first_chunk::<SALT_BYTES>().ok_or(StoreError::Damaged("a sealed body is too short"))?;
        let (nonce, text) =
            rest.split_at_checked(NONCE_BYTES).ok_or(StoreError::Damaged("a sealed body is too short"))?;
        let key = self.entry_key(name, salt)?;
        let from = out.len();
        out.extend_from_slice(text);
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| StoreError::Damaged("a nonce"))?;
        let text = out.get_mut(from..).ok_or(StoreError::Damaged("a body"))?;
        let length = key
            .open_in_place(nonce, Aad::from(envelope), text)
            .map_err(|_| StoreError::Damaged("a body does not decrypt: it or its envelope was altered"))?
            .len();
        out.truncate(from + length);
        Ok(())
    }
}

/// Appends nonce ‖ ciphertext ‖ tag to `out`.
fn seal_into(key: &LessSafeKey, nonce: &[u8], aad: &[u8], body: &[u8], out: &mut Vec<u8>) -> Result<(), StoreError> {
    out.extend_from_slice(nonce);
    let from = out.len();
    out.extend_from_slice(body);
    let text = out.get_mut(from..).ok_or(StoreError::Random)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| StoreError::Random)?;
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(aad), text).map_err(|_| StoreError::Random)?;
    out.extend_from_slice(tag.as_ref());
    Ok(())
}

fn unseal(key: &LessSafeKey, aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, text) = sealed.split_at_checked(NONCE_BYTES)?;
    let mut text = text.to_vec();
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let length = key.open_in_place(nonce, Aad::from(aad), &mut text).ok()?.len();
    text.truncate(length);
    Some(text)
}

fn aad(name: KeyName) -> Vec<u8> {
    [name.retention.to_le_bytes(), name.day.to_le_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::hkdf::{HKDF_SHA256, Prk};

    use super::*;

    #[test]
    fn the_key_of_an_entry_is_what_hkdf_expands() {
        let folder = tempfile::tempdir().unwrap();
        let ring = Keyring::open(&folder.path().join("keys.redb"), &[7; 32]).unwrap();
        let (name, salt) = (KeyName { retention: 1, day: 3 }, [9; SALT_BYTES]);
        ring.open.write().unwrap().insert(name, hmac::Key::new(HMAC_SHA256, &[5; 32]));
        let info = [salt.as_slice()];
        let okm = Prk::new_less_safe(HKDF_SHA256, &[5; 32]).expand(&info, &AES_256_GCM).unwrap().into();
        let seal = |key: &LessSafeKey| {
            let mut out = Vec::new();
            seal_into(key, &[1; NONCE_BYTES], b"envelope", b"body", &mut out).unwrap();
            out
        };
        assert_eq!(seal(&ring.entry_key(name, &salt).unwrap()), seal(&LessSafeKey::new(okm)));
    }

    #[test]
    fn nothing_is_drawn_twice() {
        let drawn = Drawn::default();
        let all: std::collections::HashSet<[u8; 28]> = (0..1_000).map(|_| drawn.draw().unwrap()).collect();
        assert_eq!(all.len(), 1_000);
    }

    #[test]
    fn a_body_opens_under_its_own_envelope_and_master_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.redb");
        let name = KeyName { retention: 1, day: 20_000 };
        let ring = Keyring::open(&path, &[7; 32]).unwrap();
        let sealed = ring.seal(name, b"envelope", b"secret words").unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        drop(ring);
        let ring = Keyring::open(&path, &[7; 32]).unwrap();
        let mut out = b"before ".to_vec();
        ring.unseal(name, b"envelope", &sealed, &mut out).unwrap();
        assert_eq!(out, b"before secret words");
        assert!(ring.unseal(name, b"other", &sealed, &mut out).is_err());
        assert!(matches!(
            ring.unseal(KeyName { day: 1, ..name }, b"envelope", &sealed, &mut out),
            Err(StoreError::Erased)
        ));
        drop(ring);
        assert!(matches!(Keyring::open(&path, &[8; 32]), Err(StoreError::MasterKey)));
    }
}
