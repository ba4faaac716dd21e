//! Bad input as data: what is wrong, where, and what to do about it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// How bad a [`Fault`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A MUST of the standard is broken: the object is not accepted.
    Error,
    /// A SHOULD of the standard is not followed: the object is accepted.
    Warning,
}

/// A [`Fault`] as it is told, for whoever does not keep it: its words are borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultView<'a> {
    /// The STIX id of the object at fault, where one could be read.
    pub object: Option<&'a str>,
    /// JSON pointer (RFC 6901) into that object; empty for the whole of it.
    pub pointer: &'a str,
    /// Error or warning.
    pub severity: Severity,
    /// Stable kebab-case code.
    pub code: &'static str,
    /// Section of the standard that is broken.
    pub section: &'static str,
    /// What is wrong and what to do.
    pub message: &'a str,
}

impl FaultView<'_> {
    /// The same, to keep.
    pub fn to_fault(self) -> Fault {
        Fault {
            object: self.object.map(str::to_owned),
            pointer: self.pointer.to_owned(),
            severity: self.severity,
            code: Cow::Borrowed(self.code),
            section: Cow::Borrowed(self.section),
            message: self.message.to_owned(),
        }
    }
}

/// One thing that is wrong with one input. Faults are returned as data beside whatever was good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The STIX id of the object at fault, where one could be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub object: Option<String>,
    /// JSON pointer (RFC 6901) into that object; empty for the whole of it.
    pub pointer: String,
    /// Error or warning.
    pub severity: Severity,
    /// Stable kebab-case code, for instance `pattern-syntax`; documented in `docs/faults.md`.
    pub code: Cow<'static, str>,
    /// Section of the standard that is broken, for instance `STIX 2.1 §3.2`.
    pub section: Cow<'static, str>,
    /// One lower-case sentence that says what is wrong and what to do, without a full stop.
    pub message: String,
}

impl Fault {
    /// An error at `pointer`.
    pub fn error(
        code: &'static str,
        pointer: impl Into<String>,
        section: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            object: None,
            pointer: pointer.into(),
            severity: Severity::Error,
            code: Cow::Borrowed(code),
            section: Cow::Borrowed(section),
            message: message.into(),
        }
    }

    /// A warning at `pointer`.
    pub fn warning(
        code: &'static str,
        pointer: impl Into<String>,
        section: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, pointer, section, message) }
    }

    /// The same fault, naming the object it was found in.
    #[must_use]
    pub fn of(mut self, object: impl Into<String>) -> Self {
        self.object = Some(object.into());
        self
    }
}
