//! One id from the HTTP request through the task into its steps.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use axum::BoxError;
use tower_layer::Layer;
use tower_service::Service;
use tracing::Instrument;
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST_ID: usize = 200;

tokio::task_local! {
    static CURRENT: Correlation;
}

/// What a task that is created here belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Correlation {
    pub(crate) id: Uuid,
    /// Whether a step is being executed here, and no request.
    pub(crate) step: bool,
}

impl Correlation {
    pub(crate) fn current() -> Option<Self> {
        CURRENT.try_with(|current| *current).ok()
    }

    pub(crate) async fn scope<T>(self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self, work).await
    }
}

/// Follows requests into tasks and steps.
///
/// The trace id of a W3C `traceparent`, or an `x-request-id` that is a UUID, becomes the correlation id of every task that a
/// [`TaskerClient`](crate::TaskerClient) creates while the request is handled, and each of their steps runs in a span with that id as
/// `correlation_id` and `trace_id`; so do the tasks that those steps create. Without such a header a new id is made. The request itself
/// is handled in the span `request`, and its id goes back as `x-request-id`.
///
/// ```
/// use axum::routing::get;
/// use axum::Router;
/// use tasker_contrib_axum::CorrelationLayer;
///
/// let app: Router = Router::new()
///     .route("/orders", get(|| async { "" }))
///     .layer(CorrelationLayer::new());
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct CorrelationLayer;

impl CorrelationLayer {
    /// The layer.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl<S> Layer<S> for CorrelationLayer {
    type Service = CorrelationService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CorrelationService { inner }
    }
}

/// What [`CorrelationLayer`] makes of a service.
///
/// ```
/// use tasker_contrib_axum::{CorrelationLayer, CorrelationService};
/// use tower_layer::Layer;
///
/// let followed: CorrelationService<axum::Router> = CorrelationLayer::new().layer(axum::Router::new());
/// ```
#[derive(Clone, Debug)]
pub struct CorrelationService<S> {
    inner: S,
}

/// Other layers may be inside, with bodies of their own: `TraceLayer`, `CompressionLayer`.
impl<S, B> Service<Request> for CorrelationService<S>
where
    S: Service<Request, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let (id, request_id) = ids(request.headers());
        let text = request_id.to_str().unwrap_or_default();
        let span = tracing::info_span!(
            "request",
            method = %request.method(),
            path = request.uri().path(),
            request_id = text,
            correlation_id = %id,
            trace_id = %id.simple(),
        );
        request.headers_mut().insert(REQUEST_ID, request_id.clone());
        let answer = self.inner.call(request);
        let work = async move {
            let mut response = answer.await?.map(Body::new);
            response
                .headers_mut()
                .entry(REQUEST_ID)
                .or_insert(request_id);
            Ok(response)
        };
        Box::pin(Correlation { id, step: false }.scope(work).instrument(span))
    }
}

/// The correlation id of a request, and the text that goes back.
fn ids(headers: &HeaderMap) -> (Uuid, HeaderValue) {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let trace = text("traceparent").and_then(trace_id);
    let given = text(REQUEST_ID.as_str())
        .map(str::trim)
        .filter(|id| !id.is_empty() && id.len() <= LONGEST_ID);
    let id = trace
        .or_else(|| given.and_then(|id| Uuid::try_parse(id).ok()))
        .filter(|id| !id.is_nil())
        .unwrap_or_else(Uuid::now_v7);
    let back = given.and_then(|id| HeaderValue::from_str(id).ok());
    let own = || HeaderValue::from_str(&id.to_string()).expect("a UUID is a header value");
    (id, back.unwrap_or_else(own))
}

/// `version-traceid-parentid-flags`, in lower-case hex.
fn trace_id(traceparent: &str) -> Option<Uuid> {
    let mut parts = traceparent.trim().split('-');
    let (version, trace, parent, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, length| {
        text.len() == length
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let whole = hex(version, 2)
        && version != "ff"
        && hex(trace, 32)
        && hex(parent, 16)
        && hex(flags, 2)
        && (version != "00" || parts.next().is_none());
    let id = whole.then(|| Uuid::try_parse(trace).ok()).flatten()?;
    (!id.is_nil()).then_some(id)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::ids;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn a_trace_counts_more_than_a_request_id_and_both_are_kept() {
        let (id, back) = ids(&headers(&[
            (
                "traceparent",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            ),
            ("x-request-id", "abc"),
        ]));
        assert_eq!(id.simple().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(back, "abc");
    }

    #[test]
    fn a_request_id_that_is_a_uuid_is_followed() {
        let given = "67e55044-10b1-426f-9247-bb680e5fe0c8";
        let (id, back) = ids(&headers(&[("x-request-id", given)]));
        assert_eq!(
            (id.to_string().as_str(), back.to_str().unwrap()),
            (given, given)
        );
    }

    #[test]
    fn nonsense_is_replaced() {
        for bad in [
            "",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f35-00f067aa0ba902b7-01",
        ] {
            let (id, back) = ids(&headers(&[("traceparent", bad), ("x-request-id", "")]));
            assert_eq!(id.get_version_num(), 7, "{bad}");
            assert_eq!(back.to_str().unwrap(), id.to_string());
        }
    }
}
