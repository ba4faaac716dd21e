//! Points in time, as STIX and TAXII write them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time: microseconds since 1970-01-01T00:00:00Z. Written as RFC 3339 in UTC with six decimals, which is
/// what TAXII 2.1 §3.4 asks of its date headers; read with any number of decimals, the rest beyond six cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// A text that is no RFC 3339 time in UTC.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time in UTC, such as `2026-11-24T19:03:07.042Z`")]
pub struct TimestampError;

impl Timestamp {
    /// From microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// This time and `micros` microseconds more (less, if negative), held at the ends of the range.
    #[must_use]
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// The start of the UTC hour this time lies in.
    #[must_use]
    pub const fn hour(self) -> Self {
        Self(self.0.saturating_sub(self.0.rem_euclid(3_600_000_000)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(time) => write!(f, "{time:.6}"),
            Err(_) => write!(f, "9999-12-31T23:59:59.999999Z"),
        }
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// RFC 3339 as STIX 2.1 §2.16 narrows it: `T` and `Z` in capitals, no offset, any number of decimals.
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        Self::without_offset(text.strip_suffix('Z').ok_or(TimestampError)?.as_bytes())
    }
}

impl Timestamp {
    /// Reads a time with the hours and minutes that it is ahead of UTC (`2026-09-21T14:13:20.111884+0000`), or with `Z`.
    pub fn with_offset(text: &str) -> Result<Self, TimestampError> {
        if text.ends_with('Z') {
            return text.parse();
        }
        let (time, [sign, digits @ ..]) = text.as_bytes().split_last_chunk::<5>().ok_or(TimestampError)?;
        let number = number(digits)?;
        let ahead = (number / 100 * 60 + number % 100) * 60_000_000;
        let time = Self::without_offset(time)?;
        match sign {
            b'+' => Ok(time.plus_micros(-ahead)),
            b'-' => Ok(time.plus_micros(ahead)),
            _ => Err(TimestampError),
        }
    }

    fn without_offset(text: &[u8]) -> Result<Self, TimestampError> {
        let (whole, rest) = text.split_at_checked(19).ok_or(TimestampError)?;
        let number = |from: usize, digits: usize| number(whole.get(from..from + digits).unwrap_or_default());
        let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
        let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
        let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
        let marked = marks.iter().all(|(place, mark)| whole.get(*place) == Some(mark));
        // A leap second counts as the first moment of the next minute.
        let held = (1..=days_in(year, month)).contains(&day) && hour <= 23 && minute <= 59 && second <= 60;
        if !marked || !held {
            return Err(TimestampError);
        }
        let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
        Ok(Self(seconds * 1_000_000 + micros(rest)?))
    }
}

fn number(digits: &[u8]) -> Result<i64, TimestampError> {
    digits.iter().try_fold(
        0,
        |sum, b| {
            if b.is_ascii_digit() { Ok(sum * 10 + i64::from(b - b'0')) } else { Err(TimestampError) }
        },
    )
}

/// The microseconds of `.s+` or nothing; what lies beyond six decimals is cut off.
fn micros(rest: &[u8]) -> Result<i64, TimestampError> {
    let decimals = match rest {
        [] => return Ok(0),
        [b'.', decimals @ ..] if !decimals.is_empty() => decimals,
        _ => return Err(TimestampError),
    };
    let (six, beyond) = decimals.split_at_checked(6).unwrap_or((decimals, &[]));
    if !beyond.iter().all(u8::is_ascii_digit) {
        return Err(TimestampError);
    }
    (six.len()..6).try_fold(number(six)?, |micros, _| Ok(micros * 10))
}

/// Days of a month of the Gregorian calendar; none of a month that there is not.
const fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

/// Days from 1970-01-01 to a day of the Gregorian calendar, counted in years that begin in March, so that the leap day is
/// the last of its year.
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_i64(self.0) }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
            text.parse().map_err(serde::de::Error::custom)
        } else {
            i64::deserialize(deserializer).map(Self)
        }
    }
}

/// Where the present time comes from; tests hand in their own.
pub trait Clock: Send + Sync {
    /// The present time.
    fn now(&self) -> Timestamp;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_what_stix_writes() {
        let time: Timestamp = "2026-11-24T19:03:07.0425Z".parse().unwrap();
        assert_eq!(time.to_string(), "2026-11-24T19:03:07.042500Z");
        assert_eq!(time.hour().to_string(), "2026-11-24T19:00:00.000000Z");
        assert_eq!("2026-11-24T19:03:07Z".parse::<Timestamp>().unwrap().micros() % 1_000_000, 0);
        assert_eq!("2026-11-24T19:03:07.0123456789Z".parse::<Timestamp>().unwrap().micros() % 1_000_000, 12_345);
        assert!("9999-12-31T23:59:59.999Z".parse::<Timestamp>().is_ok(), "producers write it for `never`");
        for bad in [
            "",
            "2026-02-29T00:00:00Z",
            "2026-11-24T24:00:00Z",
            "2026-11-24T19:03:07.Z",
            "2026-11-24",
            "2026-11-24T19:03:07",
            "2026-11-24t19:03:07z",
            "2026-11-24T19:03:07+00:00",
        ] {
            assert_eq!(bad.parse::<Timestamp>(), Err(TimestampError), "{bad}");
        }
    }

    #[test]
    fn reads_offsets() {
        let utc: Timestamp = "2026-11-24T19:03:07.0425Z".parse().unwrap();
        for text in [
            "2026-11-24T19:03:07.0425Z",
            "2026-11-24T19:03:07.0425+0000",
            "2026-11-24T14:33:07.0425-0430",
            "2026-11-25T00:48:07.0425+0545",
        ] {
            assert_eq!(Timestamp::with_offset(text), Ok(utc), "{text}");
        }
        for bad in [
            "",
            "+0000",
            "2026-11-24T19:03:07 0000",
            "2026-11-24T19:03:07++100",
            "2026-11-24T19:03:07Z+0000",
            "2026-11-24T19:03:07é000",
        ] {
            assert_eq!(Timestamp::with_offset(bad), Err(TimestampError), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn reads_as_the_calendar_library_reads(micros in -62_000_000_000_000_000_i64..250_000_000_000_000_000) {
            let time = Timestamp::from_micros(micros);
            proptest::prop_assert_eq!(time.to_string().parse::<Timestamp>(), Ok(time));
        }
    }
}
