//! The broker's packets, each in the client's own version of the protocol.
//!
//! Makes packets only: it decides nothing and remembers nothing.

use mqtt_protocol_core::mqtt::Version;
use mqtt_protocol_core::mqtt::packet::{
    AssignedClientIdentifier, Packet, Property, Qos, RetainAvailable, ServerKeepAlive,
    SessionExpiryInterval, SharedSubscriptionAvailable, SubEntry, SubscriptionIdentifierAvailable,
    v3_1_1, v5_0,
};
use mqtt_protocol_core::mqtt::result_code::{
    ConnectReasonCode, ConnectReturnCode, DisconnectReasonCode, MqttError, PubackReasonCode,
    PubrecReasonCode, SubackReasonCode, SubackReturnCode, UnsubackReasonCode,
};

use super::Asks;
use crate::access::Denied;
use crate::limits;

/// CONNACK of 3.1.1 for versions that are not spoken here, before the protocol knows which one it speaks.
pub(super) const UNSUPPORTED_VERSION: [u8; 4] = [0x20, 2, 0, 1];

/// One filter of a SUBSCRIBE.
pub(super) struct Filter {
    pub(super) text: String,
    asked: Qos,
    /// 5: it came with a subscription identifier, which is not offered.
    pub(super) is_numbered: bool,
}

type Answer = Result<Packet, MqttError>;

impl From<&SubEntry> for Filter {
    fn from(entry: &SubEntry) -> Self {
        Self {
            text: entry.topic_filter().to_owned(),
            asked: entry.sub_opts().qos(),
            is_numbered: false,
        }
    }
}

impl Filter {
    /// The QoS that is granted: at most 1.
    pub(super) fn quality(&self) -> Qos {
        match self.asked {
            Qos::AtMostOnce => Qos::AtMostOnce,
            Qos::AtLeastOnce | Qos::ExactlyOnce => Qos::AtLeastOnce,
        }
    }
}

pub(super) fn welcome(version: Version, asks: &Asks, name: &str) -> Answer {
    if version != Version::V5_0 {
        return connack_3(ConnectReturnCode::Accepted);
    }
    let mut properties: Vec<Property> = vec![
        RetainAvailable::new(0)?.into(),
        SubscriptionIdentifierAvailable::new(0)?.into(),
        SharedSubscriptionAvailable::new(0)?.into(),
    ];
    if asks.session_expiry {
        properties.push(SessionExpiryInterval::new(0)?.into());
    }
    if asks.needs_name {
        properties.push(AssignedClientIdentifier::new(name)?.into());
    }
    if asks.keep_alive_is_ours {
        let seconds = u16::try_from(limits::LONGEST_KEEPALIVE.as_secs()).unwrap_or(u16::MAX);
        properties.push(ServerKeepAlive::new(seconds)?.into());
    }
    let connack = v5_0::Connack::builder()
        .session_present(false)
        .reason_code(ConnectReasonCode::Success);
    Ok(connack.props(properties).build()?.into())
}

pub(super) fn refuse(version: Version, denied: Denied) -> Answer {
    match (version, denied) {
        (Version::V5_0, Denied::TooManyAttempts) => connack_5(ConnectReasonCode::QuotaExceeded),
        (Version::V5_0, _) => connack_5(ConnectReasonCode::BadUserNameOrPassword),
        (_, Denied::TooManyAttempts) => connack_3(ConnectReturnCode::ServerUnavailable),
        (_, _) => connack_3(ConnectReturnCode::NotAuthorized),
    }
}

pub(super) fn bad_name(version: Version) -> Answer {
    match version {
        Version::V5_0 => connack_5(ConnectReasonCode::ClientIdentifierNotValid),
        _ => connack_3(ConnectReturnCode::IdentifierRejected),
    }
}

pub(super) fn bad_method() -> Answer {
    connack_5(ConnectReasonCode::BadAuthenticationMethod)
}

/// A PUBACK.
pub(super) fn acknowledge(version: Version, id: u16, is_taken: bool) -> Answer {
    Ok(match version {
        Version::V5_0 if !is_taken => {
            let puback = v5_0::Puback::builder().packet_id(id);
            puback
                .reason_code(PubackReasonCode::NotAuthorized)
                .build()?
                .into()
        }
        Version::V5_0 => v5_0::Puback::builder().packet_id(id).build()?.into(),
        _ => v3_1_1::Puback::builder().packet_id(id).build()?.into(),
    })
}

