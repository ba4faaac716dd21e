//! Random words that occur nowhere by chance, so that finding one tells where it came from.

use uuid::Uuid;

const CONSONANTS: &[u8] = b"bdfgklmnprstvz";
const VOWELS: &[u8] = b"aeiou";

/// One word of 14 letters, about 40 random bits.
pub fn word() -> String {
    let letters = |place: usize| if place.is_multiple_of(2) { CONSONANTS } else { VOWELS };
    let random = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
    // Bits 6 and 8 of each UUID say its version and variant.
    let bytes = random.iter().enumerate().filter(|(place, _)| !matches!(place % 16, 6 | 8)).map(|(_, byte)| byte);
    bytes
        .take(14)
        .enumerate()
        .map(|(place, byte)| {
            let letters = letters(place);
            char::from(letters.get(usize::from(*byte) % letters.len()).copied().unwrap_or(b'x'))
        })
        .collect()
}

/// A whole number below `bound`, without bias that a test could notice.
pub fn below(bound: u64) -> u64 {
    let (high, low) = Uuid::new_v4().as_u64_pair();
    (high ^ low.rotate_left(17)) % bound.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_words_and_differ() {
        let words: std::collections::BTreeSet<String> = (0..1_000).map(|_| word()).collect();
        assert_eq!(words.len(), 1_000);
        assert!(words.iter().all(|word| word.len() == 14 && word.bytes().all(|b| b.is_ascii_lowercase())));
    }
}
