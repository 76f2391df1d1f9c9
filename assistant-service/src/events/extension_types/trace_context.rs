//! The two headers of W3C Trace Context, as far as their form goes.

const MAX_MEMBERS: usize = 32;

/// `version-trace-parent-flags` in lower-case hexadecimal digits; neither identifier is all zeros (section 3.2). A later
/// version may go on after its flags.
pub(crate) fn is_traceparent(text: &str) -> bool {
    let mut parts = text.splitn(5, '-');
    let [version, trace, parent, flags] = [(); 4].map(|()| parts.next().unwrap_or_default());
    let has_more = parts.next().is_some();
    is_hexadecimal(version, 2)
        && version != "ff"
        && is_identifier(trace, 32)
        && is_identifier(parent, 16)
        && is_hexadecimal(flags, 2)
        && !(version == "00" && has_more)
}

fn is_hexadecimal(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_identifier(text: &str, digits: usize) -> bool {
    is_hexadecimal(text, digits) && text.bytes().any(|byte| byte != b'0')
}

/// At most 32 members `key=value`, each key once (section 3.3).
pub(crate) fn is_tracestate(text: &str) -> bool {
    let mut keys = Vec::new();
    for member in text.split(',').map(|member| member.trim_matches([' ', '\t'])).filter(|member| !member.is_empty()) {
        let Some((key, value)) = member.split_once('=') else { return false };
        if !is_key(key) || !is_value(value) || keys.contains(&key) || keys.len() >= MAX_MEMBERS {
            return false;
        }
        keys.push(key);
    }
    !keys.is_empty()
}

fn is_key(key: &str) -> bool {
    let is_name = |name: &str, length: usize, begins: fn(u8) -> bool| {
        let is_rest = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-*/".contains(&b);
        (1..=length).contains(&name.len()) && name.bytes().next().is_some_and(begins) && name.bytes().all(is_rest)
    };
    match key.split_once('@') {
        None => is_name(key, 256, |b| b.is_ascii_lowercase()),
        Some((tenant, system)) => {
            is_name(tenant, 241, |b| b.is_ascii_lowercase() || b.is_ascii_digit())
                && is_name(system, 14, |b| b.is_ascii_lowercase())
        }
    }
}

fn is_value(value: &str) -> bool {
    (1..=256).contains(&value.len())
        && value.bytes().all(|byte| matches!(byte, b' '..=b'~') && !b",=".contains(&byte))
        && !value.ends_with(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_traceparent_is_told_from_other_text() {
        assert!(is_traceparent(PARENT));
        assert!(is_traceparent(&format!("cc{}-what the future will be like", &PARENT[2..])));
        for bad in [
            "",
            "00-1-2-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        ] {
            assert!(!is_traceparent(bad), "{bad}");
        }
    }

    #[test]
    fn a_tracestate_is_told_from_other_text() {
        for good in ["a=1", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "a=1, ,b=2", "0tenant@system=x y"] {
            assert!(is_tracestate(good), "{good}");
        }
        let many: Vec<_> = (0..33).map(|number| format!("k{number}=1")).collect();
        for bad in ["", ",", "a", "a=", "A=1", "a=1,a=2", "a=1=2", "a@=1", "9a=1", &many.join(",")] {
            assert!(!is_tracestate(bad), "{bad}");
        }
    }
}
