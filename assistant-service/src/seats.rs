//! Who may have something last: so many in all, and few for each principal, so that one of them cannot shut out the rest.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use trust_core::principal::Principal;

/// The seats that are taken, by principal.
#[derive(Clone, Debug)]
pub(crate) struct Seats {
    in_all: usize,
    each: usize,
    taken: Arc<Mutex<HashMap<Principal, usize>>>,
}

/// Why somebody has no seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoSeat {
    /// He has as many as one may have.
    OfOwn,
    /// All are taken.
    AtAll,
}

/// A seat, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Seats,
    principal: Principal,
}

impl Seats {
    /// So many in all, and so many for each principal.
    pub(crate) fn new(in_all: usize, each: usize) -> Self {
        Self { in_all, each, taken: Arc::default() }
    }

    /// A seat of `principal`, to be held as long as what it is taken for lasts.
    pub(crate) fn take(&self, principal: &Principal) -> Result<Seat, NoSeat> {
        let mut taken = self.lock();
        let own = taken.get(principal).copied().unwrap_or_default();
        if own >= self.each {
            return Err(NoSeat::OfOwn);
        }
        if taken.values().sum::<usize>() >= self.in_all {
            return Err(NoSeat::AtAll);
        }
        taken.insert(principal.clone(), own.saturating_add(1));
        Ok(Seat { seats: self.clone(), principal: principal.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Principal, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
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
        let seats = Seats::new(512, 16);
        let principal = |name: usize| Principal::new("https://issuer.watchgate.test", name.to_string());
        let everybody = 0..512 / 16;
        let mut held: Vec<_> = everybody
            .flat_map(|name| (0..16).map(move |_| name))
            .map(|name| seats.take(&principal(name)).unwrap())
            .collect();
        assert_eq!(seats.take(&principal(0)).err(), Some(NoSeat::OfOwn));
        assert_eq!(seats.take(&principal(1000)).err(), Some(NoSeat::AtAll));
        held.pop();
        held.push(seats.take(&principal(1000)).unwrap());
        held.clear();
        assert!(seats.lock().is_empty());
    }
}
