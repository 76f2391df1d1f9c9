//! Claims in the form in which they are kept and looked up: bytes that are read where they lie, so that a cached token
//! costs neither a JSON parser nor a heap of small strings.
//!
//! ```text
//! record = { name value }        name = length:u16 UTF-8        numbers are little-endian
//! value  = kind:u8 length:u16 content
//! ```
//!
//! The content of a list is values one after another; of an object, its JSON text.

use serde_json::{Map, Value};

use super::selection::{ClaimSelection, ORIGIN_SESSION, Wanted};

/// Claims by name, in compact form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClaimRecord {
    bytes: Vec<u8>,
}

/// A claim's value, where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClaimValue<'a> {
    /// A string.
    Text(&'a str),
    /// A number, `true`, `false` or `null`, as its JSON text.
    Scalar(&'a str),
    /// A list: its members in compact form.
    List(&'a [u8]),
    /// An object, as its JSON text.
    Object(&'a str),
}

const TEXT: u8 = 0;
const SCALAR: u8 = 1;
const LIST: u8 = 2;
const OBJECT: u8 = 3;

impl ClaimRecord {
    /// The selected ones among `claims`. Nothing when one of them is too long for the form, which no token is.
    pub(crate) fn of(claims: &Map<String, Value>, selection: &ClaimSelection) -> Option<Self> {
        let mut bytes = Vec::with_capacity(256);
        for (name, wanted) in selection.iter() {
            // One member of an object: the rest of it is not kept, for want of room.
            let value = match name {
                ORIGIN_SESSION => claims.get("origin").and_then(|origin| origin.get("sid")),
                name => claims.get(name),
            };
            let Some(value) = value else { continue };
            push_sized(name.as_bytes(), &mut bytes)?;
            push_value(value, wanted, &mut bytes)?;
        }
        Some(Self { bytes })
    }

    /// What [`ClaimRecord::as_bytes`] gave. Of other bytes, it holds whatever they happen to spell.
    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A claim by its top-level name.
    pub(crate) fn get(&self, name: &str) -> Option<ClaimValue<'_>> {
        let mut rest = self.bytes.as_slice();
        loop {
            let held = take_sized(&mut rest)?;
            let value = take_raw_value(&mut rest)?;
            if held == name.as_bytes() {
                return value.read();
            }
        }
    }
}

impl<'a> ClaimValue<'a> {
    /// A string by its content, any other scalar by its JSON text.
    pub(crate) fn scalar(self) -> Option<&'a str> {
        match self {
            Self::Text(text) | Self::Scalar(text) => Some(text),
            Self::List(_) | Self::Object(_) => None,
        }
    }

    /// The members of a list; of anything else, none.
    pub(crate) fn members(self) -> impl Iterator<Item = ClaimValue<'a>> {
        let mut rest = if let Self::List(members) = self { members } else { &[] };
        std::iter::from_fn(move || take_raw_value(&mut rest)?.read())
    }
}

struct RawValue<'a> {
    kind: u8,
    content: &'a [u8],
}

impl<'a> RawValue<'a> {
    fn read(&self) -> Option<ClaimValue<'a>> {
        if self.kind == LIST {
            return Some(ClaimValue::List(self.content));
        }
        let text = std::str::from_utf8(self.content).ok()?;
        match self.kind {
            TEXT => Some(ClaimValue::Text(text)),
            SCALAR => Some(ClaimValue::Scalar(text)),
            OBJECT => Some(ClaimValue::Object(text)),
            _ => None,
        }
    }
}

fn push_value(value: &Value, wanted: &Wanted, out: &mut Vec<u8>) -> Option<()> {
    match value {
        Value::String(text) => push(TEXT, text.as_bytes(), out),
        Value::Bool(_) | Value::Number(_) | Value::Null => push(SCALAR, value.to_string().as_bytes(), out),
        Value::Array(members) => {
            let mut list = Vec::new();
            for member in members.iter().filter(|member| wanted.wants_member(member)) {
                push_value(member, &Wanted::Whole, &mut list)?;
            }
            push(LIST, &list, out)
        }
        Value::Object(_) => push(OBJECT, value.to_string().as_bytes(), out),
    }
}

