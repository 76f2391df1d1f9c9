//! Who may hold a stream open: so many in all, and few for each principal, so that one reader cannot shut out the rest.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use trust_core::principal::Principal;

use crate::problem::Problem;

const SEATS: usize = 512;

/// Enough for a reader with many windows.
pub(crate) const SEATS_PER_PRINCIPAL: usize = 16;

/// The seats that are taken, by principal.
#[derive(Clone, Debug, Default)]
pub(crate) struct TailSeats(Arc<Mutex<HashMap<Principal, usize>>>);

/// A seat, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct TailSeat {
    seats: TailSeats,
    principal: Principal,
}

impl TailSeats {
    /// A seat for one stream of `principal`, to be held as long as the stream lasts.
    pub(crate) fn take(&self, principal: &Principal) -> Result<TailSeat, Problem> {
        let mut taken = self.lock();
        let own = taken.get(principal).copied().unwrap_or_default();
        if own >= SEATS_PER_PRINCIPAL {
            return Err(Problem::TooManyStreams);
        }
        if taken.values().sum::<usize>() >= SEATS {
            return Err(Problem::Busy);
        }
        taken.insert(principal.clone(), own.saturating_add(1));
        Ok(TailSeat { seats: self.clone(), principal: principal.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Principal, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for TailSeat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        match taken.get_mut(&self.principal) {
            Some(own) if *own > 1 => *own = own.saturating_sub(1),
            _ => {
                taken.remove(&self.principal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_bounded_for_each_and_for_all_and_come_back() {
        let seats = TailSeats::default();
        let principal = |name: usize| Principal::new("https://issuer.watchgate.test", name.to_string());
        let everybody = 0..SEATS / SEATS_PER_PRINCIPAL;
        let mut held: Vec<_> = everybody
            .flat_map(|name| (0..SEATS_PER_PRINCIPAL).map(move |_| name))
            .map(|name| seats.take(&principal(name)).unwrap())
            .collect();
        assert!(matches!(seats.take(&principal(0)), Err(Problem::TooManyStreams)));
        assert!(matches!(seats.take(&principal(1000)), Err(Problem::Busy)));
        held.pop();
        held.push(seats.take(&principal(1000)).unwrap());
        held.clear();
        assert!(seats.lock().is_empty());
    }
}
