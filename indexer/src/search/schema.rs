//! The fields of the index (ADR 6).

use tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{AsciiFoldingFilter, LowerCaser, RemoveLongFilter, SimpleTokenizer, TextAnalyzer};

/// Name of the analyser of words; stands in the schema.
const WORDS: &str = "words";
/// Longest word that is indexed, bytes: what is longer was not written by people.
const WORD_BYTES_MAX: usize = 128;

/// Column names, for the collector.
pub(super) const COLUMN_CLASS: &str = "class";
pub(super) const COLUMN_DATE: &str = "date";
pub(super) const COLUMN_ORIGIN: &str = "origin";
pub(super) const COLUMN_POSITION: &str = "position";
pub(super) const COLUMN_SET: &str = "set";
pub(super) const COLUMN_TYPE: &str = "type";

/// The fields.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    /// Which document this is: by it the follower takes one out.
    pub(super) key: Field,
    pub(super) id: Field,
    pub(super) object_type: Field,
    pub(super) origin: Field,
    pub(super) class: Field,
    pub(super) set: Field,
    pub(super) position: Field,
    pub(super) date: Field,
    pub(super) name: Field,
    pub(super) words: Field,
    pub(super) value: Field,
    pub(super) of: Field,
}

/// The schema and its fields.
pub(super) fn schema() -> (Schema, Fields) {
    let exact = TextOptions::default().set_indexing_options(
        TextFieldIndexing::default()
            .set_tokenizer("raw")
            .set_fieldnorms(false)
            .set_index_option(IndexRecordOption::Basic),
    );
    let spoken = TextOptions::default().set_indexing_options(
        TextFieldIndexing::default()
            .set_tokenizer(WORDS)
            .set_fieldnorms(false)
            .set_index_option(IndexRecordOption::WithFreqsAndPositions),
    );
    let counted = exact.clone().set_fast("raw");
    let mut builder = Schema::builder();
    let fields = Fields {
        key: builder.add_text_field("key", exact.clone()),
        id: builder.add_text_field("id", exact.clone()),
        object_type: builder.add_text_field(COLUMN_TYPE, counted.clone()),
        origin: builder.add_text_field(COLUMN_ORIGIN, counted),
        class: builder.add_u64_field(COLUMN_CLASS, INDEXED | FAST),
        set: builder.add_u64_field(COLUMN_SET, FAST),
        position: builder.add_u64_field(COLUMN_POSITION, FAST),
        date: builder.add_i64_field(COLUMN_DATE, FAST),
        name: builder.add_text_field("name", spoken.clone()),
        words: builder.add_text_field("words", spoken),
        value: builder.add_text_field("value", exact.clone()),
        of: builder.add_text_field("of", exact),
    };
    (builder.build(), fields)
}

/// What makes words of text: lower case, accents folded.
pub(super) fn analyser() -> TextAnalyzer {
    TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(WORD_BYTES_MAX))
        .filter(LowerCaser)
        .filter(AsciiFoldingFilter)
        .build()
}

/// The analyser's name in the schema.
pub(super) fn register(index: &tantivy::Index) {
    index.tokenizers().register(WORDS, analyser());
}
