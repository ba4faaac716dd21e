//! The columns of a list: which of them holds the values, and what the others say. A record is a line, so that a stray
//! quotation mark costs one line and not the file.

use model::time::Timestamp;
use model::value::classify;

use super::entry::Entry;
use super::{InputFault, Item, Place};

/// So many lines of the beginning decide on the columns.
const SAMPLE_ROWS: usize = 200;
/// Columns beyond are not looked at.
const COLUMNS_MAX: usize = 64;
/// Longest name or label that is taken over, characters.
const WORD_CHARS_MAX: usize = 200;
/// Longest description that is taken over, characters.
const TEXT_CHARS_MAX: usize = 2_000;
const LABELS_MAX: usize = 32;

const VALUE_NAMES: &[&str] = &[
    "value",
    "ioc",
    "ioc_value",
    "indicator",
    "ip",
    "ip_address",
    "dst_ip",
    "domain",
    "host",
    "hostname",
    "url",
    "hash",
    "md5",
    "md5_hash",
    "sha1",
    "sha1_hash",
    "sha256",
    "sha256_hash",
    "email",
];
const FAMILY_NAMES: &[&str] = &[
    "name",
    "family",
    "malware",
    "malware_family",
    "malware_printable",
    "malware_name",
    "threat",
    "threat_name",
    "campaign",
    "actor",
    "signature",
];
const DESCRIPTION_NAMES: &[&str] = &["description", "comment", "comments", "note", "notes"];
const LABEL_NAMES: &[&str] = &["tags", "tag", "labels", "label", "category", "threat_type", "type"];
const DATE_NAMES: &[&str] = &[
    "date",
    "valid_from",
    "first_seen",
    "first_seen_utc",
    "firstseen",
    "dateadded",
    "date_added",
    "added",
    "timestamp",
    "listingdate",
    "created",
];

/// How the lines of a text are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Layout {
    /// A value a line; its first line may be the name of the one column that it has.
    List {
        /// That line.
        header: Option<String>,
    },
    /// Columns.
    Table(Columns),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    delimiter: char,
    value: usize,
    family: Option<usize>,
    description: Option<usize>,
    labels: Vec<usize>,
    date: Option<usize>,
    header: Option<String>,
}

impl Layout {
    /// Decides by the beginning of a text; `whole` if nothing comes after it.
    pub(super) fn of(sample: &[u8], whole: bool) -> Self {
        let mut lines: Vec<&[u8]> = sample.split(|b| *b == b'\n').collect();
        if !whole {
            lines.pop(); // cut off somewhere
        }
        let lines = lines.into_iter().filter_map(|line| std::str::from_utf8(line).ok()).map(str::trim);
        let (mut rows, mut remark) = (Vec::new(), None);
        for line in lines.filter(|line| !line.is_empty()) {
            match line.strip_prefix('#') {
                Some(text) if rows.is_empty() => remark = Some(text),
                Some(_) => {}
                None if rows.len() < SAMPLE_ROWS => rows.push(line),
                None => break,
            }
        }
        let plain = rows.iter().filter(|row| classify(bare(row).0).is_some()).count();
        let best = [',', ';', '\t']
            .into_iter()
            .filter_map(|delimiter| Columns::of(&rows, remark, delimiter))
            .max_by_key(|(_, values)| *values);
        match best {
            Some((columns, values)) if values > plain || (values == plain && rows.len() > 1) => Self::Table(columns),
            _ => {
                let header = rows.first().filter(|row| VALUE_NAMES.contains(&plain_name(row).as_str()));
                Self::List { header: header.map(|row| (*row).to_owned()) }
            }
        }
    }

    /// What one line holds: nothing, an entry, a fault, or an entry and a warning.
    pub(super) fn read(&self, line: u64, text: Option<&[u8]>) -> Vec<Item> {
        let place = Place::Line(line);
        let fault = |code, message: &str| vec![Item::Fault(InputFault::error(place, code, message))];
        let Some(text) = text else {
            return fault("line-too-long", "the line is longer than `line_bytes` allows: is it a list?");
        };
        let Ok(text) = std::str::from_utf8(text) else {
            return fault("encoding", "the line is not UTF-8: convert the file");
        };
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            return Vec::new();
        }
        let read = match self {
            Self::List { header } if header.as_deref() == Some(text) => return Vec::new(),
            Self::List { .. } => {
                let (value, remark) = bare(text);
                entry(line, value).map(|entry| Entry { description: remark.and_then(description), ..entry })
            }
            Self::Table(columns) if columns.header.as_deref() == Some(text) => return Vec::new(),
            Self::Table(columns) => columns.entry(line, text),
        };
        match read {
            Err(found) => {
                let shown: String = found.chars().take(80).flat_map(char::escape_debug).collect();
                let message = format!(
                    "`{shown}` is no domain, address, network, address with port, URL, hash or e-mail address: mend or remove it"
                );
                fault("not-a-value", &message)
            }
            Ok(entry) => {
                let broad = entry.value.too_broad().map(|why| {
                    let message = format!("the value would match nearly everything: {why}");
                    Item::Fault(InputFault::warning(place, "too-broad", message))
                });
                [Item::Entry(entry)].into_iter().chain(broad).collect()
            }
        }
    }
}