/// A PUBREC.
pub(super) fn receive(version: Version, id: u16, is_taken: bool) -> Answer {
    Ok(match version {
        Version::V5_0 if !is_taken => {
            let pubrec = v5_0::Pubrec::builder().packet_id(id);
            pubrec
                .reason_code(PubrecReasonCode::NotAuthorized)
                .build()?
                .into()
        }
        Version::V5_0 => v5_0::Pubrec::builder().packet_id(id).build()?.into(),
        _ => v3_1_1::Pubrec::builder().packet_id(id).build()?.into(),
    })
}

/// A PUBCOMP.
pub(super) fn complete(version: Version, id: u16) -> Answer {
    Ok(match version {
        Version::V5_0 => v5_0::Pubcomp::builder().packet_id(id).build()?.into(),
        _ => v3_1_1::Pubcomp::builder().packet_id(id).build()?.into(),
    })
}

/// A SUBACK, with the QoS granted to each filter, or none.
pub(super) fn subscribed(
    version: Version,
    id: u16,
    filters: &[Filter],
    granted: Vec<Option<Qos>>,
) -> Answer {
    Ok(match version {
        Version::V5_0 => {
            let codes = filters
                .iter()
                .zip(granted)
                .map(|(filter, granted)| suback_5(filter, granted))
                .collect();
            v5_0::Suback::builder()
                .packet_id(id)
                .reason_codes(codes)
                .build()?
                .into()
        }
        _ => {
            let codes = granted.into_iter().map(suback_3).collect();
            v3_1_1::Suback::builder()
                .packet_id(id)
                .return_codes(codes)
                .build()?
                .into()
        }
    })
}

/// An UNSUBACK, which says in 5 whether each subscription existed.
pub(super) fn unsubscribed(version: Version, id: u16, existed: Vec<bool>) -> Answer {
    Ok(match version {
        Version::V5_0 => {
            let code = |existed| match existed {
                true => UnsubackReasonCode::Success,
                false => UnsubackReasonCode::NoSubscriptionExisted,
            };
            let codes = existed.into_iter().map(code).collect();
            v5_0::Unsuback::builder()
                .packet_id(id)
                .reason_codes(codes)
                .build()?
                .into()
        }
        _ => v3_1_1::Unsuback::builder().packet_id(id).build()?.into(),
    })
}

/// A PUBLISH: of QoS 1 with an identifier, of QoS 0 without.
pub(super) fn report(version: Version, topic: &str, payload: &[u8], id: Option<u16>) -> Answer {
    let qos = if id.is_some() {
        Qos::AtLeastOnce
    } else {
        Qos::AtMostOnce
    };
    Ok(match version {
        Version::V5_0 => {
            let publish = v5_0::Publish::builder().topic_name(topic)?.qos(qos);
            publish.packet_id(id).payload(payload).build()?.into()
        }
        _ => {
            let publish = v3_1_1::Publish::builder().topic_name(topic)?.qos(qos);
            publish.packet_id(id).payload(payload).build()?.into()
        }
    })
}

/// A DISCONNECT, which only 5 has from this side.
pub(super) fn disconnect(reason: DisconnectReasonCode) -> Answer {
    Ok(v5_0::Disconnect::builder()
        .reason_code(reason)
        .build()?
        .into())
}

pub(super) fn is_authentication_method(property: &Property) -> bool {
    matches!(property, Property::AuthenticationMethod(_))
}

pub(super) fn is_session_expiry(property: &Property) -> bool {
    matches!(property, Property::SessionExpiryInterval(_))
}

pub(super) fn is_no_subscription_identifier(property: &Property) -> bool {
    !matches!(property, Property::SubscriptionIdentifier(_))
}

fn connack_3(code: ConnectReturnCode) -> Answer {
    Ok(v3_1_1::Connack::builder()
        .session_present(false)
        .return_code(code)
        .build()?
        .into())
}

fn connack_5(code: ConnectReasonCode) -> Answer {
    Ok(v5_0::Connack::builder()
        .session_present(false)
        .reason_code(code)
        .build()?
        .into())
}

fn suback_3(granted: Option<Qos>) -> SubackReturnCode {
    match granted {
        Some(Qos::AtMostOnce) => SubackReturnCode::SuccessMaximumQos0,
        Some(_) => SubackReturnCode::SuccessMaximumQos1,
        None => SubackReturnCode::Failure,
    }
}

fn suback_5(filter: &Filter, granted: Option<Qos>) -> SubackReasonCode {
    match granted {
        Some(Qos::AtMostOnce) => SubackReasonCode::GrantedQos0,
        Some(_) => SubackReasonCode::GrantedQos1,
        None if filter.is_numbered => SubackReasonCode::SubscriptionIdentifiersNotSupported,
        None if filter.text.starts_with("$share/") => {
            SubackReasonCode::SharedSubscriptionsNotSupported
        }
        None => SubackReasonCode::NotAuthorized,
    }
}
