//! The claims of an access token (RFC 9068 §2.2, with roles and tenant), written and read strictly.
//!
//! Reading refuses what a lenient reader lets through: times that are not whole non-negative numbers up to 2^53, a list
//! of issuers, a known member given twice. Members we do not know are ignored (RFC 7519 §4).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::status::{NewStatus, Status};

/// Largest whole number that every JSON reader keeps exact.
const MAX_SAFE: u64 = 1 << 53;

/// What is written.
#[derive(Debug, Serialize)]
pub(crate) struct NewClaims<'a> {
    pub(crate) iss: &'a str,
    pub(crate) sub: &'a str,
    pub(crate) aud: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) exp: u64,
    pub(crate) iat: u64,
    pub(crate) jti: &'a str,
    pub(crate) roles: &'a [&'a str],
    pub(crate) tenant: &'a str,
    /// The user's "not before" mark at the login, where the mechanism has that check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) epoch: Option<u64>,
    /// Digest of the refresh family, where there is one: lets a logout end it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sid: Option<&'a str>,
    /// Its place in a status list, where the mechanism has that check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<NewStatus<'a>>,
}

/// What is read. `aud` is left to the library, which demands and compares it.
#[derive(Debug)]
pub(crate) struct Claims {
    pub(crate) sub: String,
    pub(crate) exp: WholeNumber,
    pub(crate) iat: WholeNumber,
    pub(crate) nbf: Option<WholeNumber>,
    pub(crate) jti: RandomId<16>,
    pub(crate) roles: Vec<String>,
    pub(crate) tenant: String,
    pub(crate) epoch: Option<WholeNumber>,
    pub(crate) sid: Option<RandomId<32>>,
    pub(crate) status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Member {
    Iss,
    Sub,
    ClientId,
    Exp,
    Iat,
    Nbf,
    Jti,
    Roles,
    Tenant,
    Epoch,
    Sid,
    Status,
    #[serde(other)]
    Unknown,
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ClaimsVisitor)
    }
}

struct ClaimsVisitor;

impl<'de> Visitor<'de> for ClaimsVisitor {
    type Value = Claims;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the claims of an access token")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Claims, A::Error> {
        let (mut iss, mut client_id) = (None::<SingleString>, None::<SingleString>);
        let (mut sub, mut tenant, mut roles) = (None, None, None);
        let (mut exp, mut iat, mut nbf, mut epoch) = (None, None, None, None);
        let (mut jti, mut sid, mut status) = (None, None, None);
        while let Some(member) = map.next_key::<Member>()? {
            match member {
                Member::Iss => once(&mut iss, &mut map, "iss")?,
                Member::Sub => once(&mut sub, &mut map, "sub")?,
                Member::ClientId => once(&mut client_id, &mut map, "client_id")?,
                Member::Exp => once(&mut exp, &mut map, "exp")?,
                Member::Iat => once(&mut iat, &mut map, "iat")?,
                Member::Nbf => once(&mut nbf, &mut map, "nbf")?,
                Member::Jti => once(&mut jti, &mut map, "jti")?,
                Member::Roles => once(&mut roles, &mut map, "roles")?,
                Member::Tenant => once(&mut tenant, &mut map, "tenant")?,
                Member::Epoch => once(&mut epoch, &mut map, "epoch")?,
                Member::Sid => once(&mut sid, &mut map, "sid")?,
                Member::Status => once(&mut status, &mut map, "status")?,
                Member::Unknown => {
                    map.next_value::<Ignored>()?;
                }
            }
        }
        demanded(iss, "iss")?;
        demanded(client_id, "client_id")?;
        Ok(Claims {
            sub: demanded(sub, "sub")?,
            exp: demanded(exp, "exp")?,
            iat: demanded(iat, "iat")?,
            nbf,
            jti: demanded(jti, "jti")?,
            roles: demanded(roles, "roles")?,
            tenant: demanded(tenant, "tenant")?,
            epoch,
            sid,
            status,
        })
    }
}

/// Reads a member that may stand once. `null` is a value of the wrong type, not an absent one.
fn once<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    slot: &mut Option<T>,
    map: &mut A,
    name: &'static str,
) -> Result<(), A::Error> {
    if slot.is_some() {
        return Err(de::Error::duplicate_field(name));
    }
    *slot = Some(map.next_value()?);
    Ok(())
}

fn demanded<T, E: de::Error>(value: Option<T>, name: &'static str) -> Result<T, E> {
    value.ok_or_else(|| E::missing_field(name))
}

/// Any JSON value, dropped. Unlike serde's own, it counts against the reader's limit of nesting.
struct Ignored;

impl<'de> Deserialize<'de> for Ignored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Ignored {
    type Value = Self;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }
    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<Self>()?.is_some() {}
        Ok(self)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}

/// A JSON string whose text does not matter here.
#[derive(Debug)]
struct SingleString;

impl<'de> Deserialize<'de> for SingleString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = SingleString;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("one string")
            }
            fn visit_str<E: de::Error>(self, _text: &str) -> Result<SingleString, E> {
                Ok(SingleString)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// A JSON number without fraction, sign or exponent, at most 2^53.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WholeNumber(pub(crate) u64);

impl<'de> Deserialize<'de> for WholeNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(deserializer)?;
        if number > MAX_SAFE {
            return Err(de::Error::custom("number above 2^53"));
        }
        Ok(Self(number))
    }
}

/// `N` bytes as canonical base64url.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RandomId<const N: usize>(pub(crate) [u8; N]);

impl<'de, const N: usize> Deserialize<'de> for RandomId<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<const N: usize>;
        impl<const N: usize> Visitor<'_> for Text<N> {
            type Value = RandomId<N>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{N} bytes as base64url")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<RandomId<N>, E> {
                let mut id = [0u8; N];
                match URL_SAFE_NO_PAD.decode_slice(text, &mut id) {
                    Ok(length) if length == N => Ok(RandomId(id)),
                    _ => Err(E::custom("not an id of ours")),
                }
            }
        }
        deserializer.deserialize_str(Text)
    }
}
