//! What each packet of a client does.
//!
//! Every packet that is not named here ends the connection.

use std::time::Duration;

use bytes::Bytes;
use mqtt_protocol_core::mqtt::Version;
use mqtt_protocol_core::mqtt::packet::{Packet, Qos, v3_1_1, v5_0};
use mqtt_protocol_core::mqtt::result_code::{DisconnectReasonCode, MqttError};
use zeroize::Zeroizing;

use super::answers::{self, Filter};
use super::{Asks, Command, Conversation, Delivery, Ended, Login, State, Step};
use crate::limits;
use crate::mqtt::topics::Topics;

impl Conversation {
    pub(super) fn handle(&mut self, packet: Packet, topics: &Topics) -> Result<Step, Ended> {
        if self.state == State::Stranger {
            return match packet {
                Packet::V3_1_1Connect(connect) => self.connect_3(&connect),
                Packet::V5_0Connect(connect) => self.connect_5(&connect),
                _ => Err(Ended::Protocol(MqttError::ProtocolError)),
            };
        }
        match packet {
            Packet::V3_1_1Publish(publish) => {
                let delivery = Delivery::of(publish.qos(), publish.packet_id())?;
                let stale = publish.dup() || publish.retain();
                self.published(
                    publish.topic_name(),
                    publish.payload().as_slice(),
                    stale,
                    delivery,
                    topics,
                )
            }
            Packet::V5_0Publish(publish) => {
                let delivery = Delivery::of(publish.qos(), publish.packet_id())?;
                let stale = publish.dup() || publish.retain();
                self.published(
                    publish.topic_name(),
                    publish.payload().as_slice(),
                    stale,
                    delivery,
                    topics,
                )
            }
            Packet::V3_1_1Pubrel(pubrel) => {
                self.done(answers::complete(Version::V3_1_1, pubrel.packet_id()))
            }
            Packet::V5_0Pubrel(pubrel) => {
                self.done(answers::complete(Version::V5_0, pubrel.packet_id()))
            }
            Packet::V3_1_1Puback(_) | Packet::V5_0Puback(_) => {
                self.unacknowledged = self.unacknowledged.saturating_sub(1);
                Ok(Step::Done)
            }
            Packet::V3_1_1Subscribe(subscribe) => {
                let filters = subscribe.entries().iter().map(Filter::from).collect();
                self.subscribe(subscribe.packet_id(), filters, topics)
            }
            Packet::V5_0Subscribe(subscribe) => {
                let mut filters: Vec<_> = subscribe.entries().iter().map(Filter::from).collect();
                let is_numbered = !subscribe
                    .props()
                    .iter()
                    .all(answers::is_no_subscription_identifier);
                filters
                    .iter_mut()
                    .for_each(|filter| filter.is_numbered = is_numbered);
                self.subscribe(subscribe.packet_id(), filters, topics)
            }
            Packet::V3_1_1Unsubscribe(unsubscribe) => {
                let filters = unsubscribe.entries().iter().map(|filter| filter.as_str());
                self.unsubscribe(unsubscribe.packet_id(), filters)
            }
            Packet::V5_0Unsubscribe(unsubscribe) => {
                let filters = unsubscribe.entries().iter().map(|filter| filter.as_str());
                self.unsubscribe(unsubscribe.packet_id(), filters)
            }
            // Answered by the protocol itself.
            Packet::V3_1_1Pingreq(_) | Packet::V5_0Pingreq(_) => Ok(Step::Done),
            Packet::V3_1_1Disconnect(_) | Packet::V5_0Disconnect(_) => Err(Ended::Left),
            _ => self.break_off(
                Ended::Protocol(MqttError::ProtocolError),
                DisconnectReasonCode::ProtocolError,
            ),
        }
    }

    fn connect_3(&mut self, connect: &v3_1_1::Connect) -> Result<Step, Ended> {
        // Without a name there is nothing under which a session could be kept (MQTT-3.1.3-8).
        let is_nameless = connect.client_id().is_empty() && !connect.clean_session();
        if is_nameless || connect.client_id().len() > limits::CLIENT_NAME_BYTES {
            self.send(answers::bad_name(Version::V3_1_1).map_err(Ended::Protocol)?)?;
            return Err(Ended::Refused);
        }
        let (keep_alive, keep_alive_is_ours) = allowed_silence(connect.keep_alive());
        Ok(Step::LogIn(Login {
            name: connect.client_id().to_owned(),
            user: connect.user_name().unwrap_or_default().to_owned(),
            password: Zeroizing::new(connect.password().unwrap_or_default().to_vec()),
            asks: Asks {
                needs_name: false,
                keep_alive,
                keep_alive_is_ours,
                session_expiry: false,
            },
        }))
    }

