//! The inverted index over the sections of one shelf as it was at one moment, in memory.
//!
//! Words, postings and BM25 are tantivy's. The scores are added up here, word by word and always in the same order, rather than
//! by one of tantivy's queries: those add in an order that depends on how the index lies in segments, by which a document that
//! came and went would move others whose scores differ in the last bit alone.

mod counts;
mod growing;
mod layout;

use std::io;
use std::sync::Arc;

use tantivy::columnar::Column;
use tantivy::fastfield::AliveBitSet;
use tantivy::fieldnorm::FieldNormReader;
use tantivy::query::Bm25Weight;
use tantivy::schema::IndexRecordOption;
use tantivy::{InvertedIndexReader, Score, SegmentReader, Term};

use super::words::Word;
pub(super) use counts::Counts;
pub(super) use growing::GrowingIndex;
use layout::LAYOUT;

/// A word in the heading says more of what a section is about than one in its text.
const HEADING_BOOST: Score = 2.0;

pub(super) struct SectionIndex {
    segments: Vec<Segment>,
    counts: Arc<Counts>,
}

/// Where a section is to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The slot of its document on the shelf.
    pub(super) slot: usize,
    /// Which of the document's sections it is.
    pub(super) number: usize,
}

/// A word to look for, with what it weighs for one reader.
pub(super) struct WeightedWord {
    heading: (Term, Bm25Weight),
    text: (Term, Bm25Weight),
    /// In how many sections it stands.
    pub(super) sections: u64,
}

impl WeightedWord {
    /// Of a word that stands in some of the sections that the reader may read, and counts for its strength.
    pub(super) fn of(stem: &str, strength: Score, counts: &[&Counts]) -> Option<Self> {
        let word = Word::of(stem);
        let sum = |count: fn(&Counts, Word) -> u64| counts.iter().map(|counts| count(counts, word)).sum::<u64>();
        let all = sum(|counts, _| counts.sections());
        let weight = |holding: u64, tokens: u64| {
            let average = tokens as Score / all as Score;
            Bm25Weight::for_one_term_without_explain(holding, all, average)
        };
        let sections = sum(Counts::in_text);
        let heading = weight(sum(Counts::in_headings), sum(|counts, _| counts.heading_tokens()));
        let text = weight(sections, sum(|counts, _| counts.text_tokens()));
        (sections > 0).then(|| Self {
            heading: (Term::from_field_text(LAYOUT.heading, stem), heading.boost_by(HEADING_BOOST * strength)),
            text: (Term::from_field_text(LAYOUT.text, stem), text.boost_by(strength)),
            sections,
        })
    }
}

impl SectionIndex {
    fn over(readers: &[SegmentReader], counts: Arc<Counts>) -> tantivy::Result<Self> {
        let segments = readers.iter().map(Segment::open).collect::<tantivy::Result<_>>()?;
        Ok(Self { segments, counts })
    }

    /// Tells every section that holds any of the words and scores at least `least`, which `found` answers anew each time.
    pub(super) fn search(
        &self,
        words: &[WeightedWord],
        mut least: Score,
        mut found: impl FnMut(Score, Place) -> Score,
    ) -> io::Result<()> {
        for segment in &self.segments {
            let scores = segment.scores(words)?;
            for (document, score) in (0_u32..).zip(scores) {
                if score >= least
                    && let Some(place) = segment.place(document)
                {
                    least = found(score, place);
                }
            }
        }
        Ok(())
    }

    /// What is counted of its sections.
    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    #[cfg(test)]
    pub(super) fn segment_count(&self) -> usize {
        self.segments.len()
    }
}

/// A part of an index; what was taken out of it since it was written is marked.
struct Segment {
    size: usize,
    heading: FieldIndex,
    text: FieldIndex,
    slot: Column<u64>,
    number: Column<u64>,
    alive: Option<AliveBitSet>,
}

struct FieldIndex {
    words: Arc<InvertedIndexReader>,
    lengths: FieldNormReader,
}

impl Segment {
    fn open(reader: &SegmentReader) -> tantivy::Result<Self> {
        let field = |field| -> tantivy::Result<FieldIndex> {
            Ok(FieldIndex { words: reader.inverted_index(field)?, lengths: reader.get_fieldnorms_reader(field)? })
        };
        Ok(Self {
            size: usize::try_from(reader.max_doc()).unwrap_or(usize::MAX),
            heading: field(LAYOUT.heading)?,
            text: field(LAYOUT.text)?,
            slot: reader.fast_fields().u64(layout::SLOT)?,
            number: reader.fast_fields().u64(layout::NUMBER)?,
            alive: reader.alive_bitset().cloned(),
        })
    }

    /// The score of every section in it by BM25; 0 where none of the words stands.
    fn scores(&self, words: &[WeightedWord]) -> io::Result<Vec<Score>> {
        let mut scores = vec![0.0; self.size];
        for word in words {
            self.heading.add(&word.heading, &mut scores)?;
            self.text.add(&word.text, &mut scores)?;
        }
        Ok(scores)
    }

    /// Nothing for what was taken out.
    fn place(&self, document: u32) -> Option<Place> {
        if self.alive.as_ref().is_some_and(|alive| alive.is_deleted(document)) {
            return None;
        }
        let value = |column: &Column<u64>| usize::try_from(column.first(document)?).ok();
        Some(Place { slot: value(&self.slot)?, number: value(&self.number)? })
    }
}

impl FieldIndex {
    fn add(&self, (term, weight): &(Term, Bm25Weight), scores: &mut [Score]) -> io::Result<()> {
        let Some(mut postings) = self.words.read_block_postings(term, IndexRecordOption::WithFreqs)? else {
            return Ok(());
        };
        while !postings.docs().is_empty() {
            for (document, frequency) in postings.docs().iter().zip(postings.freqs()) {
                let score = usize::try_from(*document).ok().and_then(|document| scores.get_mut(document));
                if let Some(score) = score {
                    *score += weight.score(self.lengths.fieldnorm_id(*document), *frequency);
                }
            }
            postings.advance();
        }
        Ok(())
    }
}
