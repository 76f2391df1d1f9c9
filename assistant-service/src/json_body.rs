//! A request's JSON body, refused with the name of the member that is wrong.

use axum::body::Bytes;
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;

use crate::media_type::is_json;
use crate::problem::Problem;

/// A body that was read as `T`.
pub struct JsonBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_of_json(&request) {
            return Err(Problem::UnsupportedMediaType);
        }
        parse(&whole(request, state).await?).map(Self)
    }
}

/// A body that may be left away.
impl<S: Send + Sync, T: DeserializeOwned> OptionalFromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        let is_of_json = is_of_json(&request);
        let body = whole(request, state).await?;
        match (body.is_empty(), is_of_json) {
            (true, _) => Ok(None),
            (false, true) => parse(&body).map(Self).map(Some),
            (false, false) => Err(Problem::UnsupportedMediaType),
        }
    }
}

fn is_of_json(request: &Request) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(is_json)
}

async fn whole<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|_| Problem::BodyIncomplete)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let reader = &mut serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut *reader).map_err(|error| {
        let detail = error.inner().to_string();
        let path = error.path().to_string();
        // A member that is missing stands in the message alone; the path is that of what should hold it, and `?` where a reader of
        // a flattened struct came to none.
        let is_whole = matches!(path.as_str(), "." | "?");
        let missing = detail.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
        let field = match (missing, path.as_str()) {
            (Some(name), _) if is_whole => name.to_owned(),
            (Some(name), path) => format!("{path}.{name}"),
            (None, _) if is_whole => "body".to_owned(),
            (None, path) => path.to_owned(),
        };
        Problem::invalid(field, detail)
    })?;
    reader.end().map_err(|error| Problem::invalid("body", error.to_string()))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only its errors are looked at")]
        inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[expect(dead_code, reason = "only its errors are looked at")]
        count: u8,
    }

    #[test]
    fn the_wrong_member_is_named() {
        for (body, field) in [
            (r#"{"inner":{"count":"x"}}"#, "inner.count"),
            (r#"{"inner":{}}"#, "inner.count"),
            ("{}", "inner"),
            (r#"{"inner":{"count":1},"extra":1}"#, "extra"),
            ("[", "body"),
            ("", "body"),
            (r#"{"inner":{"count":1}} x"#, "body"),
        ] {
            let Err(Problem::Invalid(errors)) = parse::<Outer>(body.as_bytes()) else { panic!("{body} was taken") };
            assert_eq!(errors[0].field, field, "{body}: {errors:?}");
        }
    }
}
