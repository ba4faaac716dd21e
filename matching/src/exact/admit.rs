//! From rules to entries, and from observations to rules: both sides spell a value in the same way.

use std::borrow::Cow;
use std::net::IpAddr;

use model::field::{Field, FieldValue, bits};
use model::observation::{Endpoint, Observation, Text};

use super::{Builder, Domain, ExactTable, Kind, Place};
use crate::comparison::{Test, Wanted};
use crate::compile::{Program, Rule};
use crate::text::{composed, composed_owned, composed_url, parents};

impl Builder {
    /// Adds a rule that is one value, or a choice of several. False if it is not, or has no room: it is held elsewhere then,
    /// and what the table has under its key no longer counts.
    pub(crate) fn add(&mut self, rule: &Rule) -> bool {
        let mut values = Vec::new();
        if !choice(&rule.program, &mut values) {
            self.blank(&rule.key);
            return false;
        }
        let Some(number) = self.rule(&rule.key, rule.valid_from, rule.valid_until) else { return false };
        if values.into_iter().all(|value| self.any_of(number, value)) {
            return true;
        }
        self.blank(&rule.key);
        false
    }

    fn any_of(&mut self, rule: u32, value: Value<'_>) -> bool {
        let (test, socket) = match value {
            Value::One(test) => (test, None),
            Value::Socket(domain, address, ports) => (address, Some((domain, ports))),
        };
        let fields = bits(test.fields);
        let kind = Kind {
            fields,
            itself: !matches!(test.wanted, Wanted::Below(_)),
            below: matches!(test.wanted, Wanted::Below(_)),
        };
        if let (Wanted::Ips(ips), Some((domain, ports))) = (&test.wanted, socket) {
            let mut sockets = ips.iter().flat_map(|ip| ports.iter().map(|port| octets_and_port(*ip, *port)));
            return sockets.all(|value| self.value(rule, domain, &value, kind));
        }
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

/// What an entry of the table can say.
#[derive(Debug, Clone, Copy)]
enum Value<'p> {
    One(&'p Test),
    /// An address, and a port at the same end.
    Socket(Domain, &'p Test, &'p [i64]),
}

/// Collects a choice of values; false if the program is anything else.
fn choice<'p>(program: &'p Program, values: &mut Vec<Value<'p>>) -> bool {
    match program {
        Program::Test(test) => {
            values.push(Value::One(test));
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
        Program::Any(parts) => parts.iter().all(|part| choice(part, values)),
        Program::All(parts) => {
            let [Program::Test(one), Program::Test(other)] = &**parts else { return false };
            let socket = socket_of(one, other).or_else(|| socket_of(other, one));
            let is_socket = socket.is_some();
            values.extend(socket);
            is_socket
        }
    }
}

/// `dst_ref.value = '192.0.2.1' AND dst_port = 443`.
fn socket_of<'p>(address: &'p Test, port: &'p Test) -> Option<Value<'p>> {
    let domain = match (address.fields, port.fields) {
        ([Field::SourceIp], [Field::SourcePort]) => Domain::SourceSocket,
        ([Field::DestinationIp], [Field::DestinationPort]) => Domain::DestinationSocket,
        _ => return None,
    };
    let is_plain = !address.negated && !port.negated && matches!(address.wanted, Wanted::Ips(_));
    match &port.wanted {
        Wanted::Integers(ports) if is_plain => Some(Value::Socket(domain, address, ports)),
        _ => None,
    }
}

/// An address as it is held: 4 or 16 octets.
fn octets(ip: IpAddr) -> Cow<'static, [u8]> {
    Cow::Owned(match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    })
}

/// An address and a port as they are held: octets, family, port.
fn octets_and_port(ip: IpAddr, port: i64) -> [u8; 25] {
    let (family, octets) = match ip {
        IpAddr::V4(ip) => (4, ip.to_ipv6_mapped().octets()),
        IpAddr::V6(ip) => (6, ip.octets()),
    };
    let mut all = [family; 25];
    let (to, rest) = all.split_at_mut(octets.len());
    to.copy_from_slice(&octets);
    if let Some(to) = rest.last_chunk_mut() {
        *to = port.to_le_bytes();
    }
    all
}

/// Values of an observation that are looked up together.
const TOGETHER: usize = 32;

/// What is looked up: a value, or a name that one stands below.
#[derive(Debug, Clone, Copy)]
struct Asked<'a> {
    at: Place,
    field: Field,
    value: FieldValue<'a>,
    below: bool,
}

