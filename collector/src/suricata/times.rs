//! Times as Suricata writes them, of which nearly all lie in the minute of the one before.

use model::time::Timestamp;

/// `2026-11-24T19:03:07.042500+0000`: minute, seconds with six decimals, offset.
const MINUTE: usize = 17;
const SECONDS: usize = 9;
const OFFSET: usize = 5;

/// Reads times; remembers the minute and the offset of the last one, and when that minute began.
#[derive(Debug, Default)]
pub(super) struct Times(Option<([u8; MINUTE], [u8; OFFSET], Timestamp)>);

impl Times {
    /// Reads a time with its offset, as [`Timestamp::with_offset`] does.
    #[inline]
    pub(super) fn read(&mut self, text: &str) -> Option<Timestamp> {
        let Some((minute, micros, offset)) = parts(text.as_bytes()) else { return Timestamp::with_offset(text).ok() };
        match &self.0 {
            Some((last, its_offset, start)) if last == minute && its_offset == offset => {
                Some(start.plus_micros(micros))
            }
            _ => {
                let time = Timestamp::with_offset(text).ok()?;
                self.0 = Some((*minute, *offset, time.plus_micros(-micros)));
                Some(time)
            }
        }
    }
}

/// The minute, the microseconds since then and the offset, if it is all there in the usual lengths.
#[inline]
fn parts(text: &[u8]) -> Option<(&[u8; MINUTE], i64, &[u8; OFFSET])> {
    let (minute, rest) = text.split_first_chunk()?;
    let ([tens, ones, b'.', decimals @ ..], offset) = rest.split_first_chunk::<SECONDS>()? else { return None };
    let mut micros = 0;
    for byte in [tens, ones].into_iter().chain(decimals) {
        micros = micros * 10 + i64::from(byte.checked_sub(b'0').filter(|digit| *digit <= 9)?);
    }
    // A leap second is the first of the next minute.
    let is_held = micros < 61_000_000;
    Some((minute, micros, offset.try_into().ok()?)).filter(|_| is_held)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn time() -> impl Strategy<Value = String> {
        let usual =
            ("(29|30|31|32)", "(58|59|60)", "[0-6][0-9]", "[0-9]{6}", "(\\+0000|-0130|\\+0545|Z|0123Z|012Z|\\+00:0|)")
                .prop_map(|(day, minute, second, micros, offset)| {
                    format!("2026-12-{day}T23:{minute}:{second}.{micros}{offset}")
                });
        prop_oneof![
            9 => usual.clone(),
            1 => (usual, any::<prop::sample::Index>(), any::<char>()).prop_map(|(text, at, with)| {
                let at = at.index(text.len());
                text.char_indices().map(|(place, char)| if place == at { with } else { char }).collect()
            }),
        ]
    }

    proptest! {
        /// Whatever came before.
        #[test]
        fn a_time_is_read_as_if_it_were_alone(texts in prop::collection::vec(time(), 1..20)) {
            let mut times = Times::default();
            for text in texts {
                prop_assert_eq!(times.read(&text), Timestamp::with_offset(&text).ok(), "{}", text);
            }
        }
    }
}