/// The value of a line of a list, without quotation marks, and the remark that may stand behind it.
fn bare(line: &str) -> (&str, Option<&str>) {
    let starts = |at: usize| line.get(..at).is_some_and(|before| before.ends_with([' ', '\t']));
    let (value, remark) = match line.match_indices('#').find(|(at, _)| starts(*at)) {
        Some((at, _)) => (line.get(..at).unwrap_or(line).trim_end(), line.get(at + 1..)),
        None => (line, None),
    };
    let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    (unquoted.unwrap_or(value), remark)
}

/// The value alone, or the text that is none.
fn entry(line: u64, text: &str) -> Result<Entry, String> {
    let value = classify(text).ok_or_else(|| text.to_owned())?;
    Ok(Entry { line, value, name: None, description: None, labels: Vec::new(), valid_from: None })
}

impl Columns {
    /// The columns that `delimiter` makes of `rows`, and how many of the rows have a value in theirs.
    fn of(rows: &[&str], remark: Option<&str>, delimiter: char) -> Option<(Self, usize)> {
        let split: Vec<Vec<String>> = rows.iter().map(|row| fields(row, delimiter)).collect();
        let several = split.iter().filter(|row| row.len() > 1).count();
        if several == 0 || several * 10 < split.len() * 9 {
            return None;
        }
        let mut values = [0_usize; COLUMNS_MAX];
        for row in &split {
            for (field, count) in row.iter().zip(values.iter_mut()) {
                *count += usize::from(classify(field).is_some());
            }
        }
        let (value, count) =
            values.iter().copied().enumerate().reduce(|best, next| if next.1 > best.1 { next } else { best })?;
        if count == 0 {
            return None;
        }
        let mut columns =
            Self { delimiter, value, family: None, description: None, labels: Vec::new(), date: None, header: None };
        let first = split.first().filter(|first| is_header(first));
        let remark = remark.map(|remark| fields(remark.trim(), delimiter)).filter(|names| {
            names.len() == split.first().map_or(0, Vec::len) && names.iter().any(|name| is_known(&plain_name(name)))
        });
        if let Some(names) = first.or(remark.as_ref()) {
            columns.named(names);
            columns.header = first.and_then(|_| rows.first()).map(|row| (*row).to_owned());
        } else {
            columns.guessed(&split);
        }
        Some((columns, count))
    }

    /// By the names of a header.
    fn named(&mut self, names: &[String]) {
        let names: Vec<String> = names.iter().take(COLUMNS_MAX).map(|name| plain_name(name)).collect();
        let value = self.value;
        let among = |known: &[&str]| {
            let mut found: Vec<(usize, usize)> = names
                .iter()
                .enumerate()
                .filter(|(at, _)| *at != value)
                .filter_map(|(at, name)| Some((known.iter().position(|known| known == name)?, at)))
                .collect();
            found.sort_unstable();
            found.into_iter().map(|(_, at)| at)
        };
        self.family = among(FAMILY_NAMES).next();
        self.description = among(DESCRIPTION_NAMES).next();
        self.labels = among(LABEL_NAMES).collect();
        self.date = among(DATE_NAMES).next();
    }

    /// Without a header only what is plain: words are labels, longer texts are a description.
    fn guessed(&mut self, rows: &[Vec<String>]) {
        let width = rows.iter().map(Vec::len).max().unwrap_or(0).min(COLUMNS_MAX);
        for at in (0..width).filter(|at| *at != self.value) {
            let cells = || rows.iter().filter_map(|row| row.get(at)).filter(|cell| !cell.is_empty());
            let wordy = |cell: &String| cell.chars().any(char::is_alphabetic);
            if cells().next().is_none() || !cells().all(wordy) || cells().all(|cell| time(cell).is_some()) {
                continue;
            }
            if cells().any(|cell| cell.contains(char::is_whitespace)) {
                self.description = self.description.or(Some(at));
            } else if !cells().all(|cell| is_kind(cell)) {
                self.labels.push(at);
            }
        }
    }

