//! The same back end twice behind one Traefik, once behind the gate and once bare, so that "as through bare Traefik" is
//! something that a test compares.

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::stage::shipped_gate;

/// The scope that opens every gated route.
pub const SCOPE: &str = "pass";

/// One of the two ways to a back end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Through the gate.
    Gated,
    /// Past it.
    Bare,
}

impl Way {
    /// Both, the bare one first: what it shows is what the gated one is held against.
    pub const BOTH: [Way; 2] = [Way::Bare, Way::Gated];

    /// The path of a back end's resource on this way. Both are equally long.
    pub fn path(self, back_end: &str, resource: &str) -> String {
        let way = match self {
            Way::Gated => "gate",
            Way::Bare => "bare",
        };
        format!("/{way}/{back_end}/{resource}")
    }
}

/// A dynamic file that leads to each back end (name, URL) on both ways.
pub fn routes(back_ends: &[(&str, &str)]) -> Value {
    let (mut routers, mut services) = (Map::new(), Map::new());
    for (name, url) in back_ends {
        for (way, middlewares) in [("gate", json!(["blank", "gate"])), ("bare", json!([]))] {
            let router = json!({
                "entryPoints": ["websecure"],
                "rule": format!("PathPrefix(`/{way}/{name}`)"),
                "priority": 10,
                "middlewares": middlewares,
                "service": name,
            });
            routers.insert(format!("{name}-{way}"), router);
        }
        services.insert((*name).to_owned(), json!({"loadBalancer": {"servers": [{"url": url}]}}));
    }
    json!({"http": {"routers": routers, "services": services}})
}

/// The shipped gate with one rule: whoever has the scope may do everything below `/gate`.
pub fn gate() -> Result<Value> {
    let mut gate = shipped_gate()?;
    if let Some(settings) = gate.as_object_mut() {
        let require = format!("Scope(`{SCOPE}`)");
        let health = json!({"name": "health", "match": "Path(`/healthz`)", "public": true});
        let everything = json!({"name": "everything", "match": "PathPrefix(`/gate`)", "require": require});
        settings.insert("rules".to_owned(), json!([health, everything]));
    }
    Ok(gate)
}
