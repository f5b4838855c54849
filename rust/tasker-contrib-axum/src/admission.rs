//! Answers early while Tasker takes no new work.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::BoxError;
use tower_layer::Layer;
use tower_service::Service;

use crate::client::{Admission, ClientError, ClientErrorKind, TaskerClient};

/// Answers 503 with `Retry-After`, without calling the handler, from the moment that the server told the client of its back-pressure until
/// the time that it asked for is over.
///
/// Put it on the routes that create tasks: what they would have done before the creation is not begun.
///
/// ```
/// use axum::routing::post;
/// use axum::Router;
/// use tasker_contrib_axum::{AdmissionLayer, TaskerClient};
///
/// # fn main() -> Result<(), tasker_contrib_axum::Error> {
/// let client = TaskerClient::new("http://127.0.0.1:8080")?;
/// let app: Router = Router::new()
///     .route("/checkout", post(|| async { "" }))
///     .route_layer(AdmissionLayer::new(&client));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AdmissionLayer {
    admission: Arc<Admission>,
}

impl AdmissionLayer {
    /// Watches the answers that this client gets, and its clones.
    #[must_use]
    pub fn new(client: &TaskerClient) -> Self {
        Self {
            admission: client.admission(),
        }
    }
}

impl<S> Layer<S> for AdmissionLayer {
    type Service = AdmissionService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AdmissionService {
            inner,
            admission: self.admission.clone(),
        }
    }
}

/// What [`AdmissionLayer`] makes of a service.
///
/// ```
/// use tasker_contrib_axum::{AdmissionLayer, AdmissionService, TaskerClient};
/// use tower_layer::Layer;
///
/// # fn main() -> Result<(), tasker_contrib_axum::Error> {
/// let client = TaskerClient::new("http://127.0.0.1:8080")?;
/// let guarded: AdmissionService<axum::Router> = AdmissionLayer::new(&client).layer(axum::Router::new());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AdmissionService<S> {
    inner: S,
    admission: Arc<Admission>,
}

/// Other layers may be inside, with bodies of their own: `TraceLayer`, `CompressionLayer`.
impl<S, B> Service<Request> for AdmissionService<S>
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

    fn call(&mut self, request: Request) -> Self::Future {
        let Some(left) = self.admission.closed_for() else {
            let answer = self.inner.call(request);
            return Box::pin(async move { Ok(answer.await?.map(Body::new)) });
        };
        let error = ClientError::new(
            ClientErrorKind::Backpressure,
            "Tasker takes no new work at present",
        );
        let answer = error.with_retry_after(Some(left)).into_response();
        Box::pin(std::future::ready(Ok(answer)))
    }
}
