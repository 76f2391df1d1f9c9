//! Calls of tools, put together from fragments. Servers number them, name them or do neither.

use std::collections::HashSet;

use uuid::Uuid;

use super::ToolCall;
use super::chunk::CallFragment;
use super::failure::Failure;

/// Nobody needs more at once, and each new one is compared with all before it.
const MOST_CALLS: usize = 64;

/// The calls of one answer so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls(Vec<Growing>);

#[derive(Clone, Debug)]
struct Growing {
    index: Option<u64>,
    call: ToolCall,
}

impl Calls {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All that was said of them, in bytes.
    pub(super) fn length(&self) -> usize {
        let length = |growing: &Growing| growing.call.name.len().saturating_add(growing.call.arguments.len());
        self.0.iter().map(length).fold(0, usize::saturating_add)
    }

    /// Adds a fragment to the call that it belongs to, or begins another.
    pub(super) fn take(&mut self, fragment: CallFragment) -> Result<(), Failure> {
        let CallFragment { index, id, name, arguments } = fragment;
        let has_room = self.0.len() < MOST_CALLS;
        match self.0.iter_mut().rev().find(|growing| growing.is_meant(index, &id, &name)) {
            Some(Growing { call, .. }) => {
                if call.id.is_empty() {
                    call.id = id;
                }
                // Some repeat the whole name with each fragment, and some cut it as well.
                if call.name != name {
                    call.name.push_str(&name);
                }
                call.arguments.push_str(&arguments);
            }
            None if has_room => self.0.push(Growing { index, call: ToolCall { id, name, arguments } }),
            None => return Err(Failure::TooLarge),
        }
        Ok(())
    }

    /// The calls, now that nothing of them can be missing. Whoever has no identifier of its own gets one.
    pub(super) fn whole(self) -> Result<Vec<ToolCall>, Failure> {
        let mut taken = HashSet::new();
        let mut calls = Vec::new();
        for Growing { mut call, .. } in self.0 {
            if call.name.is_empty() {
                return Err(Failure::Malformed("a call of nothing"));
            }
            if call.arguments.trim().is_empty() {
                "{}".clone_into(&mut call.arguments);
            }
            if call.id.is_empty() || !taken.insert(call.id.clone()) {
                call.id = format!("call_{}", Uuid::now_v7().simple());
            }
            calls.push(call);
        }
        Ok(calls)
    }
}

impl Growing {
    fn is_meant(&self, index: Option<u64>, id: &str, name: &str) -> bool {
        let is_other_id = !id.is_empty() && !self.call.id.is_empty() && id != self.call.id;
        match index {
            // Some number every call 0. Some make up an identifier for each fragment, but only a beginning has a name.
            Some(index) => self.index == Some(index) && (name.is_empty() || !is_other_id),
            None if !id.is_empty() => self.call.id == id,
            // Neither number nor identifier: a name begins a call, and all else goes on with the last one.
            None => name.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Said = (Option<u64>, &'static str, &'static str, &'static str);

    fn whole(said: &[Said]) -> Vec<(String, String)> {
        let mut calls = Calls::default();
        for (index, id, name, arguments) in said.iter().copied() {
            let fragment =
                CallFragment { index, id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_owned() };
            calls.take(fragment).unwrap();
        }
        let calls = calls.whole().unwrap();
        let ids: HashSet<_> = calls.iter().map(|call| call.id.clone()).collect();
        assert_eq!(ids.len(), calls.len(), "every call has an identifier of its own: {calls:?}");
        assert!(!ids.contains(""));
        calls.into_iter().map(|call| (call.name, call.arguments)).collect()
    }

    #[test]
    fn fragments_find_their_call_in_every_dialect() {
        let two = [("find", "{\"a\":1}"), ("list", "{}")].map(|(name, text)| (name.to_owned(), text.to_owned()));
        let dialects: [&[Said]; 7] = [
            // As OpenAI does it.
            &[
                (Some(0), "x", "find", ""),
                (Some(0), "", "", "{\"a\""),
                (Some(0), "", "", ":1}"),
                (Some(1), "y", "list", "{}"),
            ],
            // Interleaved.
            &[
                (Some(0), "x", "find", "{\"a\""),
                (Some(1), "y", "list", ""),
                (Some(0), "", "", ":1}"),
                (Some(1), "", "", "{}"),
            ],
            // Whole, and all with the number 0.
            &[(Some(0), "x", "find", "{\"a\":1}"), (Some(0), "y", "list", "{}")],
            // An identifier for each fragment.
            &[(Some(0), "x", "find", "{\"a\""), (Some(0), "z", "", ":1}"), (Some(1), "y", "list", "{}")],
            // No numbers.
            &[(None, "x", "find", "{\"a\""), (None, "x", "", ":1}"), (None, "y", "list", "")],
            // Nothing but names.
            &[(None, "", "find", "{\"a\""), (None, "", "", ":1}"), (None, "", "list", "")],
            // The name again with each fragment, and two calls with one identifier.
            &[(Some(0), "x", "find", "{\"a\""), (Some(0), "x", "find", ":1}"), (Some(1), "x", "list", " ")],
        ];
        for dialect in dialects {
            assert_eq!(whole(dialect), two, "{dialect:?}");
        }
    }

    #[test]
    fn a_call_of_nothing_and_a_flood_of_calls_are_none() {
        let mut calls = Calls::default();
        calls.take(CallFragment { arguments: "{}".to_owned(), ..CallFragment::default() }).unwrap();
        assert!(matches!(calls.clone().whole(), Err(Failure::Malformed(_))));
        let flood = |number| CallFragment { id: format!("{number}"), name: "f".to_owned(), ..CallFragment::default() };
        let taken = (0..1000).try_for_each(|number| calls.take(flood(number)));
        assert!(matches!(taken, Err(Failure::TooLarge)));
    }
}
