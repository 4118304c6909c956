//! From the text of a backend file to a [`Mechanism`], or to one message that says what, where and what next.

mod view;

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use toml::Spanned;

use super::raw::{RawCheck, RawCredential, RawFile, RawMechanism};
use super::{
    CheckChoice, CheckKind, CredentialChoice, JwtChoice, Mechanism, RenewalChoice, StoreChoice, View,
};
use crate::credential::keys::{Algorithm, KeyMaterial};
use crate::error::MechanismError;

const DEFAULT_ISSUER: &str = "https://issuer.authbench.example";
const DEFAULT_AUDIENCE: &str = "https://api.authbench.example";

/// A longer tolerance makes the configured lifetime meaningless.
const MAX_LEEWAY_S: u64 = 60;

/// Below a second a NumericDate cannot express a lifetime; above ten years arithmetic on it means nothing.
const MAX_LIFETIME_MS: u64 = 10 * 365 * 24 * 3_600_000;

pub(super) type Parsed<T> = Result<T, MechanismError>;

impl Mechanism {
    /// Reads the `[mechanism]` table of a backend file. Spans of errors are byte offsets into `text`.
    pub fn parse(text: &str) -> Result<Self, MechanismError> {
        let file: RawFile = toml::from_str(text).map_err(|error| syntax(text, &error))?;
        let Some(raw) = file.mechanism else {
            return Err(MechanismError {
                key: "mechanism".into(),
                span: None,
                message: "missing table `[mechanism]`".into(),
                hint: Some(
                    "add `[mechanism.credential]` with `kind = \"bare-subject\" | \"opaque\" | \"signed-cookie\" | \"jwt\"`"
                        .into(),
                ),
            });
        };
        let span = raw.span();
        let RawMechanism { credential, checks, write_checks, index, store, renewal } = raw.into_inner();
        let parts = Self {
            credential: read_credential(credential.get_ref(), &credential.span())?,
            checks: read_checks("mechanism.checks", &checks)?,
            write_checks: read_checks("mechanism.write_checks", &write_checks)?,
            index: index.as_ref().is_some_and(|index| *index.get_ref()),
            renewal: renewal
                .as_ref()
                .map_or(Ok(RenewalChoice::None), |raw| RenewalChoice::read(raw.get_ref(), &raw.span()))?,
            store: store.as_ref().map_or(Ok(StoreChoice::Redis), read_store)?,
        };
        parts.store_fits(store.as_ref().map(Spanned::span))?;
        let places = Places {
            mechanism: span,
            credential: credential.get_ref().kind.span(),
            checks: checks.iter().map(|check| check.get_ref().kind.span()).collect(),
            write_checks: write_checks.iter().map(|check| check.get_ref().kind.span()).collect(),
            index: index.map(|index| index.span()),
            renewal: renewal.map(|renewal| renewal.get_ref().kind.span()),
        };
        parts.combine(&places)?;
        Ok(parts)
    }

    /// Refuses combinations that cannot work or that say the same thing twice.
    fn combine(&self, places: &Places) -> Parsed<()> {
        self.list_fits("mechanism.checks", &self.checks, &places.checks)?;
        self.list_fits("mechanism.write_checks", &self.write_checks, &places.write_checks)?;
        self.writes_fit(places)?;
        self.credential_fits(places)?;
        self.index_fits(places)?;
        self.renewal_fits(places.renewal.clone().or_else(|| Some(places.mechanism.clone())))
    }

    /// The log of what was ended is Redis's, and a store that nothing asks is none.
    fn store_fits(&self, span: Option<Range<usize>>) -> Parsed<()> {
        if span.is_none() {
            return Ok(());
        }
        let key = "mechanism.store";
        if !self.uses_shared_store() {
            let hint = "remove it, or give a check `view = \"store\"`";
            return Err(refuse(key, span, "nothing of this mechanism lies in a shared store", hint));
        }
        let follows = self.checks.iter().any(|check| check.view.follows_the_log());
        if self.store != StoreChoice::Redis && (follows || self.has(CheckKind::StatusBit)) {
            let hint = "use `store = \"redis\"`, or `view = \"store\"` or `\"cached\"`";
            return Err(refuse(key, span, "only Redis keeps a log of what was ended, or status lists", hint));
        }
        Ok(())
    }