    fn entry(&self, line: u64, text: &str) -> Result<Entry, String> {
        let cells = fields(text, self.delimiter);
        let cell = |at: usize| cells.get(at).map(String::as_str).unwrap_or_default();
        let value = classify(cell(self.value)).ok_or_else(|| cell(self.value).to_owned())?;
        let mut labels: Vec<String> = Vec::new();
        for label in self.labels.iter().flat_map(|at| cell(*at).split([',', ';', '|'])).filter_map(word) {
            if labels.len() < LABELS_MAX && !labels.contains(&label) && !is_kind(&label) {
                labels.push(label);
            }
        }
        Ok(Entry {
            line,
            value,
            name: self.family.and_then(|at| word(cell(at))),
            description: self.description.and_then(|at| description(cell(at))),
            labels,
            valid_from: self.date.and_then(|at| time(cell(at))),
        })
    }
}

/// The fields of a line. A field in quotation marks may hold the delimiter, and a quotation mark written twice (RFC 4180 §2);
/// one that is not closed properly is taken as it stands.
fn fields(line: &str, delimiter: char) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = line;
    loop {
        let start = rest.trim_start_matches(' ');
        let (field, after) = match quoted(start, delimiter) {
            Some(split) => split,
            None => match rest.split_once(delimiter) {
                Some((field, after)) => (field.trim().to_owned(), Some(after)),
                None => (rest.trim().to_owned(), None),
            },
        };
        found.push(field);
        match after {
            Some(after) => rest = after,
            None => return found,
        }
    }
}

/// A quoted field at the start, and what follows its delimiter.
fn quoted(text: &str, delimiter: char) -> Option<(String, Option<&str>)> {
    let mut rest = text.strip_prefix('"')?;
    let mut field = String::new();
    loop {
        let (part, after) = rest.split_once('"')?;
        field.push_str(part);
        if let Some(after) = after.strip_prefix('"') {
            field.push('"');
            rest = after;
            continue;
        }
        let after = after.trim_start_matches(' ');
        let field = field.trim().to_owned();
        return if after.is_empty() {
            Some((field, None))
        } else {
            Some((field, Some(after.strip_prefix(delimiter)?)))
        };
    }
}

/// Names alone: no value, and at least one name that is known.
fn is_header(cells: &[String]) -> bool {
    cells.iter().all(|cell| classify(cell).is_none()) && cells.iter().any(|cell| is_known(&plain_name(cell)))
}

fn is_known(name: &str) -> bool {
    [VALUE_NAMES, FAMILY_NAMES, DESCRIPTION_NAMES, LABEL_NAMES, DATE_NAMES].iter().any(|names| names.contains(&name))
}

/// Words that tell what kind a value is, which its pattern tells too.
fn is_kind(cell: &str) -> bool {
    let lower = cell.to_ascii_lowercase();
    VALUE_NAMES.contains(&lower.as_str())
        || [
            "ipv4",
            "ipv6",
            "ip:port",
            "ipv4-port",
            "cidr",
            "network",
            "url-path",
            "url-noscheme",
            "fqdn",
            "sha-1",
            "sha-256",
        ]
        .contains(&lower.as_str())
}

fn plain_name(name: &str) -> String {
    name.trim().trim_matches('"').to_ascii_lowercase().replace([' ', '-'], "_")
}

fn word(text: &str) -> Option<String> {
    clean(text, WORD_CHARS_MAX)
}

fn description(text: &str) -> Option<String> {
    clean(text, TEXT_CHARS_MAX)
}

/// Without control characters, cut to a length; none if nothing is left.
fn clean(text: &str, chars_max: usize) -> Option<String> {
    let kept: String = text.trim().chars().filter(|c| !c.is_control()).take(chars_max).collect();
    (!kept.is_empty()).then_some(kept)
}

/// `2026-11-24T10:00:00Z`, `2026-11-24 10:00:00`, `2026-11-24 10:00:00 UTC`, `2026-11-24`; all in UTC.
fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim().trim_end_matches(" UTC").trim_end_matches('Z');
    let text = text.replacen(' ', "T", 1);
    let full = if text.len() == 10 { format!("{text}T00:00:00Z") } else { format!("{text}Z") };
    full.parse().ok()
}
