//! The events of this bench: some 300 bytes each as they are sent, told apart by a number and nothing else, so that every side
//! can make the very same ones.

use std::io::Write as _;

/// Who sends them all.
pub(crate) const ISSUER: &str = "https://issuer.watchgate.test";
pub(crate) const SENDER: &str = "bench";
pub(crate) const SOURCE: &str = "https://issuer.watchgate.test#bench";
pub(crate) const TYPE: &str = "com.example.telemetry.reading";

/// What events are about.
pub(crate) const SUBJECTS: u64 = 10_000;

const DATA: &str = r#"{"temperature_celsius":61.5,"fan_rpm":4200,"state":"running"}"#;
const EVENTS_PER_ORDER: u64 = 8;

/// One event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event(pub(crate) u64);

impl Event {
    /// In the order of the numbers, as identifiers that hold a time are.
    pub(crate) fn id(self) -> String {
        format!("{:016x}", self.0)
    }

    /// Any of them, without order: the events of one subject lie all over the log.
    pub(crate) fn subject(self) -> String {
        subject(mixed(self.0) % SUBJECTS)
    }

    /// Events of one order follow each other.
    pub(crate) fn correlation_id(self) -> String {
        format!("order-{:012}", self.0 / EVENTS_PER_ORDER)
    }

    /// As it is sent, in CloudEvents' JSON format; always of the same length.
    pub(crate) fn send(self, out: &mut Vec<u8>) {
        self.send_with(DATA, out);
    }

    /// The same with other data.
    pub(crate) fn send_with(self, data: &str, out: &mut Vec<u8>) {
        let (id, subject, order) = (self.0, mixed(self.0) % SUBJECTS, self.0 / EVENTS_PER_ORDER);
        // A vector takes whatever is written to it.
        let _ = write!(
            out,
            r#"{{"specversion":"1.0","id":"{id:016x}","source":"{SOURCE}","type":"{TYPE}","subject":"device-{subject:05}","correlationid":"order-{order:012}","datacontenttype":"application/json","data":{data}}}"#
        );
    }

    /// As the service keeps it.
    pub(crate) fn kept(self) -> String {
        let (id, subject, order) = (self.id(), self.subject(), self.correlation_id());
        format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"{SOURCE}","type":"{TYPE}","subject":"{subject}","time":"{KEPT_TIME}","datacontenttype":"application/json","authid":"{SOURCE}","authtype":"app_user","correlationid":"{order}","data":{DATA}}}"#
        )
    }
}

/// In the place of the time of arrival.
pub(crate) const KEPT_TIME: &str = "2026-03-01T12:00:00.123Z";

/// A subject by its number.
pub(crate) fn subject(number: u64) -> String {
    format!("device-{number:05}")
}

/// Steele, Lea and Flood's splitmix64.
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A body of one event, or of a batch.
pub(crate) fn body(kind: Kind, first: u64, out: &mut Vec<u8>) {
    out.clear();
    match kind {
        Kind::One => Event(first).send(out),
        Kind::Batch => {
            for number in first..first + BATCH {
                out.push(if number == first { b'[' } else { b',' });
                Event(number).send(out);
            }
            out.push(b']');
        }
    }
}

/// Events in a batch.
pub(crate) const BATCH: u64 = 100;

/// What a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    One,
    Batch,
}

impl Kind {
    pub(crate) fn events(self) -> u64 {
        match self {
            Self::One => 1,
            Self::Batch => BATCH,
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::One => "application/cloudevents+json",
            Self::Batch => "application/cloudevents-batch+json",
        }
    }
}