    fn list_fits(&self, table: &str, checks: &[CheckChoice], spans: &[Range<usize>]) -> Parsed<()> {
        for (at, check) in checks.iter().enumerate() {
            let span = spans.get(at).cloned();
            if checks[..at].iter().any(|earlier| earlier.kind == check.kind) {
                return Err(refuse(
                    &format!("{table}.kind"),
                    span,
                    "the same check is listed twice",
                    "remove one",
                ));
            }
            if check.view != checks[0].view {
                return Err(refuse(
                    &format!("{table}.view"),
                    span,
                    "the checks of one backend read from different places",
                    "give all checks the same `view`",
                ));
            }
            view::fits(self, *check, span.clone())?;
            self.check_fits(&format!("{table}.kind"), check.kind, span)?;
        }
        Ok(())
    }

    /// What writes check comes on top of what every request checks.
    fn writes_fit(&self, places: &Places) -> Parsed<()> {
        let Some(first) = self.write_checks.first() else { return Ok(()) };
        let (key, span) = ("mechanism.write_checks", places.write_checks.first().cloned());
        if matches!(self.credential, CredentialChoice::Opaque { .. }) {
            let hint = "remove `write_checks`";
            return Err(refuse(key, span, "an opaque id must be looked up by every request", hint));
        }
        if self.checks.iter().any(|check| !self.write_checks.contains(check)) {
            let hint = "list the checks of all requests there too";
            return Err(refuse(key, span, "writes are checked less than other requests", hint));
        }
        if self.checks.len() == self.write_checks.len() && self.checks.contains(first) {
            let hint = "remove `write_checks`";
            return Err(refuse(key, span, "writes are checked like any other request", hint));
        }
        Ok(())
    }

    fn check_fits(&self, key: &str, kind: CheckKind, span: Option<Range<usize>>) -> Parsed<()> {
        match (&self.credential, kind) {
            (CredentialChoice::BareSubject, _) => Err(refuse(
                key,
                span,
                "the control lets everyone in, so nothing is checked",
                "remove `checks`",
            )),
            (
                CredentialChoice::Opaque { .. },
                CheckKind::DenyList | CheckKind::Epoch | CheckKind::StatusBit,
            ) => Err(refuse(
                key,
                span,
                "an opaque id means nothing without the live list, and is revoked by leaving it",
                "use `kind = \"live-list\"`, or `kind = \"jwt\"` in `[mechanism.credential]`",
            )),
            (_, CheckKind::DenyList) if self.has(CheckKind::LiveList) => Err(refuse(
                key,
                span,
                "the live list already knows every token that was ended",
                "keep one of `live-list` and `deny-list`",
            )),
            (_, CheckKind::UserRow) if self.has(CheckKind::Epoch) => Err(refuse(
                key,
                span,
                "the row of a user has the mark of the check `epoch`",
                "keep one of `epoch` and `user-row`",
            )),
            _ => Ok(()),
        }
    }

    fn credential_fits(&self, places: &Places) -> Parsed<()> {
        let looked_up = self.checks.first().is_some_and(|first| first.kind == CheckKind::LiveList);
        if matches!(self.credential, CredentialChoice::Opaque { .. }) && !looked_up {
            return Err(refuse(
                "mechanism.checks",
                Some(places.credential.clone()),
                "an opaque id can only be looked up, and no check looks it up first",
                "begin with `[[mechanism.checks]]` with `kind = \"live-list\"`",
            ));
        }
        Ok(())
    }

    fn index_fits(&self, places: &Places) -> Parsed<()> {
        if self.index && !self.records_logins() {
            return Err(refuse(
                "mechanism.index",
                places.index.clone(),
                "an index finds logins to end, and this mechanism has nothing that ends one",
                "remove `index`, or add a check of kind `live-list` or `deny-list`",
            ));
        }
        if self.index && self.has(CheckKind::Epoch) {
            return Err(refuse(
                "mechanism.index",
                places.index.clone(),
                "the epoch already ends all logins of a user",
                "keep either `index = true` or the check `epoch`",
            ));
        }
        Ok(())
    }
}

/// Where in the text the choices stand, for messages about their combination.
struct Places {
    mechanism: Range<usize>,
    credential: Range<usize>,
    checks: Vec<Range<usize>>,
    write_checks: Vec<Range<usize>>,
    index: Option<Range<usize>>,
    renewal: Option<Range<usize>>,
}

