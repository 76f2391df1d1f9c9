//! One thing that is done, as a span and as measures: it begins, and it ends once, by what came of it or by being dropped.

use std::time::Instant;

use opentelemetry::trace::{SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Array, Context, KeyValue, StringValue, Value};

use super::Telemetry;
use crate::model::Usage;

const LONGEST_NAME: usize = 64;

/// What is asked, by the names that the settings give it.
#[derive(Clone, Debug)]
pub struct Named {
    /// The kind of provider, such as `openai` or `azure.ai.openai`.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Host and port.
    pub server: Option<(String, u16)>,
}

impl Named {
    fn server_attributes(&self) -> Vec<KeyValue> {
        let mut attributes = vec![KeyValue::new("gen_ai.provider.name", self.provider.clone())];
        if let Some((address, port)) = &self.server {
            attributes.push(KeyValue::new("server.address", address.clone()));
            attributes.push(KeyValue::new("server.port", i64::from(*port)));
        }
        attributes
    }
}

/// Something under way. Dropped before its end it counts as cancelled, but for a tool's call, which is then done.
#[derive(Debug)]
pub struct Operation {
    telemetry: Telemetry,
    context: Context,
    began: Instant,
    /// What the measures have in common with the span.
    measured: Vec<KeyValue>,
    /// Who is asked, which is known for certain when an answer has come.
    server: Vec<KeyValue>,
    when_dropped: Option<&'static str>,
    has_ended: bool,
}

impl Operation {
    /// A model's call.
    pub(super) fn of_chat(telemetry: Telemetry, named: &Named) -> Self {
        Self::of_model(telemetry, "chat", named)
    }

    /// A call for embeddings.
    pub(super) fn of_embeddings(telemetry: Telemetry, named: &Named) -> Self {
        Self::of_model(telemetry, "embeddings", named)
    }

    /// A tool's call. Its name comes from a model's words in the worst case.
    pub(super) fn of_tool(telemetry: Telemetry, parent: &Context, name: &str, call: &str) -> Self {
        let cut = |text: &str| text.chars().take(LONGEST_NAME).collect::<String>();
        let attributes = vec![
            KeyValue::new("gen_ai.operation.name", "execute_tool"),
            KeyValue::new("gen_ai.tool.name", cut(name)),
            KeyValue::new("gen_ai.tool.type", "function"),
            KeyValue::new("gen_ai.tool.call.id", cut(call)),
        ];
        let name = format!("execute_tool {}", cut(name));
        Self::begin(telemetry, parent, name, SpanKind::Internal, attributes, Vec::new(), None)
    }

    /// An answer to somebody, whatever it takes.
    pub(super) fn of_answer(telemetry: Telemetry) -> Self {
        let attributes = vec![
            KeyValue::new("gen_ai.operation.name", "invoke_agent"),
            KeyValue::new("gen_ai.provider.name", "watchgate"),
            KeyValue::new("gen_ai.agent.name", "watchgate"),
        ];
        let (parent, name) = (Context::current(), "invoke_agent watchgate".to_owned());
        Self::begin(telemetry, &parent, name, SpanKind::Internal, attributes.clone(), attributes, Some("cancelled"))
    }

    fn of_model(telemetry: Telemetry, operation: &'static str, named: &Named) -> Self {
        let attributes = vec![
            KeyValue::new("gen_ai.operation.name", operation),
            KeyValue::new("gen_ai.request.model", named.model.clone()),
        ];
        let name = format!("{operation} {}", named.model);
        let (parent, measured) = (Context::current(), attributes.clone());
        let mut begun =
            Self::begin(telemetry, &parent, name, SpanKind::Client, attributes, measured, Some("cancelled"));
        begun.server = named.server_attributes();
        begun
    }

    fn begin(
        telemetry: Telemetry,
        parent: &Context,
        name: String,
        kind: SpanKind,
        attributes: Vec<KeyValue>,
        measured: Vec<KeyValue>,
        when_dropped: Option<&'static str>,
    ) -> Self {
        let builder = telemetry.0.tracer.span_builder(name).with_kind(kind).with_attributes(attributes);
        let span = telemetry.0.tracer.build_with_context(builder, parent);
        let context = parent.with_span(span).with_value(telemetry.clone());
        Self { telemetry, context, began: Instant::now(), measured, server: Vec::new(), when_dropped, has_ended: false }
    }

    /// What is done within it has this one above it.
    pub(super) fn context(&self) -> Context {
        self.context.clone()
    }

    pub(super) fn tells_content(&self) -> bool {
        self.telemetry.0.content
    }

    pub(super) fn note(&self, name: &'static str, value: impl Into<Value>) {
        self.context.span().set_attribute(KeyValue::new(name, value.into()));
    }

    pub(super) fn note_list(&self, name: &'static str, value: &'static str) {
        self.note(name, Value::Array(Array::String(vec![StringValue::from(value)])));
    }

    /// The model that answered, and where it is.
    pub(super) fn note_answering(&mut self, model: &str, named: Option<&Named>) {
        if let Some(named) = named {
            self.server = named.server_attributes();
        }
        self.note("gen_ai.response.model", model.to_owned());
        self.measured.push(KeyValue::new("gen_ai.response.model", model.to_owned()));
    }

    /// It failed in one of a few ways, which have names that hold nothing of anybody.
    pub fn fail(mut self, error_type: &'static str) {
        self.context.span().set_status(Status::error(""));
        self.finish(Some(error_type));
    }

    /// It is done.
    pub fn end(mut self) {
        self.finish(None);
    }

    /// It is done, and took so many tokens.
    pub fn end_with_usage(mut self, usage: Usage) {
        self.note_server();
        for (attribute, kind, tokens) in [
            ("gen_ai.usage.input_tokens", "input", usage.input_tokens),
            ("gen_ai.usage.output_tokens", "output", usage.output_tokens),
        ] {
            self.note(attribute, i64::try_from(tokens).unwrap_or(i64::MAX));
            // Estimates are no measure of what a provider counts.
            if !usage.is_estimate {
                let kind = KeyValue::new("gen_ai.token.type", kind);
                let measured: Vec<_> = self.measured.iter().cloned().chain([kind]).collect();
                self.telemetry.0.token_usage.record(tokens, &measured);
            }
        }
        if usage.is_estimate {
            self.note("watchgate.usage.is_estimate", true);
        }
        self.finish(None);
    }

    /// At the end alone, since a span would keep what is noted twice.
    fn note_server(&mut self) {
        for attribute in std::mem::take(&mut self.server) {
            self.context.span().set_attribute(attribute.clone());
            self.measured.push(attribute);
        }
    }

    fn finish(&mut self, error_type: Option<&'static str>) {
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        self.note_server();
        if let Some(error_type) = error_type {
            self.note("error.type", error_type);
            self.measured.push(KeyValue::new("error.type", error_type));
        }
        if !self.measured.is_empty() {
            self.telemetry.0.duration.record(self.began.elapsed().as_secs_f64(), &self.measured);
        }
        self.context.span().end();
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        self.finish(self.when_dropped);
    }
}
