//! The inverted index over the sections of one shelf, in memory. What a word weighs there is for whoever searches to say.

use tantivy::collector::TopDocs;
use tantivy::query::{Bm25StatisticsProvider, BooleanQuery, BoostQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions, Value};
use tantivy::{Index, IndexWriter, ReloadPolicy, Searcher, TantivyDocument, Term};

use super::Section;
use super::words::Analyzer;

const ANALYZER: &str = "prose";
/// The smallest that tantivy takes; a corpus that does not fit is written in several segments.
const WRITER_BYTES: usize = 15_000_000;
/// A word in the heading says more of what a section is about than one in its text.
const HEADING_BOOST: f32 = 2.0;

pub(super) struct SectionIndex {
    searcher: Searcher,
    heading: Field,
    body: Field,
    ordinal: Field,
}

impl SectionIndex {
    pub(super) fn new<'a>(sections: impl Iterator<Item = &'a Section>) -> tantivy::Result<Self> {
        let indexing =
            TextFieldIndexing::default().set_tokenizer(ANALYZER).set_index_option(IndexRecordOption::WithFreqs);
        let options = TextOptions::default().set_indexing_options(indexing);
        let mut schema = Schema::builder();
        let heading = schema.add_text_field("heading", options.clone());
        let body = schema.add_text_field("body", options);
        let ordinal = schema.add_u64_field("ordinal", STORED);
        let index = Index::create_in_ram(schema.build());
        index.tokenizers().register(ANALYZER, Analyzer::default().into_inner());

        let mut writer: IndexWriter = index.writer_with_num_threads(1, WRITER_BYTES)?;
        for (number, section) in (0_u64..).zip(sections) {
            let mut document = TantivyDocument::default();
            document.add_text(heading, &section.heading);
            // Weights count the sections that hold a word, in the heading or below it.
            document.add_text(body, &section.heading);
            for passage in section.passages() {
                document.add_text(body, section.quote(passage));
            }
            document.add_u64(ordinal, number);
            writer.add_document(document)?;
        }
        writer.commit()?;
        writer.wait_merging_threads()?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Self { searcher: reader.searcher(), heading, body, ordinal })
    }

    /// The ordinals of the sections that fit best, best first, each with its score by BM25 and these statistics. The words
    /// are looked up as they are: no part of a question is ever read as a query language.
    pub(super) fn search<'a>(
        &self,
        stems: impl Iterator<Item = &'a str>,
        limit: usize,
        statistics: &dyn Bm25StatisticsProvider,
    ) -> tantivy::Result<Vec<(f32, usize)>> {
        let clauses: Vec<(Occur, Box<dyn Query>)> = stems
            .flat_map(|stem| {
                let heading = BoostQuery::new(self.term_query(self.heading, stem), HEADING_BOOST);
                [(Occur::Should, Box::new(heading) as _), (Occur::Should, self.term_query(self.body, stem))]
            })
            .collect();
        let collector = TopDocs::with_limit(limit).order_by_score();
        let query = BooleanQuery::new(clauses);
        let best = self.searcher.search_with_statistics_provider(&query, &collector, statistics)?;
        let mut ordinals = Vec::with_capacity(best.len());
        for (score, address) in best {
            let document: TantivyDocument = self.searcher.doc(address)?;
            let ordinal = document.get_first(self.ordinal).and_then(|value| value.as_u64());
            let ordinal = ordinal.and_then(|ordinal| usize::try_from(ordinal).ok());
            ordinals.extend(ordinal.map(|ordinal| (score, ordinal)));
        }
        Ok(ordinals)
    }

    /// What BM25 counts, of this shelf alone.
    pub(super) fn statistics(&self) -> &dyn Bm25StatisticsProvider {
        &self.searcher
    }

    /// In how many sections a word stands.
    pub(super) fn sections_with(&self, stem: &str) -> u64 {
        self.searcher.doc_freq(&Term::from_field_text(self.body, stem)).unwrap_or_default()
    }

    fn term_query(&self, field: Field, stem: &str) -> Box<dyn Query> {
        Box::new(TermQuery::new(Term::from_field_text(field, stem), IndexRecordOption::WithFreqs))
    }
}