fn read_credential(raw: &RawCredential, span: &Range<usize>) -> Parsed<CredentialChoice> {
    let jwt_only = [
        ("algorithm", &raw.algorithm),
        ("leeway", &raw.leeway),
        ("issuer", &raw.issuer),
        ("audience", &raw.audience),
        ("key", &raw.key),
        ("key_overlap", &raw.key_overlap),
    ];
    let kind = raw.kind.get_ref().as_str();
    if kind != "jwt"
        && let Some((name, value)) = jwt_only.iter().find_map(|(name, value)| Some((*name, value.as_ref()?)))
    {
        return Err(refuse(
            &format!("mechanism.credential.{name}"),
            Some(value.span()),
            &format!("only a signed token has `{name}`, and this credential is `{kind}`"),
            "remove it, or use `kind = \"jwt\"`",
        ));
    }
    match kind {
        "bare-subject" => match &raw.lifetime {
            Some(lifetime) => Err(refuse(
                "mechanism.credential.lifetime",
                Some(lifetime.span()),
                "a bare subject never expires",
                "remove it",
            )),
            None => Ok(CredentialChoice::BareSubject),
        },
        "opaque" => Ok(CredentialChoice::Opaque {
            lifetime_ms: required_lifetime("credential", &raw.lifetime, span)?,
        }),
        "signed-cookie" => Ok(CredentialChoice::SignedCookie {
            lifetime_ms: required_lifetime("credential", &raw.lifetime, span)?,
        }),
        "jwt" => read_jwt(raw, span).map(CredentialChoice::Jwt),
        _ => {
            let known = ["bare-subject", "opaque", "signed-cookie", "jwt"];
            Err(unknown("mechanism.credential.kind", &raw.kind, &known))
        }
    }
}

fn read_jwt(raw: &RawCredential, span: &Range<usize>) -> Parsed<JwtChoice> {
    let algorithm = match &raw.algorithm {
        None => Algorithm::Hs256,
        Some(name) => Algorithm::from_name(name.get_ref())
            .ok_or_else(|| unknown("mechanism.credential.algorithm", name, &Algorithm::NAMES))?,
    };
    let lifetime_ms = required_lifetime("credential", &raw.lifetime, span)?;
    let whole_seconds = |key: &str, value: u64, span: Range<usize>| {
        if value.is_multiple_of(1000) {
            return Ok(value / 1000);
        }
        let hint = "JWT times have steps of one second (RFC 7519 §2)";
        Err(refuse(key, Some(span), "not a whole number of seconds", hint))
    };
    let lifetime_span = raw.lifetime.as_ref().map_or_else(|| span.clone(), Spanned::span);
    let leeway_s = match &raw.leeway {
        None => 0,
        Some(text) => {
            let key = "mechanism.credential.leeway";
            let leeway_s = whole_seconds(key, duration_ms(key, text)?, text.span())?;
            if leeway_s > MAX_LEEWAY_S {
                let message = format!("leeway of {leeway_s} s, at most {MAX_LEEWAY_S} s make sense");
                return Err(refuse(
                    key,
                    Some(text.span()),
                    &message,
                    "use at most \"60s\": it prolongs every token",
                ));
            }
            leeway_s
        }
    };
    Ok(JwtChoice {
        algorithm,
        lifetime_s: whole_seconds("mechanism.credential.lifetime", lifetime_ms, lifetime_span)?,
        leeway_s,
        issuer: name_or("issuer", &raw.issuer, DEFAULT_ISSUER)?,
        audience: name_or("audience", &raw.audience, DEFAULT_AUDIENCE)?,
        key_overlap_ms: raw
            .key_overlap
            .as_ref()
            .map(|overlap| duration_ms("mechanism.credential.key_overlap", overlap))
            .transpose()?,
        key: raw.key.as_ref().map(|key| read_key(algorithm, key)).transpose()?,
    })
}

fn name_or(field: &str, value: &Option<Spanned<String>>, default: &str) -> Parsed<String> {
    match value {
        None => Ok(default.to_owned()),
        Some(name) if name.get_ref().is_empty() => {
            let key = format!("mechanism.credential.{field}");
            Err(refuse(&key, Some(name.span()), "empty name", "name it, or leave the key out"))
        }
        Some(name) => Ok(name.get_ref().clone()),
    }
}

fn read_key(algorithm: Algorithm, text: &Spanned<String>) -> Parsed<KeyMaterial> {
    let key = "mechanism.credential.key";
    let span = Some(text.span());
    let form = match algorithm {
        Algorithm::Hs256 => "write 32 random bytes as 43 characters",
        _ => "write a PKCS#8 document in base64url, or remove it: a key pair is generated at the start",
    };
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(text.get_ref()) else {
        return Err(refuse(key, span, "not base64url without padding", form));
    };
    if algorithm == Algorithm::Hs256 && bytes.len() < Algorithm::MIN_HS256_KEY {
        let message = format!("a key of {} bytes is too short for HS256", bytes.len());
        let hint = "RFC 7518 §3.2 demands at least 32 bytes (43 base64url characters)";
        return Err(refuse(key, span, &message, hint));
    }
    KeyMaterial::from_bytes(algorithm, &bytes).map_err(|error| refuse(key, span, &error.to_string(), form))
}

