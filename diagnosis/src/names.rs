//! Names that many series share, each kept once: a hundred thousand series have a few thousand builds, scenes and metrics.

use std::collections::HashSet;
use std::sync::Arc;

/// From how many names on it is looked which are still used.
const FIRST_LOOK: usize = 1024;

/// The names in use.
#[derive(Debug, Default)]
pub(crate) struct Names {
    known: HashSet<Arc<str>>,
    look_at: usize,
}

impl Names {
    /// The one copy of a name.
    pub(crate) fn keep(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.known.get(name) {
            return Arc::clone(known);
        }
        if self.known.len() >= self.look_at.max(FIRST_LOOK) {
            self.known.retain(|known| Arc::strong_count(known) > 1);
            // Twice as many before the next look, so that a name costs a constant time on average.
            self.look_at = self.known.len().saturating_mul(2);
        }
        let name: Arc<str> = name.into();
        self.known.insert(Arc::clone(&name));
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_once_and_those_that_nobody_uses_go() {
        let mut names = Names::default();
        let kept = names.keep("FrameTime");
        assert!(Arc::ptr_eq(&kept, &names.keep("FrameTime")));
        for number in 0..10_000 {
            names.keep(&number.to_string());
        }
        assert!(names.known.len() <= FIRST_LOOK + 1, "{}", names.known.len());
        assert!(Arc::ptr_eq(&kept, &names.keep("FrameTime")));
    }
}
