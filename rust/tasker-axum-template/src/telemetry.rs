//! OpenTelemetry, if the environment asks for it with OTEL_EXPORTER_OTLP_ENDPOINT: requests and steps become spans.
//!
//! They are sent as protobuf over HTTP. The other OTEL_… variables (service name, headers, sampler) are read by its SDK.

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::Layer;

pub const VARIABLE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Collects spans and sends them.
pub struct Telemetry(SdkTracerProvider);

/// Starts the exporter if there is an endpoint.
///
/// # Errors
///
/// The endpoint, or another variable, is not one.
pub fn start(endpoint: Option<&str>) -> Result<Option<Telemetry>, String> {
    if endpoint.is_none_or(str::is_empty) {
        return Ok(None);
    }
    let exporter = SpanExporter::builder().with_http().build();
    let exporter = exporter.map_err(|error| format!("{VARIABLE}: {error}"))?;
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .build();
    Ok(Some(Telemetry(provider)))
}

impl Telemetry {
    pub fn layer<S>(&self) -> impl Layer<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        tracing_opentelemetry::layer().with_tracer(self.0.tracer("app"))
    }

    /// Sends what is left.
    pub fn stop(self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}
