//! One TLS connection to the broker: packets in, packets out, each within its time.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use zeroize::Zeroizing;

use super::{
    error::LinkError,
    limits::{ANSWER, WRITE},
    settings::{Broker, Version},
    wire::{Greeting, Heard, Sent, Wire},
};

const BUFFER: usize = 8 << 10;

pub(super) struct Line {
    stream: TlsStream<TcpStream>,
    wire: Wire,
    buffer: Box<[u8; BUFFER]>,
    start: usize,
    end: usize,
}

impl Line {
    pub(super) async fn open(
        broker: &Broker,
        tls: Arc<rustls::ClientConfig>,
        version: Version,
    ) -> Result<Self, LinkError> {
        let stream = timeout(
            ANSWER,
            TcpStream::connect((broker.host.as_str(), broker.port)),
        )
        .await
        .map_err(|_| LinkError::Slow("be reached"))?
        .map_err(LinkError::Connect)?;
        stream.set_nodelay(true).map_err(LinkError::Connect)?;
        let handshake = TlsConnector::from(tls).connect(broker.server_name.clone(), stream);
        let stream = timeout(ANSWER, handshake)
            .await
            .map_err(|_| LinkError::Slow("shake hands"))?
            .map_err(LinkError::Tls)?;
        Ok(Self {
            stream,
            wire: Wire::new(version),
            buffer: Box::new([0; BUFFER]),
            start: 0,
            end: 0,
        })
    }

    /// The next packet. When it is dropped before it is ready, nothing of the packet is lost.
    pub(super) async fn hear(&mut self) -> Result<Heard, LinkError> {
        loop {
            let rest = self.buffer.get(self.start..self.end).unwrap_or_default();
            if !rest.is_empty() {
                let (taken, heard) = self.wire.feed(rest)?;
                self.start += taken;
                if let Some(heard) = heard {
                    return Ok(heard);
                }
                continue;
            }
            (self.start, self.end) = (0, 0);
            match self.stream.read(self.buffer.as_mut_slice()).await {
                Ok(0) => return Err(LinkError::Closed),
                Ok(count) => self.end = count,
                Err(error) => return Err(LinkError::Line(error)),
            }
        }
    }

    pub(super) async fn say(&mut self, packet: &Sent<'_>) -> Result<(), LinkError> {
        let bytes = self.wire.encode(packet)?;
        self.write(&bytes, WRITE).await
    }

    pub(super) async fn greet(&mut self, greeting: &Greeting<'_>) -> Result<(), LinkError> {
        let bytes = Zeroizing::new(self.wire.greet(greeting)?);
        self.write(&bytes, WRITE).await
    }

    /// Says goodbye, if the broker takes it at once.
    pub(super) async fn leave(mut self, within: Duration) {
        let goodbye = async {
            if let Ok(bytes) = self.wire.encode(&Sent::Goodbye) {
                self.write(&bytes, within).await?;
            }
            self.stream.shutdown().await.map_err(LinkError::Line)
        };
        // Whether it was heard makes no difference: the connection ends.
        let _ = timeout(within, goodbye).await;
    }

    async fn write(&mut self, bytes: &[u8], within: Duration) -> Result<(), LinkError> {
        let write = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        timeout(within, write)
            .await
            .map_err(|_| LinkError::Slow("take a packet"))?
            .map_err(LinkError::Line)
    }
}