/// Looks values up some at a time, so that memory is waited for once and not once for each.
struct Lookups<'t, 'a, 'e> {
    table: &'t ExactTable,
    asked: [Option<Asked<'a>>; TOGETHER],
    count: usize,
    each: &'e mut dyn FnMut(u32, Field, FieldValue<'a>),
}

impl ExactTable {
    /// Hands each rule that a value of the observation satisfies to `each`, with the field and the value, in the fields' order.
    pub(crate) fn admit<'a, T: Text>(
        &self,
        observation: &'a Observation<T>,
        each: &mut dyn FnMut(u32, Field, FieldValue<'a>),
    ) {
        if self.is_empty() {
            return;
        }
        let mut lookups = Lookups { table: self, asked: [None; TOGETHER], count: 0, each };
        for field in Field::of_bits(self.fields & Field::in_observation(observation)) {
            field.values(observation, &mut |value| lookups.value(field, value));
            match field {
                Field::SourceIp => lookups.socket(Domain::SourceSocket, field, observation.source),
                Field::DestinationIp => lookups.socket(Domain::DestinationSocket, field, observation.destination),
                _ => {}
            }
        }
        lookups.look();
    }
}

impl<'a> Lookups<'_, 'a, '_> {
    fn value(&mut self, field: Field, value: FieldValue<'a>) {
        let mut ask = |domain: Domain, bytes: &[u8], below: bool| self.ask(domain, bytes, (field, value, below));
        match value {
            FieldValue::Ip(IpAddr::V4(ip)) => ask(Domain::Address, &ip.octets(), false),
            FieldValue::Ip(IpAddr::V6(ip)) => ask(Domain::Address, &ip.octets(), false),
            FieldValue::Name(name) => {
                ask(Domain::Name, name.as_bytes(), false);
                if self.table.below {
                    parents(name).for_each(|parent| self.ask(Domain::Name, parent.as_bytes(), (field, value, true)));
                }
            }
            FieldValue::Integer(number) => ask(Domain::Integer, &number.to_le_bytes(), false),
            FieldValue::Time(time) => ask(Domain::Integer, &time.micros().to_le_bytes(), false),
            FieldValue::Text(text) => {
                ask(Domain::Text, composed(text).as_bytes(), false);
                if self.table.domains & Domain::Caseless.bit() != 0 {
                    self.ask(Domain::Caseless, lower(text).as_bytes(), (field, value, false));
                }
                if field == Field::UrlFull && self.table.domains & Domain::Url.bit() != 0 {
                    self.ask(Domain::Url, composed_url(text).as_bytes(), (field, value, false));
                }
            }
        }
    }

    fn socket(&mut self, domain: Domain, field: Field, end: Option<Endpoint>) {
        if self.table.domains & domain.bit() != 0
            && let Some(Endpoint { ip, port: Some(port) }) = end
        {
            self.ask(domain, &octets_and_port(ip, i64::from(port)), (field, FieldValue::Ip(ip), false));
        }
    }

    #[inline]
    fn ask(&mut self, domain: Domain, bytes: &[u8], (field, value, below): (Field, FieldValue<'a>, bool)) {
        if self.table.domains & domain.bit() == 0 {
            return;
        }
        if self.count == TOGETHER {
            self.look();
        }
        if let Some(next) = self.asked.get_mut(self.count) {
            *next = Some(Asked { at: self.table.place_of(domain, bytes), field, value, below });
            self.count += 1;
        }
    }

    /// Looks up what was asked for until now.
    fn look(&mut self) {
        let asked = self.asked.get(..self.count).unwrap_or_default();
        // First all words, without a branch that hangs on one of them; most of what is not held ends here.
        let mut held = 0_u32;
        for (number, asked) in asked.iter().enumerate() {
            held |= u32::from(asked.as_ref().is_some_and(|asked| self.table.may_hold(&asked.at))) << number;
        }
        while held != 0 {
            let number = held.trailing_zeros() as usize;
            held &= held - 1;
            let Some(Some(asked)) = asked.get(number) else { break };
            self.table.find(&asked.at, |rule, kind| {
                if kind.fields & asked.field.bit() != 0 && if asked.below { kind.below } else { kind.itself } {
                    (self.each)(rule, asked.field, asked.value);
                }
            });
        }
        self.count = 0;
    }
}

fn lower(text: &str) -> Cow<'_, str> {
    // Hashes are in lower case already.
    if text.is_ascii() && !text.bytes().any(|b| b.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(composed_owned(text.to_lowercase()))
}
