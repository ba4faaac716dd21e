//! A fixed set of names that many texts are looked up in.

/// Names, and the number of each: one look at where it must stand, one comparison.
pub(crate) struct Names {
    names: Vec<&'static str>,
    /// A number and one more, or nothing. Four times as many as names, so that next to none stands beside its place.
    places: Vec<u8>,
}

impl Names {
    /// Numbers `names` in their order. There are less than 256 and none stands twice: of two the first counts.
    pub(crate) fn new(names: impl IntoIterator<Item = &'static str>) -> Self {
        let names: Vec<&'static str> = names.into_iter().take(usize::from(u8::MAX)).collect();
        let mut places = vec![0; (names.len() * 4).next_power_of_two()];
        let last = places.len() - 1;
        for (number, name) in names.iter().enumerate() {
            let number = u8::try_from(number + 1).unwrap_or(0);
            let mut place = spread(name) as usize & last;
            while let Some(taken) = places.get_mut(place) {
                if *taken == 0 {
                    *taken = number;
                    break;
                }
                place = (place + 1) & last;
            }
        }
        Self { names, places }
    }

    /// The number of a name that is one of them.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        let last = self.places.len() - 1;
        let mut place = spread(name) as usize & last;
        loop {
            let number = usize::from(*self.places.get(place)?).checked_sub(1)?;
            if *self.names.get(number)? == name {
                return Some(number);
            }
            place = (place + 1) & last;
        }
    }
}

/// A number that names which differ seldom share, made of their length and some of their bytes. Whoever wants many names
/// that share one can have them: nothing may be slow for it.
pub(crate) fn spread(name: &str) -> u32 {
    let bytes = name.as_bytes();
    let four = |bytes: Option<&[u8; 4]>| bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes));
    let some = match bytes {
        [first, second, .., last] if bytes.len() < 4 => u32::from_le_bytes([*first, *second, *last, 0]),
        [first, last] => u32::from_le_bytes([*first, *last, 0, 1]),
        [only] => u32::from(*only),
        [] => 0,
        _ => {
            let middle = bytes.get(bytes.len() / 2 - 2..).and_then(<[u8]>::first_chunk);
            four(bytes.first_chunk()) ^ four(bytes.last_chunk()).rotate_left(7) ^ four(middle).rotate_left(13)
        }
    };
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    some.wrapping_add(length.rotate_left(25)).wrapping_mul(0x9E37_79B1) >> 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_number_and_no_other_text_has_one() {
        let all =
            ["", "a", "ab", "abc", "abcd", "id", "type", "spec_version", "created", "modified", "name", "aliases"];
        let names = Names::new(all);
        for (number, name) in all.iter().enumerate() {
            assert_eq!(names.find(name), Some(number), "{name}");
        }
        for other in ["b", "ba", "abd", "abce", "typo", "spec-version", "createe", "é", "created_by_ref"] {
            assert_eq!(names.find(other), None, "{other}");
        }
        assert_eq!(Names::new([]).find("a"), None);
    }
}
