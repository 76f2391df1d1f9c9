//! What the same text costs without us: one tantivy index over it in this process, asked for the same words, and a scan of every
//! file for one word, as `grep` does.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use measuring::statistics::Sample;
use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{Index, IndexWriter, ReloadPolicy, Searcher, TantivyDocument, Term};

use crate::corpus::Corpus;

const TOKENIZER: &str = "en_stem";
const WRITER_BYTES: usize = 100_000_000;
const LIMIT: usize = 12;

/// One index over everything.
pub(crate) struct Plain {
    searcher: Searcher,
    analyzer: TextAnalyzer,
    text: Field,
    pub(crate) indexed_in: Duration,
}

impl Plain {
    /// Indexes each part between two headings, on as many threads as there are processors.
    pub(crate) fn of(corpus: &Corpus) -> Result<Plain> {
        let begun = Instant::now();
        let mut schema = Schema::builder();
        let indexing =
            TextFieldIndexing::default().set_tokenizer(TOKENIZER).set_index_option(IndexRecordOption::WithFreqs);
        let text = schema.add_text_field("text", TextOptions::default().set_indexing_options(indexing));
        let file = schema.add_u64_field("file", STORED);
        let index = Index::create_in_ram(schema.build());
        let threads = std::thread::available_parallelism()?.get();
        let mut writer: IndexWriter = index.writer_with_num_threads(threads, WRITER_BYTES)?;
        for (number, whole) in (0..).zip(corpus.texts()) {
            for part in whole?.split("\n## ").flat_map(|part| part.split("\ndef ")) {
                let mut document = TantivyDocument::default();
                document.add_text(text, part);
                document.add_u64(file, number);
                writer.add_document(document)?;
            }
        }
        writer.commit()?;
        writer.wait_merging_threads()?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let analyzer = index.tokenizers().get(TOKENIZER).context("tantivy has no such tokenizer")?;
        Ok(Plain { searcher: reader.searcher(), analyzer, text, indexed_in: begun.elapsed() })
    }

    /// Looks for all words of each question, one question after the other; each time in milliseconds.
    pub(crate) fn search(&self, questions: &[String]) -> Result<Sample> {
        let mut analyzer = self.analyzer.clone();
        let mut times = Vec::with_capacity(questions.len());
        for question in questions {
            let begun = Instant::now();
            let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
            analyzer.token_stream(question).process(&mut |token| {
                let term = Term::from_field_text(self.text, &token.text);
                clauses.push((Occur::Should, Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs))));
            });
            let collector = TopDocs::with_limit(LIMIT).order_by_score();
            for (_, address) in self.searcher.search(&BooleanQuery::new(clauses), &collector)? {
                let _: TantivyDocument = self.searcher.doc(address)?;
            }
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        Ok(Sample::of(times))
    }
}

/// Reads every file for the longest word of a question; the time in milliseconds.
pub(crate) fn scan(corpus: &Corpus, question: &str) -> Result<f64> {
    let word = question.split_whitespace().max_by_key(|word| word.len()).unwrap_or_default();
    let finder = memchr::memmem::Finder::new(word);
    let begun = Instant::now();
    let mut found = 0;
    for path in &corpus.files {
        found += usize::from(finder.find(&std::fs::read(path)?).is_some());
    }
    std::hint::black_box(found);
    Ok(begun.elapsed().as_secs_f64() * 1e3)
}
