//! A client of the store that connects to nothing, so that signing can never become asking.

use std::pin::Pin;

use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};

/// No connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offline;

/// Somebody asked the store all the same.
#[derive(Debug, thiserror::Error)]
#[error("the gate signs URLs and never asks the store")]
struct NeverAsked;

impl HttpConnector for Offline {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Self))
    }
}

impl HttpService for Offline {
    fn call<'a, 'answer>(
        &'a self,
        _request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'answer>>
    where
        'a: 'answer,
        Self: 'answer,
    {
        let refused = HttpError::new(HttpErrorKind::Unknown, NeverAsked);
        Box::pin(std::future::ready(Err(refused)))
    }
}
