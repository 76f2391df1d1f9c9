//! Who may have something last: so many in all, and few for each, so that one cannot shut out the rest.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use trust_core::principal::Principal;

/// The seats that are taken, by whose they are.
#[derive(Debug)]
pub(crate) struct Seats<K = Principal> {
    in_all: usize,
    each: usize,
    taken: Arc<Mutex<Taken<K>>>,
}

/// Nobody is in here who has no seat, so this is never larger than there are seats.
#[derive(Debug)]
struct Taken<K> {
    of_all: usize,
    of_each: HashMap<K, usize>,
}

/// Why somebody has no seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoSeat {
    /// He has as many as one may have.
    OfOwn,
    /// All are taken.
    AtAll,
}

/// Seats of one, given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Seat<K: Eq + Hash = Principal> {
    seats: Seats<K>,
    of: K,
    many: usize,
}

impl<K> Clone for Seats<K> {
    fn clone(&self) -> Self {
        Self { in_all: self.in_all, each: self.each, taken: Arc::clone(&self.taken) }
    }
}

impl<K: Clone + Eq + Hash> Seats<K> {
    /// So many in all, and so many for each.
    pub(crate) fn new(in_all: usize, each: usize) -> Self {
        let taken = Taken { of_all: 0, of_each: HashMap::new() };
        Self { in_all, each, taken: Arc::new(Mutex::new(taken)) }
    }

    /// A seat of somebody's, to be held as long as what it is taken for lasts.
    pub(crate) fn take(&self, of: &K) -> Result<Seat<K>, NoSeat> {
        self.take_many(of, 1)
    }

    /// So many seats of somebody's, or none.
    pub(crate) fn take_many(&self, of: &K, many: usize) -> Result<Seat<K>, NoSeat> {
        let mut taken = self.lock();
        let own = taken.of_each.get(of).copied().unwrap_or_default().saturating_add(many);
        if own > self.each {
            return Err(NoSeat::OfOwn);
        }
        let all = taken.of_all.saturating_add(many);
        if all > self.in_all {
            return Err(NoSeat::AtAll);
        }
        taken.of_all = all;
        taken.of_each.insert(of.clone(), own);
        Ok(Seat { seats: self.clone(), of: of.clone(), many })
    }
}

impl<K: Clone + Eq + Hash> Seat<K> {
    /// So many more for the same, or none.
    pub(crate) fn grow(&mut self, many: usize) -> Result<(), NoSeat> {
        let mut more = self.seats.take_many(&self.of, many)?;
        // This one gives them back.
        self.many = self.many.saturating_add(std::mem::take(&mut more.many));
        Ok(())
    }
}

#[cfg(test)]
impl<K> Seats<K> {
    /// Whether nobody has any.
    pub(crate) fn is_empty(&self) -> bool {
        let taken = self.lock();
        taken.of_all == 0 && taken.of_each.is_empty()
    }
}

impl<K> Seats<K> {
    fn lock(&self) -> MutexGuard<'_, Taken<K>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Drop for Seat<K> {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        taken.of_all = taken.of_all.saturating_sub(self.many);
        match taken.of_each.get_mut(&self.of) {
            Some(own) if *own > self.many => *own = own.saturating_sub(self.many),
            _ => {
                taken.of_each.remove(&self.of);
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
        let mut growing = seats.take_many(&principal(0), 10).unwrap();
        assert_eq!(growing.grow(7).err(), Some(NoSeat::OfOwn));
        growing.grow(6).unwrap();
        assert_eq!(seats.take(&principal(0)).err(), Some(NoSeat::OfOwn));
        drop(growing);
        assert!(seats.is_empty());
    }
}
