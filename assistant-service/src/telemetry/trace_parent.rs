//! `traceparent` (W3C Trace Context): what a request says of the trace that it belongs to, and what is written down of it.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};

use crate::events::is_traceparent;

/// The header's name.
pub(crate) const TRACEPARENT: &str = "traceparent";

/// What stands in the header; nothing where it is not one.
pub(crate) fn parent_of(text: &str) -> Option<SpanContext> {
    if !is_traceparent(text) {
        return None;
    }
    let mut parts = text.split('-').skip(1);
    let trace = TraceId::from_hex(parts.next()?).ok()?;
    let span = SpanId::from_hex(parts.next()?).ok()?;
    // Of the flags one is known, and of a later version's others nobody may make anything.
    let flags = u8::from_str_radix(parts.next()?.get(..2)?, 16).ok()?;
    let flags = TraceFlags::new(flags) & TraceFlags::SAMPLED;
    let parent = SpanContext::new(trace, span, flags, true, TraceState::NONE);
    parent.is_valid().then_some(parent)
}

/// The same, written down.
pub(crate) fn written(context: &SpanContext) -> Option<String> {
    let flags = u8::from(context.is_sampled());
    context.is_valid().then(|| format!("00-{}-{}-{flags:02x}", context.trace_id(), context.span_id()))
}

/// The trace that this is done in, as it is written down; nothing where there is none.
pub(crate) fn current() -> Option<String> {
    written(Context::current().span().span_context())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_as_it_came() {
        for text in [
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
        ] {
            assert_eq!(written(&parent_of(text).unwrap()).as_deref(), Some(text));
        }
        let later = "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0b-more";
        assert!(parent_of(later).unwrap().is_sampled(), "a later version's flags have ours among them");
        for bad in ["", "00-1-2-01", "00-00000000000000000000000000000000-b7ad6b7169203331-01"] {
            assert!(parent_of(bad).is_none(), "{bad}");
        }
    }
}
