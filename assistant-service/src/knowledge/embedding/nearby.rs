//! The vectors whose signs differ least from a question's, picked in one pass over all of them.

/// A document and a row of its vectors.
type RowPlace = (usize, usize);

/// So many times the wanted ones are gathered before the worse ones are thrown away.
const GATHERED: usize = 8;

/// So many rows and no more; of equals those that come first.
pub(super) struct ShortList {
    wanted: usize,
    rows: Vec<(u32, RowPlace)>,
    /// Who differs more is not among them.
    most: u32,
}

impl ShortList {
    pub(super) fn of(wanted: usize) -> Self {
        Self { wanted, rows: Vec::new(), most: u32::MAX }
    }

    pub(super) fn offer(&mut self, differing: u32, place: RowPlace) {
        if differing <= self.most {
            self.rows.push((differing, place));
            if self.rows.len() > self.wanted.saturating_mul(GATHERED) {
                self.cut();
            }
        }
    }

    pub(super) fn into_rows(mut self) -> impl Iterator<Item = RowPlace> {
        self.cut();
        self.rows.into_iter().map(|(_, place)| place)
    }

    fn cut(&mut self) {
        if let Some(last) = self.wanted.checked_sub(1).filter(|_| self.rows.len() > self.wanted) {
            let (_, (most, _), _) = self.rows.select_nth_unstable(last);
            self.most = *most;
        }
        self.rows.truncate(self.wanted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_holds_what_sorting_all_would_put_first() {
        for wanted in [0, 1, 3, 10, 2000] {
            let mut all: Vec<(u32, RowPlace)> = (0..1000_u32)
                .map(|row| (row.wrapping_mul(7919) % 97, (row as usize / 10, row as usize % 10)))
                .collect();
            let mut list = ShortList::of(wanted);
            all.iter().for_each(|(differing, place)| list.offer(*differing, *place));
            let mut found: Vec<RowPlace> = list.into_rows().collect();
            found.sort_unstable();
            all.sort_unstable();
            let mut expected: Vec<RowPlace> = all.iter().take(wanted).map(|(_, place)| *place).collect();
            expected.sort_unstable();
            assert_eq!(found, expected, "{wanted}");
        }
    }
}
