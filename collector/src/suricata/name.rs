//! Names of members, told from one another in one go.

/// The name of a member: its bytes and, in the last, how many they are. All that are longer are one, which nobody asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name(u128);

impl Name {
    /// Bytes from which on a name is too long.
    const BYTES: usize = size_of::<u128>();
    const LONG: Self = Self(u128::MAX);

    /// That of a member that is asked for: too long a one does not compile.
    pub(super) const fn asked(name: &[u8]) -> Self {
        assert!(name.len() < Self::BYTES, "the name is too long to be told from others");
        Self::new(name)
    }

    pub(super) const fn new(name: &[u8]) -> Self {
        if name.len() >= Self::BYTES {
            return Self::LONG;
        }
        let (mut number, mut rest) = (0, name);
        while let Some((last, before)) = rest.split_last() {
            number = number << 8 | *last as u128;
            rest = before;
        }
        Self(number | (name.len() as u128) << 120)
    }

    /// That of the first `length` of `bytes`.
    #[inline(always)]
    pub(super) fn beginning(bytes: &[u8], length: usize) -> Self {
        match bytes.first_chunk() {
            _ if length >= Self::BYTES => Self::LONG,
            Some(bytes) => {
                let behind = u128::MAX << (length * 8);
                Self(u128::from_le_bytes(*bytes) & !behind | (length as u128) << 120)
            }
            None => Self::new(bytes.get(..length).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Two are the same if their bytes are; wherever they were read.
        #[test]
        fn a_name_is_its_bytes(one in "[a-c\0]{0,18}", other in "[a-c\0]{0,18}", behind in ".{0,18}") {
            let is_long = one.len().min(other.len()) >= 16;
            prop_assert_eq!(Name::new(one.as_bytes()) == Name::new(other.as_bytes()), is_long || one == other);
            let read = Name::beginning([one.as_bytes(), behind.as_bytes()].concat().as_slice(), one.len());
            prop_assert_eq!(read, Name::new(one.as_bytes()));
        }
    }
}
