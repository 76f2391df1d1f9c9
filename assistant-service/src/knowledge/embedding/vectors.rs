//! The vectors of documents, and what of them is nearest to a question.
//!
//! A number takes one byte. Where there are many vectors, the signs of their numbers are compared first, 64 at a time, and
//! only the few that agree most are compared in full. A document keeps its own, so that one that changes leaves the others'
//! as they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::nearby::ShortList;
use crate::knowledge::document::Document;

const BITS: usize = 64;
/// So many are compared in full without a first look at their signs.
const COMPARED_IN_FULL: usize = 2048;
/// Signs tell roughly; of so many times as many as are wanted the nearest are among them.
const SHORT_LIST: usize = 6;

/// Two vectors point the same way: the cosine of the angle between them.
pub(crate) type Similarity = f32;

/// How similar a section is to something.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Similarities {
    /// Its text as a whole.
    pub whole: f32,
    /// Each of its passages.
    pub passages: Vec<f32>,
}

/// A question's vector.
#[derive(Debug, Clone)]
pub struct QuestionVector {
    numbers: Vec<i8>,
    signs: Vec<u64>,
    length: f32,
}

impl QuestionVector {
    pub(crate) fn of(vector: &[f32]) -> Self {
        let numbers = quantised(vector);
        Self { signs: signs(&numbers).collect(), length: length(&numbers), numbers }
    }
}

/// The vectors of one document: for each section one of its whole text, and one for each of its passages where it has several.
#[derive(Debug, Default)]
pub(in crate::knowledge) struct DocumentVectors {
    rows: Vec<Row>,
    /// Those of all rows, side by side.
    signs: Vec<u64>,
    /// The first row of each section, and the end of them all.
    first: Vec<usize>,
}

#[derive(Debug)]
struct Row {
    numbers: Arc<[i8]>,
    length: f32,
    section: usize,
}

impl DocumentVectors {
    /// Those of each section in their order.
    pub(super) fn of(sections: Vec<Vec<Arc<[i8]>>>) -> Self {
        let mut vectors = Self::default();
        for (section, of_section) in sections.into_iter().enumerate() {
            vectors.first.push(vectors.rows.len());
            for numbers in of_section {
                vectors.signs.extend(signs(&numbers));
                vectors.rows.push(Row { length: length(&numbers), numbers, section });
            }
        }
        vectors.first.push(vectors.rows.len());
        vectors
    }

    /// How similar a section is: as a whole, and each of its passages.
    pub(in crate::knowledge) fn similarities(&self, question: &QuestionVector, section: usize) -> Option<Similarities> {
        let (from, to) = (*self.first.get(section)?, *self.first.get(section.checked_add(1)?)?);
        let rows = self.rows.get(from..to)?;
        let mut passages = rows.iter().map(|row| row.similarity(question)).collect::<Option<Vec<_>>>()?;
        let whole = *passages.first()?;
        if passages.len() > 1 {
            passages.remove(0);
        }
        Some(Similarities { whole, passages })
    }

    /// In how many signs each row differs from a question's; none where they cannot be compared.
    fn differing(&self, question: &QuestionVector) -> impl Iterator<Item = u32> {
        let width = question.signs.len().max(1);
        let is_comparable = self.rows.len().checked_mul(width) == Some(self.signs.len());
        let signs = if is_comparable { self.signs.as_slice() } else { &[] };
        signs
            .chunks_exact(width)
            .map(|signs| signs.iter().zip(&question.signs).map(|(one, other)| (one ^ other).count_ones()).sum())
    }
}

impl Row {
    fn similarity(&self, question: &QuestionVector) -> Option<Similarity> {
        (question.numbers.len() == self.numbers.len()).then_some(())?;
        let lengths = question.length * self.length;
        Some(if lengths > 0.0 { dot(&question.numbers, &self.numbers) as f32 / lengths } else { 0.0 })
    }
}

/// The sections of some documents that are nearest, each by the nearest of its vectors.
pub(in crate::knowledge) fn nearest<'a>(
    documents: &'a [Arc<Document>],
    question: &QuestionVector,
    limit: usize,
) -> Vec<(Similarity, &'a Document, usize)> {
    let vectors = || documents.iter().enumerate().filter_map(|(at, document)| Some((at, document.vectors.get()?)));
    let rows: usize = vectors().map(|(_, vectors)| vectors.rows.len()).sum();
    let wanted = limit.saturating_mul(SHORT_LIST);
    let mut short_list = ShortList::of(if rows <= COMPARED_IN_FULL { rows } else { wanted });
    for (at, vectors) in vectors() {
        for (row, differing) in vectors.differing(question).enumerate() {
            short_list.offer(differing, (at, row));
        }
    }
    let mut best: BTreeMap<(usize, usize), Similarity> = BTreeMap::new();
    for (at, row) in short_list.into_rows() {
        let row: Option<&Row> = documents.get(at).and_then(|document| document.vectors.get()?.rows.get(row));
        if let Some((row, similarity)) = row.and_then(|row| Some((row, row.similarity(question)?))) {
            let of_section = best.entry((at, row.section)).or_insert(similarity);
            *of_section = of_section.max(similarity);
        }
    }
    let named = best.into_iter().map(|((at, section), similarity)| {
        let document: &Arc<Document> = documents.get(at)?;
        Some((similarity, document.as_ref(), section))
    });
    named.flatten().collect()
}

/// Each number as its share of the largest, in 127ths: of the angle between two vectors nothing is lost that matters.
pub(super) fn quantised(vector: &[f32]) -> Vec<i8> {
    let largest = vector.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
    let scale = if largest > 0.0 { f32::from(i8::MAX) / largest } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, reason = "the scale keeps every number within an i8")]
    vector.iter().map(|number| (number * scale).round() as i8).collect()
}

fn signs(numbers: &[i8]) -> impl Iterator<Item = u64> {
    let word = |chunk: &[i8]| chunk.iter().fold(0_u64, |word, number| (word << 1) | u64::from(*number > 0));
    numbers.chunks(BITS).map(word)
}

fn length(numbers: &[i8]) -> f32 {
    (dot(numbers, numbers) as f32).sqrt()
}

/// No sum of 8,192 products overflows.
fn dot(one: &[i8], other: &[i8]) -> i32 {
    one.iter().zip(other).map(|(one, other)| i32::from(*one).wrapping_mul(i32::from(*other))).fold(0, i32::wrapping_add)
}
