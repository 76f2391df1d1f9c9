//! An index that documents come to and go from. What was made of it earlier stays as it was.

use std::sync::Arc;
use std::thread;

use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::schema::Term;
use tantivy::{Index, IndexWriter, ReloadPolicy, TantivyDocument};

use super::super::document::Document;
use super::super::progress::Progress;
use super::super::words::Analyzer;
use super::layout::{ANALYZER, LAYOUT};
use super::{Counts, SectionIndex};

/// The smallest that tantivy takes. Few sections fit, and many are written in several segments.
const WRITER_BYTES: usize = 15_000_000;
/// From so many sections on it is worth it to start more threads, and to let each hold more before it writes a segment.
const MANY_SECTIONS: usize = 2_000;
const MANY_WRITER_BYTES: usize = 64_000_000;
const MOST_THREADS: usize = 4;
/// Each segment costs a question some microseconds for each word. So many of about one size are made one, by which a section
/// is written again about as often as its size class has to grow by this factor.
const SEGMENTS_OF_A_SIZE: usize = 4;
const SMALLEST_CLASS_SECTIONS: u32 = 500;
const CLASS_LOG2: f64 = 2.0;
/// A segment of which more was taken out is written again without it.
const MOST_TAKEN_OUT: f32 = 0.25;

pub(in crate::knowledge) struct GrowingIndex {
    index: Index,
    counts: Arc<Counts>,
}

impl GrowingIndex {
    pub(in crate::knowledge) fn new(analyzer: &Analyzer) -> Self {
        let index = Index::create_in_ram(LAYOUT.schema.clone());
        index.tokenizers().register(ANALYZER, analyzer.clone().into_inner());
        Self { index, counts: Arc::default() }
    }

    /// Takes out documents and puts others in, each with its slot, and gives the index as it is then.
    pub(in crate::knowledge) fn change(
        &mut self,
        gone: &[(usize, Arc<Document>)],
        come: &[(usize, Arc<Document>)],
    ) -> tantivy::Result<SectionIndex> {
        let counts = Arc::make_mut(&mut self.counts);
        gone.iter().for_each(|(_, document)| counts.take_out(document));
        come.iter().for_each(|(_, document)| counts.add(document));
        let sections = come.iter().map(|(_, document)| document.sections.len()).sum();
        let writer = self.writer(sections)?;
        for (slot, _) in gone {
            writer.delete_term(Term::from_field_u64(LAYOUT.slot, number(*slot)));
        }
        let mut progress = Progress::new("indexing documents", come.len());
        for (slot, document) in come {
            add(&writer, *slot, document)?;
            progress.step();
        }
        self.commit(writer)?;
        let reader = self.index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        SectionIndex::over(reader.searcher().segment_readers(), Arc::clone(&self.counts))
    }

    fn writer(&self, sections: usize) -> tantivy::Result<IndexWriter> {
        let is_many = sections > MANY_SECTIONS;
        let threads =
            if is_many { thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS) } else { 1 };
        let options = IndexWriterOptions::builder()
            .num_worker_threads(threads)
            .num_merge_threads(1)
            .memory_budget_per_thread(if is_many { MANY_WRITER_BYTES } else { WRITER_BYTES });
        self.index.writer_with_options(options.build())
    }

    fn commit(&self, mut writer: IndexWriter) -> tantivy::Result<()> {
        let mut policy = LogMergePolicy::default();
        policy.set_min_num_segments(SEGMENTS_OF_A_SIZE);
        policy.set_min_layer_size(SMALLEST_CLASS_SECTIONS);
        policy.set_level_log_size(CLASS_LOG2);
        policy.set_del_docs_ratio_before_merge(MOST_TAKEN_OUT);
        writer.set_merge_policy(Box::new(policy));
        writer.commit()?;
        writer.wait_merging_threads()
    }
}

fn add(writer: &IndexWriter, slot: usize, document: &Document) -> tantivy::Result<()> {
    for (at, indexed) in document.sections.iter().enumerate() {
        let section = &indexed.section;
        let mut fields = TantivyDocument::default();
        fields.add_text(LAYOUT.heading, &section.heading);
        fields.add_text(LAYOUT.text, &section.heading);
        for passage in section.passages() {
            fields.add_text(LAYOUT.text, section.quote(passage));
        }
        fields.add_u64(LAYOUT.slot, number(slot));
        fields.add_u64(LAYOUT.number, number(at));
        writer.add_document(fields)?;
    }
    Ok(())
}

fn number(index: usize) -> u64 {
    u64::try_from(index).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::super::kind::Kind;
    use super::*;

    #[test]
    fn what_is_not_used_any_more_is_let_go() {
        let analyzer = Analyzer::default();
        let mut index = GrowingIndex::new(&analyzer);
        let (mut gone, mut most_files) = (Vec::new(), 0);
        for number in 0..60 {
            let text = format!("# Lanterns\n\nNumber {number} burns.\n");
            let document = Document::read("a.md".to_owned(), Kind::Markdown, text, &analyzer).unwrap();
            let come = vec![(0, Arc::new(document))];
            let current = index.change(&gone, &come).unwrap();
            assert_eq!((current.counts().sections(), current.counts().text_tokens()), (1, 4));
            most_files = index.index.directory().list_managed_files().len().max(most_files);
            gone = come;
        }
        // Each segment has some eight.
        assert!(most_files < 80, "{most_files} files");
    }
}