fn push(kind: u8, content: &[u8], out: &mut Vec<u8>) -> Option<()> {
    out.push(kind);
    push_sized(content, out)
}

fn push_sized(content: &[u8], out: &mut Vec<u8>) -> Option<()> {
    out.extend_from_slice(&u16::try_from(content.len()).ok()?.to_le_bytes());
    out.extend_from_slice(content);
    Some(())
}

fn take_raw_value<'a>(rest: &mut &'a [u8]) -> Option<RawValue<'a>> {
    let (kind, behind) = rest.split_first()?;
    *rest = behind;
    Some(RawValue { kind: *kind, content: take_sized(rest)? })
}

fn take_sized<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, behind) = rest.split_first_chunk::<2>()?;
    let (content, behind) = behind.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    *rest = behind;
    Some(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(claims: &Value, selection: &ClaimSelection) -> ClaimRecord {
        ClaimRecord::of(claims.as_object().unwrap(), selection).unwrap()
    }

    #[test]
    fn every_kind_of_value_comes_back_as_rules_read_it() {
        let claims = json!({"sub": "ada", "n": 1.50, "yes": true, "nothing": null, "list": ["a", 2, ["b"], {"c": 1}, ""],
            "cnf": {"jkt": "x"}, "Ångström": "å", "other": "dropped"});
        let mut selection = ClaimSelection::default();
        for name in ["n", "yes", "nothing", "list", "Ångström", "missing"] {
            selection.want(name, None);
        }
        let record = record(&claims, &selection);
        assert_eq!(record.get("sub"), Some(ClaimValue::Text("ada")));
        assert_eq!(record.get("n"), Some(ClaimValue::Scalar("1.5")));
        assert_eq!(record.get("yes"), Some(ClaimValue::Scalar("true")));
        assert_eq!(record.get("nothing"), Some(ClaimValue::Scalar("null")));
        assert_eq!(record.get("cnf"), Some(ClaimValue::Object(r#"{"jkt":"x"}"#)));
        assert_eq!(record.get("Ångström"), Some(ClaimValue::Text("å")));
        assert_eq!((record.get("other"), record.get("missing")), (None, None));
        let list = record.get("list").unwrap();
        assert_eq!(
            list.members().map(ClaimValue::scalar).collect::<Vec<_>>(),
            [Some("a"), Some("2"), None, None, Some("")]
        );
        assert_eq!(ClaimRecord::from_bytes(record.as_bytes().to_vec()), record);
    }

    #[test]
    fn of_an_origin_the_session_alone_is_kept() {
        let origin = json!({"iss": "https://idp.example.com", "digest": "x".repeat(43), "sid": "login-1"});
        let record =
            record(&json!({"sub": "ada", "origin": origin, "origin.sid": "forged"}), &ClaimSelection::default());
        assert_eq!(record.get(ORIGIN_SESSION), Some(ClaimValue::Text("login-1")));
        assert!(record.as_bytes().len() < 64);
    }

    #[test]
    fn a_long_list_keeps_only_the_members_that_rules_name() {
        let mut selection = ClaimSelection::default();
        selection.want("groups", Some("admins"));
        selection.want("groups", Some("7"));
        let groups: Vec<_> = (0..500).map(|n| json!(format!("group-{n}"))).chain([json!("admins"), json!(7)]).collect();
        let record = record(&json!({"sub": "ada", "groups": groups}), &selection);
        let held: Vec<_> = record.get("groups").unwrap().members().filter_map(ClaimValue::scalar).collect();
        assert_eq!(held, ["admins", "7"]);
        assert!(record.as_bytes().len() < 64);
    }

    #[test]
    fn bytes_that_are_no_record_spell_nothing() {
        for bytes in [
            &b""[..],
            b"\x01",
            b"\x01\x00a",
            b"\x01\x00a\x00\xff\xffx",
            b"\x01\x00a\x09\x01\x00x",
            b"\x01\x00a\x00\x01\x00\xff",
        ] {
            assert_eq!(ClaimRecord::from_bytes(bytes.to_vec()).get("a"), None, "{bytes:?}");
        }
    }
}
