//! The table as bytes, as it lies in memory.

use std::io::{self, Read, Write};

use super::keys::{Ending, Keys, Prefix};
use super::{Entries, ExactTable, Kind, begin};
use crate::saved::{Reading, SavedError, Writing};

impl ExactTable {
    pub(crate) fn write(&self, to: &mut Writing<impl Write>) -> io::Result<()> {
        to.number(self.seed)?;
        to.number(self.domains)?;
        to.numbers(&self.kind_table.iter().map(|kind| kind.fields).collect::<Vec<_>>())?;
        let ways = |kind: &Kind| u8::from(kind.itself) | u8::from(kind.below) << 1;
        to.numbers(&self.kind_table.iter().map(ways).collect::<Vec<_>>())?;
        to.number(self.keys.prefixes.len() as u64)?;
        for prefix in &self.keys.prefixes {
            to.number(prefix.ending as u8)?;
            to.text(&prefix.text)?;
        }
        to.number(self.keys.others.len() as u64)?;
        self.keys.others.iter().try_for_each(|text| to.text(text))?;
        to.numbers(&self.keys.prefix)?;
        to.numbers(&self.keys.number)?;
        to.numbers(&self.valid)?;
        to.numbers(&self.buckets)?;
        to.numbers(&self.entries.places)?;
        to.numbers(&self.entries.tags)?;
        to.numbers(&self.entries.rules)?;
        to.numbers(&self.entries.kinds)
    }

    /// Reads what [`ExactTable::write`] wrote.
    pub(crate) fn read(from: &mut Reading<impl Read>) -> Result<Self, SavedError> {
        let (seed, domains) = (from.number()?, from.number()?);
        let (fields, ways) = (from.numbers::<u32>()?, from.numbers::<u8>()?);
        let kind = |(&fields, &ways): (&u32, &u8)| Kind { fields, itself: ways & 1 != 0, below: ways & 2 != 0 };
        let ending = |number: u8| if number == Ending::Uuid as u8 { Ending::Uuid } else { Ending::Number };
        let mut prefixes = Vec::new();
        for _ in 0..from.length(1)? {
            prefixes.push(Prefix { ending: ending(from.number()?), text: from.text()?.into() });
        }
        let mut others = Vec::new();
        for _ in 0..from.length(1)? {
            others.push(from.text()?.into());
        }
        let keys = Keys { prefixes, others, prefix: from.numbers()?, number: from.numbers()? };
        let table = Self {
            seed,
            domains,
            kind_table: fields.iter().zip(ways.iter()).map(kind).collect(),
            keys,
            valid: from.numbers()?,
            buckets: from.numbers()?,
            entries: Entries {
                places: from.numbers()?,
                tags: from.numbers()?,
                rules: from.numbers()?,
                kinds: from.numbers()?,
            },
            ..Self::default()
        };
        if table.is_sound() { Ok(table.counted()) } else { Err(SavedError::Damaged("it points outside itself")) }
    }

    /// Is every place that it names there?
    fn is_sound(&self) -> bool {
        let (entries, rules) = (&self.entries, self.valid.len());
        let last = self.buckets.last().map_or(0, |head| begin(*head));
        let lengths = [entries.places.len(), entries.rules.len(), entries.kinds.len()];
        self.buckets.is_sorted_by_key(|head| begin(*head))
            && last == entries.tags.len()
            && lengths.iter().all(|length| *length == entries.tags.len())
            && self.keys.prefix.len() == rules
            && self.keys.number.len() == rules
            && entries.rules.iter().all(|rule| (*rule as usize) < rules)
            && entries.kinds.iter().all(|kind| usize::from(*kind) < self.kind_table.len())
    }
}
