//! The file that puts a second service behind the gate while everything runs.

use anyhow::{Context, Result};
use serde_json::json;

use crate::shipped_gate;

/// A dynamic file with a route, a gate of its own and a back end: `/reports`, for those with the scope `reports:read`.
pub fn reports(back_end_url: &str) -> Result<String> {
    let gate = shipped_gate()?;
    let issuers = gate.get("issuers").context("the shipped gate names no issuers")?;
    let file = json!({"http": {
        "routers": {"reports": {
            "entryPoints": ["websecure"],
            "rule": "PathPrefix(`/reports`)",
            "priority": 10,
            "middlewares": ["blank", "reports-gate"],
            "service": "reports",
        }},
        "middlewares": {"reports-gate": {"plugin": {"watchgate": {
            "issuers": issuers,
            "rules": [{
                "name": "reports",
                "match": "PathPrefix(`/reports`) && Method(`GET`)",
                "require": "Scope(`reports:read`)",
            }],
            "forwardClaims": {"X-Auth-Subject": "sub"},
        }}}},
        "services": {"reports": {"loadBalancer": {"servers": [{"url": back_end_url}]}}},
    }});
    Ok(format!("{file:#}"))
}
