//! What a row of the tables of object types says. The tables are data; `check.rs` is the one reader of them.

use super::rules::Rule;
use super::text;
use super::vocabulary::Vocabulary;

/// What the value of a property is (STIX 2.1 §2).
pub(super) enum Kind {
    /// Anything that JSON and §2 allow.
    Any,
    /// `true` or `false` (§2.2).
    Boolean,
    /// A dictionary (§2.3) with values of one kind.
    Dictionary(&'static Kind),
    /// The `extensions` of an object (§7.3), which have rules of their own.
    Extensions,
    /// A number within bounds, both included (§2.6).
    Float(f64, f64),
    /// Digests by algorithm (§2.7).
    Hashes,
    /// The object's own `id`, `type`, `spec_version`: checked before everything else.
    Head,
    /// A whole number within bounds, both included (§2.10).
    Integer(i64, i64),
    /// A list that is not empty (§2.12).
    List(&'static Kind),
    /// An identifier of an object (§2.9) of certain types.
    Reference(Targets),
    /// An object whose members are properties themselves.
    Structure(&'static Structure),
    /// Any text (§2.15).
    Text,
    /// A text of a certain form.
    TextOf(&'static Form),
    /// A moment (§2.16).
    Time,
    /// A moment written with three decimals or more (§3.2).
    TimeToTheMillisecond,
    /// A moment written without decimals.
    TimeToTheSecond,
    /// A word of a vocabulary (§2.14) or an enumeration (§2.4).
    Word(&'static Vocabulary),
}

/// A form that a text has.
pub(super) struct Form {
    pub(super) code: &'static str,
    pub(super) section: &'static str,
    /// A SHOULD of the standard, not a MUST.
    pub(super) only_advised: bool,
    pub(super) has: fn(&str) -> bool,
    /// Ends the sentence "`name` is …".
    pub(super) is: &'static str,
}

/// The types that a reference may point to.
#[derive(Clone, Copy)]
pub(super) enum Targets {
    /// Any object.
    All,
    /// All but these.
    AllBut(&'static [&'static str]),
    /// These alone.
    Only(&'static [&'static str]),
    /// Cyber-observables, of the standard or a producer's own.
    Observables,
}

/// A property of an object, an extension or a structure.
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
}

/// A property that must be there.
pub(super) const fn must(name: &'static str, kind: Kind) -> Property {
    Property { name, kind, required: true }
}

/// A property that may be there.
pub(super) const fn may(name: &'static str, kind: Kind) -> Property {
    Property { name, kind, required: false }
}

/// An object within an object: a predefined extension or a data type with properties.
pub(super) struct Structure {
    pub(super) section: &'static str,
    pub(super) properties: &'static [Property],
    /// At least one of the properties is present.
    pub(super) not_empty: bool,
    /// May it have members that the standard does not name, as a SHOULD NOT?
    pub(super) rules: &'static [super::rules::StructureRule],
}

/// What the types of objects have in common (§3.2, table of common properties).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Domain and relationship objects, language content, extension definitions: they have versions.
    Versioned,
    /// Cyber-observables.
    Observable,
    /// Marking definitions, which have no versions.
    Marking,
}

/// A type of object.
pub(super) struct ObjectType {
    pub(super) name: &'static str,
    pub(super) section: &'static str,
    pub(super) family: Family,
    pub(super) properties: &'static [Property],
    /// Extensions that the standard itself defines, by key.
    pub(super) extensions: &'static [(&'static str, &'static Structure)],
    /// Rules that join several properties.
    pub(super) rules: &'static [Rule],
    /// Of an observable: the properties that its identifier is made from (§2.9, and the table of each type).
    pub(super) contributing: &'static [&'static str],
}

// Kinds that many rows share.
pub(super) static TEXT: Kind = Kind::Text;
pub(super) static ANY: Kind = Kind::Any;
pub(super) static TEXTS: Kind = Kind::List(&TEXT);
/// Numbers that have no bound but that of an integer in §2.10.
pub(super) const INTEGER: Kind = Kind::Integer(-SAFE_INTEGER, SAFE_INTEGER);
/// Numbers that are not negative.
pub(super) const COUNT: Kind = Kind::Integer(0, SAFE_INTEGER);
/// §2.10: an integer lies within 2^53 - 1 on either side.
pub(super) const SAFE_INTEGER: i64 = (1 << 53) - 1;
pub(super) const HEX: Kind = Kind::TextOf(&text::HEX);
pub(super) const URL: Kind = Kind::TextOf(&text::URL);
pub(super) const CHARSET: Kind = Kind::TextOf(&text::CHARSET);
pub(super) const LANGUAGE: Kind = Kind::TextOf(&text::LANGUAGE);

/// A reference to objects of these types.
pub(super) const fn to(types: &'static [&'static str]) -> Kind {
    Kind::Reference(Targets::Only(types))
}