    fn connect_5(&mut self, connect: &v5_0::Connect) -> Result<Step, Ended> {
        if connect.client_id().len() > limits::CLIENT_NAME_BYTES {
            self.send(answers::bad_name(Version::V5_0).map_err(Ended::Protocol)?)?;
            return Err(Ended::Refused);
        }
        if connect
            .props()
            .iter()
            .any(answers::is_authentication_method)
        {
            self.send(answers::bad_method().map_err(Ended::Protocol)?)?;
            return Err(Ended::Refused);
        }
        let (keep_alive, keep_alive_is_ours) = allowed_silence(connect.keep_alive());
        Ok(Step::LogIn(Login {
            name: connect.client_id().to_owned(),
            user: connect.user_name().unwrap_or_default().to_owned(),
            password: Zeroizing::new(connect.password().unwrap_or_default().to_vec()),
            asks: Asks {
                needs_name: connect.client_id().is_empty(),
                keep_alive,
                keep_alive_is_ours,
                session_expiry: connect.props().iter().any(answers::is_session_expiry),
            },
        }))
    }

    fn published(
        &mut self,
        topic: &str,
        payload: &[u8],
        stale: bool,
        delivery: Delivery,
        topics: &Topics,
    ) -> Result<Step, Ended> {
        if topics.is_request(topic) {
            return Ok(Step::Command(Command {
                payload: Bytes::copy_from_slice(payload),
                stale,
                delivery,
            }));
        }
        // Where the protocol has no way to refuse one message, the connection ends.
        if self.version() == Version::V5_0 && !matches!(delivery, Delivery::Unanswered) {
            self.acknowledge(delivery, false)?;
            return Ok(Step::Done);
        }
        self.break_off(Ended::Forbidden, DisconnectReasonCode::NotAuthorized)
    }

    pub(super) fn acknowledge(&mut self, delivery: Delivery, is_taken: bool) -> Result<(), Ended> {
        let packet = match delivery {
            Delivery::Unanswered => return Ok(()),
            Delivery::Acknowledged(id) => answers::acknowledge(self.version(), id, is_taken),
            Delivery::Completed(id) => answers::receive(self.version(), id, is_taken),
        };
        self.send(packet.map_err(Ended::Protocol)?)
    }

    fn subscribe(&mut self, id: u16, filters: Vec<Filter>, topics: &Topics) -> Result<Step, Ended> {
        if filters.len() > limits::FILTERS_PER_PACKET {
            return self.break_off(
                Ended::Protocol(MqttError::QuotaExceeded),
                DisconnectReasonCode::QuotaExceeded,
            );
        }
        let granted: Vec<_> = filters
            .iter()
            .map(|filter| match topics.grant(&filter.text) {
                Some(granted) if !filter.is_numbered => Some((granted, filter.quality())),
                _ => None,
            })
            .collect();
        for (filter, granted) in filters.iter().zip(&granted) {
            if let Some(granted) = granted {
                self.subscriptions.insert(filter.text.clone(), *granted);
            }
        }
        let qualities = granted
            .iter()
            .map(|granted| granted.map(|(_, qos)| qos))
            .collect();
        self.done(answers::subscribed(self.version(), id, &filters, qualities))
    }

    fn unsubscribe<'a>(
        &mut self,
        id: u16,
        filters: impl ExactSizeIterator<Item = &'a str>,
    ) -> Result<Step, Ended> {
        if filters.len() > limits::FILTERS_PER_PACKET {
            return self.break_off(
                Ended::Protocol(MqttError::QuotaExceeded),
                DisconnectReasonCode::QuotaExceeded,
            );
        }
        let existed = filters
            .map(|filter| self.subscriptions.remove(filter).is_some())
            .collect();
        self.done(answers::unsubscribed(self.version(), id, existed))
    }

    fn done(&mut self, packet: Result<Packet, MqttError>) -> Result<Step, Ended> {
        self.send(packet.map_err(Ended::Protocol)?)?;
        Ok(Step::Done)
    }

    fn break_off(&mut self, ended: Ended, reason: DisconnectReasonCode) -> Result<Step, Ended> {
        if self.version() == Version::V5_0 {
            self.send(answers::disconnect(reason).map_err(Ended::Protocol)?)?;
        }
        Err(ended)
    }
}

impl Delivery {
    fn of(qos: Qos, id: Option<u16>) -> Result<Self, Ended> {
        match (qos, id) {
            (Qos::AtMostOnce, _) => Ok(Self::Unanswered),
            (Qos::AtLeastOnce, Some(id)) if id != 0 => Ok(Self::Acknowledged(id)),
            (Qos::ExactlyOnce, Some(id)) if id != 0 => Ok(Self::Completed(id)),
            _ => Err(Ended::Protocol(MqttError::ProtocolError)),
        }
    }
}

/// One and a half times what the client asked for, and whether that is less than it asked for.
fn allowed_silence(keep_alive: u16) -> (Duration, bool) {
    let asked = Duration::from_secs(u64::from(keep_alive));
    let is_ours = asked.is_zero() || asked > limits::LONGEST_KEEPALIVE;
    let keep_alive = if is_ours {
        limits::LONGEST_KEEPALIVE
    } else {
        asked
    };
    (keep_alive * 3 / 2, is_ours)
}
