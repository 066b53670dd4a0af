//! A whole gate, without its sockets: requests go in, answers come out.

use std::fs;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use firstlayer_census::Store;
use firstlayer_gate::audit::{Audit, Writer};
use firstlayer_gate::files::{FileSettings, Files};
use firstlayer_gate::keyring::Keyring;
use firstlayer_gate::metadata::Standing;
use firstlayer_gate::metrics::Metrics;
use firstlayer_gate::mqtt::Issuer;
use firstlayer_gate::secret::Secret;
use firstlayer_gate::{Gate, Mqtt, Parts, Reports, Tokens, http};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tower::ServiceExt;

use crate::repository::Repository;
use crate::rules::Rules;

pub(crate) const OPERATOR: &str = "operator-token-0123456789";
pub(crate) const SERVICE: &str = "service-token-0123456789";
pub(crate) const S3_SECRET: &str = "s3-secret-that-travels-nowhere";
pub(crate) const REPOSITORY: &str = "https://updates.example.org/firmware/";

/// A gate over a repository.
pub(crate) struct Running {
    pub(crate) router: Router,
    pub(crate) store: Store,
    pub(crate) metrics: Arc<Metrics>,
    folder: tempfile::TempDir,
    writing: JoinHandle<()>,
    writer: Writer,
    _rules: Option<Rules>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Running {
    /// With the rules of this repository in force.
    pub(crate) async fn over(repository: Repository) -> Self {
        let mut rules = Rules::new(repository);
        rules.refresh().unwrap();
        let standing = Arc::clone(rules.keeper.standing());
        Self {
            _rules: Some(rules),
            ..Self::with_standing(standing).await
        }
    }

    /// With no rules yet.
    pub(crate) async fn starting() -> Self {
        Self::with_standing(Arc::default()).await
    }

    /// With rules that somebody else keeps.
    pub(crate) async fn with_standing(standing: Arc<Standing>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite:{}", folder.path().join("census.db").display());
        let store = Store::open(&database.parse().unwrap()).await.unwrap();
        let metrics = Arc::new(Metrics::new().unwrap());
        let audit = folder.path().join("audit.jsonl");
        let (audit, writer) = Audit::open(&audit, Arc::clone(&metrics)).unwrap();
        let (reports, writing) =
            Reports::new(store.clone(), Arc::clone(&standing), Arc::clone(&metrics));
        let hour = std::time::Duration::from_secs(3600);
        let files = FileSettings {
            endpoint: "https://s3.example.org".parse().unwrap(),
            region: "eu-1".to_owned(),
            bucket: "models".to_owned(),
            key_id: "GATEKEY".to_owned(),
            secret: Secret::new(S3_SECRET),
            lifetime: std::time::Duration::from_secs(300),
        };
        let gate = Gate::new(Parts {
            standing,
            keyring: Arc::new(Keyring::new(SignedDuration::from_mins(5))),
            reports,
            store: store.clone(),
            audit,
            metrics: Arc::clone(&metrics),
            tokens: Tokens {
                operator: Secret::new(OPERATOR),
                service: Some(Secret::new(SERVICE)),
            },
            repository: REPOSITORY.to_owned(),
            files: Some(Files::new(&files).unwrap()),
            mqtt: Some(Mqtt {
                issuer: Issuer::new(&Secret::new("mqtt-secret-0123456789"), hour),
                broker: None,
            }),
        });
        Self {
            router: http::router(Arc::new(gate.unwrap())),
            store,
            metrics,
            folder,
            writing: tokio::spawn(writing),
            writer,
            _rules: None,
        }
    }

    /// A request with these headers, and the answer.
    pub(crate) async fn ask(
        &self,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self
            .router
            .clone()
            .oneshot(request.body(body).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub(crate) async fn get(&self, target: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask(Method::GET, target, headers, Body::empty()).await
    }

    pub(crate) async fn post(
        &self,
        target: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let body = Body::from(body.to_string());
        self.ask(Method::POST, target, headers, body).await
    }

    /// Ends it, and gives the folder with what it kept.
    pub(crate) async fn end(self) -> tempfile::TempDir {
        drop(self.router);
        self.writing.await.unwrap();
        tokio::task::spawn_blocking(|| self.writer.join())
            .await
            .unwrap();
        self.folder
    }

    /// Ends it, and gives what the audit log says.
    pub(crate) async fn audit(self) -> Vec<Value> {
        let folder = self.end().await;
        let text = fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// A printer that says it runs this version, in headers.
pub(crate) fn headers(version: &str) -> [(&str, &str); 4] {
    [
        ("x-firstlayer-serial", "FL-1"),
        ("x-firstlayer-model", "first-mini"),
        ("x-firstlayer-version", version),
        ("x-firstlayer-channel", "stable"),
    ]
}

/// The same in JSON.
pub(crate) fn printer(version: &str) -> Value {
    json!({ "serial": "FL-1", "model": "first-mini", "version": version, "channel": "stable" })
}

pub(crate) fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}
