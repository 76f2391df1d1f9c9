//! What stands in an index: the same fields in each.

use std::sync::LazyLock;

use tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};

pub(super) const ANALYZER: &str = "prose";
pub(super) const SLOT: &str = "slot";
pub(super) const NUMBER: &str = "number";

pub(super) static LAYOUT: LazyLock<Layout> = LazyLock::new(Layout::new);

pub(super) struct Layout {
    pub(super) schema: Schema,
    pub(super) heading: Field,
    /// The heading is a part of it: weights count the sections that hold a word, in the heading or below it.
    pub(super) text: Field,
    /// By which a document's sections are taken out again.
    pub(super) slot: Field,
    pub(super) number: Field,
}

impl Layout {
    fn new() -> Self {
        let indexing =
            TextFieldIndexing::default().set_tokenizer(ANALYZER).set_index_option(IndexRecordOption::WithFreqs);
        let options = TextOptions::default().set_indexing_options(indexing);
        let mut schema = Schema::builder();
        Self {
            heading: schema.add_text_field("heading", options.clone()),
            text: schema.add_text_field("text", options),
            slot: schema.add_u64_field(SLOT, FAST | INDEXED),
            number: schema.add_u64_field(NUMBER, FAST),
            schema: schema.build(),
        }
    }
}
