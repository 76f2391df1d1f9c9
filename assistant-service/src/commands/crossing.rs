//! Changes that cross: whoever is second reads again what the first has made of the command, and everything is asked anew.

use crate::backbone::BackboneError;
use crate::problem::Problem;

/// Does `once` again for as long as somebody else was faster, so many times at most.
pub(crate) async fn unless_crossed<T, F>(attempts: usize, once: impl Fn() -> F) -> Result<T, Problem>
where
    F: Future<Output = Result<T, Problem>>,
{
    let mut again = 1..attempts;
    loop {
        match once().await {
            Err(Problem::Store(BackboneError::Conflict { .. })) if again.next().is_some() => {}
            done => return done,
        }
    }
}
