//! From rules to entries, and from observations to rules: both sides spell a value in the same way.

use std::borrow::Cow;
use std::net::IpAddr;

use model::field::{Field, FieldValue};
use model::observation::Observation;
use model::value::canonical_url;

use super::{Builder, Domain, ExactTable, Kind};
use crate::comparison::{Test, Wanted};
use crate::compile::{Program, Rule};
use crate::text::{composed, composed_owned};

impl Builder {
    /// Adds a rule that is one value, or a choice of several. False if it is not, or has no room: it is held elsewhere then,
    /// and what the table has under its key no longer counts.
    pub(crate) fn add(&mut self, rule: &Rule) -> bool {
        let mut tests = Vec::new();
        if !choice(&rule.program, &mut tests) {
            self.blank(&rule.key);
            return false;
        }
        let Some(number) = self.rule(&rule.key, rule.valid_from, rule.valid_until) else { return false };
        if tests.into_iter().all(|test| self.test(number, test)) {
            return true;
        }
        self.blank(&rule.key);
        false
    }

    fn test(&mut self, rule: u32, test: &Test) -> bool {
        let fields = test.fields.iter().fold(0, |bits, field| bits | bit(*field));
        let kind = Kind {
            fields,
            itself: !matches!(test.wanted, Wanted::Below(_)),
            below: matches!(test.wanted, Wanted::Below(_)),
        };
        let texts = |builder: &mut Self, domain, texts: &[Box<str>]| {
            texts.iter().all(|text| builder.value(rule, domain, text.as_bytes(), kind))
        };
        match &test.wanted {
            Wanted::Ips(ips) => ips.iter().all(|ip| self.value(rule, Domain::Address, octets(*ip).as_ref(), kind)),
            Wanted::Names(names) => texts(self, Domain::Name, names),
            Wanted::Below(name) => texts(self, Domain::Name, std::slice::from_ref(name)),
            Wanted::Integers(all) => all.iter().all(|one| self.value(rule, Domain::Integer, &one.to_le_bytes(), kind)),
            Wanted::Texts(all) => texts(self, Domain::Text, all),
            Wanted::Caseless(all) => texts(self, Domain::Caseless, all),
            Wanted::Urls(all) => texts(self, Domain::Url, all),
            _ => false,
        }
    }
}

/// Collects the tests of a choice of values; false if the program is anything else.
fn choice<'p>(program: &'p Program, tests: &mut Vec<&'p Test>) -> bool {
    match program {
        Program::Test(test) => {
            tests.push(test);
            !test.negated
                && matches!(
                    test.wanted,
                    Wanted::Ips(_)
                        | Wanted::Names(_)
                        | Wanted::Below(_)
                        | Wanted::Integers(_)
                        | Wanted::Texts(_)
                        | Wanted::Caseless(_)
                        | Wanted::Urls(_)
                )
        }
        Program::Any(parts) => parts.iter().all(|part| choice(part, tests)),
        Program::All(_) => false,
    }
}

fn bit(field: Field) -> u32 {
    1_u32.checked_shl(field as u32).unwrap_or(0)
}

/// An address as it is held: 4 or 16 octets.
fn octets(ip: IpAddr) -> Cow<'static, [u8]> {
    Cow::Owned(match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    })
}

impl ExactTable {
    /// Hands each rule that a value of the observation satisfies to `each`, with the field and the value, in the fields' order.
    pub(crate) fn admit<'a>(&self, observation: &'a Observation, each: &mut dyn FnMut(u32, Field, FieldValue<'a>)) {
        if self.is_empty() {
            return;
        }
        for field in Field::ALL.into_iter().filter(|field| self.fields & bit(*field) != 0) {
            field.values(observation, &mut |value| self.admit_value(field, value, each));
        }
    }

    fn admit_value<'a>(&self, field: Field, value: FieldValue<'a>, each: &mut dyn FnMut(u32, Field, FieldValue<'a>)) {
        let mut look = |domain: Domain, bytes: &[u8], below: bool| {
            if self.domains & domain.bit() == 0 {
                return;
            }
            self.find(domain, bytes, |rule, kind| {
                if kind.fields & bit(field) != 0 && if below { kind.below } else { kind.itself } {
                    each(rule, field, value);
                }
            });
        };
        match value {
            FieldValue::Ip(IpAddr::V4(ip)) => look(Domain::Address, &ip.octets(), false),
            FieldValue::Ip(IpAddr::V6(ip)) => look(Domain::Address, &ip.octets(), false),
            FieldValue::Name(name) => {
                look(Domain::Name, name.as_bytes(), false);
                let mut rest = name;
                while self.below
                    && let Some((_, parent)) = rest.split_once('.')
                {
                    look(Domain::Name, parent.as_bytes(), true);
                    rest = parent;
                }
            }
            FieldValue::Integer(number) => look(Domain::Integer, &number.to_le_bytes(), false),
            FieldValue::Time(time) => look(Domain::Integer, &time.micros().to_le_bytes(), false),
            FieldValue::Text(text) => {
                look(Domain::Text, composed(text).as_bytes(), false);
                if self.domains & Domain::Caseless.bit() != 0 {
                    look(Domain::Caseless, composed_owned(text.to_lowercase()).as_bytes(), false);
                }
                if field == Field::UrlFull && self.domains & Domain::Url.bit() != 0 {
                    look(Domain::Url, composed_owned(canonical_url(text)).as_bytes(), false);
                }
            }
        }
    }
}