fn read_store(name: &Spanned<String>) -> Parsed<StoreChoice> {
    match name.get_ref().as_str() {
        "redis" => Ok(StoreChoice::Redis),
        "sqlite" => Ok(StoreChoice::Sqlite),
        "postgres" => Ok(StoreChoice::Postgres),
        _ => Err(unknown("mechanism.store", name, &["redis", "sqlite", "postgres"])),
    }
}

fn read_checks(table: &str, raw: &[Spanned<RawCheck>]) -> Parsed<Vec<CheckChoice>> {
    raw.iter().map(|check| read_check(table, check.get_ref())).collect()
}

fn read_check(table: &str, raw: &RawCheck) -> Parsed<CheckChoice> {
    let kind = match raw.kind.get_ref().as_str() {
        "live-list" => CheckKind::LiveList,
        "deny-list" => CheckKind::DenyList,
        "epoch" => CheckKind::Epoch,
        "user-row" => CheckKind::UserRow,
        "status-bit" => CheckKind::StatusBit,
        _ => {
            let known = ["live-list", "deny-list", "epoch", "user-row", "status-bit"];
            return Err(unknown(&format!("{table}.kind"), &raw.kind, &known));
        }
    };
    Ok(CheckChoice { kind, view: view::read(raw)? })
}

pub(super) fn read_view(key: &str, view: &Spanned<String>) -> Parsed<View> {
    match view.get_ref().as_str() {
        "store" => Ok(View::Store),
        "local" => Ok(View::Local),
        _ => Err(unknown(key, view, &["store", "local"])),
    }
}

pub(super) fn required_lifetime(
    table: &str,
    value: &Option<Spanned<String>>,
    span: &Range<usize>,
) -> Parsed<u64> {
    let key = format!("mechanism.{table}.lifetime");
    let Some(text) = value else {
        return Err(refuse(
            &key,
            Some(span.clone()),
            "missing key `lifetime`",
            "add e.g. `lifetime = \"8h\"`",
        ));
    };
    lifetime_ms(&key, text)
}

/// How long something lives: at least a second.
pub(super) fn lifetime_ms(key: &str, text: &Spanned<String>) -> Parsed<u64> {
    let lifetime_ms = duration_ms(key, text)?;
    if !(1000..=MAX_LIFETIME_MS).contains(&lifetime_ms) {
        return Err(refuse(key, Some(text.span()), "out of range", "use between \"1s\" and \"3650d\""));
    }
    Ok(lifetime_ms)
}

/// `"250ms"`, `"90s"`, `"15m"`, `"8h"`, `"30d"`: a whole number and one unit.
pub(super) fn duration_ms(key: &str, text: &Spanned<String>) -> Parsed<u64> {
    let value = text.get_ref();
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let scale = match &value[digits..] {
        "ms" => Some(1),
        "s" => Some(1000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    };
    let number = value[..digits].parse::<u64>().ok();
    number.zip(scale).and_then(|(number, scale)| number.checked_mul(scale)).ok_or_else(|| {
        let message = format!("not a duration: `{value}`");
        refuse(
            key,
            Some(text.span()),
            &message,
            "write a whole number and a unit: ms, s, m, h or d, e.g. \"8h\"",
        )
    })
}

pub(super) fn refuse(key: &str, span: Option<Range<usize>>, message: &str, hint: &str) -> MechanismError {
    MechanismError { key: key.to_owned(), span, message: message.to_owned(), hint: Some(hint.to_owned()) }
}

pub(super) fn unknown(key: &str, value: &Spanned<String>, known: &[&str]) -> MechanismError {
    refuse(
        key,
        Some(value.span()),
        &format!("unknown value `{}`", value.get_ref()),
        &format!("one of {}", known.join(", ")),
    )
}

/// A TOML error: its key is the table header above it and the name on its line, as far as the text shows them.
fn syntax(text: &str, error: &toml::de::Error) -> MechanismError {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or("");
    let table = before
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| line.starts_with('['))
        .map_or("mechanism", |line| line.trim_matches(['[', ']']).trim());
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = text.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or("");
    let name = line.split_once('=').map(|(name, _)| name.trim()).filter(|name| !name.is_empty());
    MechanismError {
        key: name.map_or_else(|| table.to_owned(), |name| format!("{table}.{name}")),
        span: error.span(),
        message: error.message().to_owned(),
        hint: error.message().starts_with("unknown field").then(|| {
            "remove it or correct its spelling; every key is explained in scenarios/README.md".to_owned()
        }),
    }
}
