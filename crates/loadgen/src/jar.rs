//! Credentials held per subject and device, and what the client knows against each: 16 bytes a credential beside its own
//! bytes, 12 bytes a subject.

use std::collections::HashMap;

use scenario::wire;

use crate::error::Error;
use crate::observation::{CredentialFact, Ending, Identity};
use arena::{Arena, Block, LONGEST};

mod arena;
pub(crate) mod order;

/// A credential is stored.
const HELD: u8 = 1;
/// The client no longer uses it (logged out, login or refresh failed); a replay still can.
const DROPPED: u8 = 1 << 1;
/// A logout of it was sent; no answer yet, or none that says what became of it.
const ENDING: u8 = 1 << 2;
/// It was issued or renewed while something that ends credentials was under way: either answer is right, for good.
const UNCLEAR: u8 = 1 << 3;
/// Two bits: what ended it, if `ended_ns` is set.
const BY_SHIFT: u8 = 4;
/// The ending is acknowledged.
const ENDED: u8 = 1 << 6;

/// The credentials of all subjects.
#[derive(Debug)]
pub struct CredentialJar {
    devices: u8,
    slots: Vec<Slot>,
    digests: Vec<u64>,
    subjects: Vec<Subject>,
    /// Credentials left behind by a later login on the same device.
    left: HashMap<u32, Slot>,
    arena: Arena,
}

/// One credential: where its bytes lie, and what is known of it.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    at: u32,
    units: u16,
    flags: u8,
    /// The replica that issued it.
    issuer: u8,
    ended_ns: u64,
}

/// What concerns all logins of a subject.
#[derive(Debug, Clone, Copy, Default)]
struct Subject {
    /// Acknowledged password changes: names the password in force.
    changes: u16,
    /// Log-outs everywhere and password changes sent and not answered.
    pending: u8,
    /// Such events answered, wrapping: tells whether one happened between two moments.
    events: u8,
}

impl CredentialJar {
    /// An empty jar for `subjects` subjects with `devices` devices each. `principal_bytes` is the size of the principals
    /// that the server was told to use: the expected digests are computed here, once.
    #[must_use]
    pub fn new(subjects: u32, devices: u8, principal_bytes: usize) -> Self {
        let digest = |subject| {
            let principal = wire::principal(subject, principal_bytes);
            wire::principal_digest(&principal.subject, &principal.roles, &principal.tenant)
        };
        let devices = devices.max(1);
        Self {
            devices,
            slots: vec![Slot::default(); subjects as usize * usize::from(devices)],
            digests: (0..subjects).map(digest).collect(),
            subjects: vec![Subject::default(); subjects as usize],
            left: HashMap::new(),
            arena: Arena::default(),
        }
    }

    /// Number of subjects.
    #[must_use]
    pub fn subjects(&self) -> u32 {
        self.subjects.len() as u32
    }

    /// Devices per subject.
    #[must_use]
    pub fn devices(&self) -> u8 {
        self.devices
    }

    /// Whether a device has a credential that it would use.
    #[must_use]
    pub fn holds(&self, subject: u32, device: u8) -> bool {
        self.contains(subject, device) && self.slot(subject, device).flags & (HELD | DROPPED) == HELD
    }

    /// Keeps a credential: the header line that is sent with it (`Cookie: …` or `Authorization: …`), and the refresh
    /// token if it has one.
    ///
    /// # Errors
    /// [`Error::Credential`] for a subject or device outside the jar, an overlong credential, or bytes that cannot
    /// stand in a header line.
    pub fn insert(
        &mut self,
        subject: u32,
        device: u8,
        header_line: &str,
        refresh: Option<&str>,
    ) -> Result<(), Error> {
        if !self.contains(subject, device) {
            return Err(Error::Credential { subject, device, what: "no such subject or device in this jar" });
        }
        self.store(subject, device, header_line.as_bytes(), refresh.map(str::as_bytes), 0)
            .map_err(|what| Error::Credential { subject, device, what })
    }

    /// Keeps the credential of a line in the format of [`wire::provision_line`].
    ///
    /// # Errors
    /// [`Error::Credential`] for a line in another format, and as [`Self::insert`].
    pub fn insert_line(&mut self, line: &str) -> Result<(), Error> {
        let mut fields = line.trim_end_matches('\n').split('\t');
        let mut field = || fields.next().unwrap_or_default();
        let (subject, device, header, refresh) = (field(), field(), field(), field());
        let (Ok(subject), Ok(device)) = (subject.parse(), device.parse()) else {
            let what = "a provisioning line does not begin with subject and device";
            return Err(Error::Credential { subject: 0, device: 0, what });
        };
        let refresh = (refresh != "-" && !refresh.is_empty()).then_some(refresh);
        self.insert(subject, device, header, refresh)
    }

    /// A new drive begins: times of endings count from its start, and nothing is in flight.
    pub(crate) fn rebase(&mut self) {
        for slot in self.slots.iter_mut().chain(self.left.values_mut()) {
            slot.ended_ns = 0;
        }
        for subject in &mut self.subjects {
            subject.events = 0;
        }
    }

    pub(crate) fn contains(&self, subject: u32, device: u8) -> bool {
        (subject as usize) < self.subjects.len() && device < self.devices
    }

    pub(crate) fn index(&self, subject: u32, device: u8) -> u32 {
        subject * u32::from(self.devices) + u32::from(device)
    }

    fn slot(&self, subject: u32, device: u8) -> &Slot {
        &self.slots[self.index(subject, device) as usize]
    }

    fn slot_mut(&mut self, subject: u32, device: u8) -> &mut Slot {
        let index = self.index(subject, device);
        &mut self.slots[index as usize]
    }

    /// The header line of the credential held.
    #[inline]
    pub(crate) fn header(&self, subject: u32, device: u8) -> &[u8] {
        self.arena.header(self.slot(subject, device).block())
    }

    /// The refresh token held; empty where the credential has none.
    pub(crate) fn refresh(&self, subject: u32, device: u8) -> &[u8] {
        self.arena.refresh(self.slot(subject, device).block())
    }

    /// The header line that a thief or a left-behind device would use, and what is known of it: the copy left behind by a
    /// later login, or else what the device holds or last held.
    pub(crate) fn stolen(&self, subject: u32, device: u8) -> Option<(&[u8], CredentialFact)> {
        let index = self.index(subject, device);
        let slot = self.left.get(&index).unwrap_or(&self.slots[index as usize]);
        (slot.flags & HELD != 0).then(|| (self.arena.header(slot.block()), self.fact_of(slot, subject)))
    }

    /// What is known of the credential held.
    #[inline]
    pub(crate) fn fact(&self, subject: u32, device: u8) -> CredentialFact {
        self.fact_of(self.slot(subject, device), subject)
    }

    /// What is known of the credential held, apart from one logout, or one event of the whole subject, that the asking
    /// step itself has announced.
    pub(crate) fn fact_without_own(&self, subject: u32, device: u8, logout: bool) -> CredentialFact {
        let slot = self.slot(subject, device);
        let own = u8::from(!logout);
        let others = self.subjects[subject as usize].pending > own;
        match self.fact_of(slot, subject) {
            CredentialFact::Ending
                if !others && slot.flags & UNCLEAR == 0 && (logout || slot.flags & ENDING == 0) =>
            {
                CredentialFact::Held
            }
            fact => fact,
        }
    }

    #[inline]
    fn fact_of(&self, slot: &Slot, subject: u32) -> CredentialFact {
        if slot.flags & ENDED != 0 {
            let by = match slot.flags >> BY_SHIFT & 3 {
                0 => Ending::Logout,
                1 => Ending::LogoutAll,
                2 => Ending::PasswordChange,
                _ => Ending::Replaced,
            };
            return CredentialFact::Ended { by, acknowledged_ns: slot.ended_ns };
        }
        if slot.flags & (ENDING | UNCLEAR) != 0 || self.subjects[subject as usize].pending > 0 {
            return CredentialFact::Ending;
        }
        CredentialFact::Held
    }

    /// The replica that issued what is held.
    pub(crate) fn issuer(&self, subject: u32, device: u8) -> u8 {
        self.slot(subject, device).issuer
    }

    /// The replica that issued what [`Self::stolen`] returns.
    pub(crate) fn stolen_issuer(&self, subject: u32, device: u8) -> Option<u8> {
        let index = self.index(subject, device);
        let slot = self.left.get(&index).unwrap_or(&self.slots[index as usize]);
        (slot.flags & HELD != 0).then_some(slot.issuer)
    }

    /// The header line of every credential held, in no stated order: for searching captured bytes.
    pub fn header_lines(&self) -> impl Iterator<Item = &[u8]> {
        let held = self.slots.iter().chain(self.left.values()).filter(|slot| slot.flags & HELD != 0);
        held.map(|slot| self.arena.header(slot.block()))
    }

    /// Acknowledged events so far that end all logins of a subject, wrapping.
    pub(crate) fn events(&self, subject: u32) -> u8 {
        self.subjects[subject as usize].events
    }

    /// How often the password was changed.
    pub(crate) fn password_changes(&self, subject: u32) -> u16 {
        self.subjects[subject as usize].changes
    }

    /// Keeps the credential of a login; the one before stays behind as a copy. `events_at_send` is [`Self::events`] when
    /// the login was sent, `replica` who answered it.
    pub(crate) fn log_in(
        &mut self,
        subject: u32,
        device: u8,
        header: &[u8],
        refresh: Option<&[u8]>,
        (events_at_send, replica): (u8, u8),
    ) -> Result<(), &'static str> {
        check(header, refresh)?;
        let index = self.index(subject, device);
        let slot = std::mem::take(&mut self.slots[index as usize]);
        if slot.flags & HELD != 0 {
            if let Some(older) = self.left.insert(index, slot) {
                self.arena.release(older.block());
            }
        } else {
            self.slots[index as usize].set_block(slot.block());
        }
        let of_subject = self.subjects[subject as usize];
        let clear = of_subject.pending == 0 && of_subject.events == events_at_send;
        self.store(subject, device, header, refresh, if clear { 0 } else { UNCLEAR })?;
        self.slot_mut(subject, device).issuer = replica;
        Ok(())
    }

    /// Keeps a renewed credential in place of the one held; what is known against its login stays.
    pub(crate) fn renew(
        &mut self,
        subject: u32,
        device: u8,
        header: &[u8],
        refresh: Option<&[u8]>,
    ) -> Result<(), &'static str> {
        check(header, refresh)?;
        let mut slot = *self.slot(subject, device);
        // A token response without a new refresh token leaves the old one in force (RFC 6749 §6).
        let kept = if refresh.is_none() { self.arena.refresh(slot.block()).to_vec() } else { Vec::new() };
        let mut block = slot.block();
        self.arena.store(&mut block, header, refresh.unwrap_or(&kept));
        slot.set_block(block);
        slot.flags |= HELD;
        *self.slot_mut(subject, device) = slot;
        Ok(())
    }

    fn store(
        &mut self,
        subject: u32,
        device: u8,
        header: &[u8],
        refresh: Option<&[u8]>,
        flags: u8,
    ) -> Result<(), &'static str> {
        check(header, refresh)?;
        let mut block = self.slot(subject, device).block();
        self.arena.store(&mut block, header, refresh.unwrap_or_default());
        let mut slot = Slot { flags: HELD | flags, ..Slot::default() };
        slot.set_block(block);
        *self.slot_mut(subject, device) = slot;
        Ok(())
    }

    /// The client stops using what it holds.
    pub(crate) fn drop_held(&mut self, subject: u32, device: u8) {
        self.slot_mut(subject, device).flags |= DROPPED;
    }

    /// What became of the credential held is not known.
    pub(crate) fn mark_unclear(&mut self, subject: u32, device: u8) {
        self.slot_mut(subject, device).flags |= UNCLEAR;
    }

    /// A logout was sent, or found not to have happened.
    pub(crate) fn set_ending(&mut self, subject: u32, device: u8, ending: bool) {
        let flags = &mut self.slot_mut(subject, device).flags;
        *flags = if ending { *flags | ENDING } else { *flags & !ENDING };
    }

    /// A log-out everywhere or a password change was sent.
    pub(crate) fn begin_event(&mut self, subject: u32) {
        let pending = &mut self.subjects[subject as usize].pending;
        *pending = pending.saturating_add(1);
    }

    /// It did not happen.
    pub(crate) fn cancel_event(&mut self, subject: u32) {
        let pending = &mut self.subjects[subject as usize].pending;
        *pending = pending.saturating_sub(1);
    }

    /// A logout is acknowledged.
    pub(crate) fn log_out(&mut self, subject: u32, device: u8, at_ns: u64) {
        let slot = self.slot_mut(subject, device);
        slot.flags &= !ENDING;
        slot.flags |= DROPPED;
        slot.end(Ending::Logout, at_ns);
    }

    /// A log-out everywhere (sent by `device`) is acknowledged.
    pub(crate) fn log_out_all(&mut self, subject: u32, device: u8, at_ns: u64) {
        self.end_all(subject, None, Ending::LogoutAll, at_ns);
        self.drop_held(subject, device);
    }

    /// A password change (by `device`, which stays logged in) is acknowledged.
    pub(crate) fn change_password(&mut self, subject: u32, device: u8, at_ns: u64) {
        self.end_all(subject, Some(device), Ending::PasswordChange, at_ns);
        self.subjects[subject as usize].changes += 1;
    }

    fn end_all(&mut self, subject: u32, spared: Option<u8>, by: Ending, at_ns: u64) {
        self.cancel_event(subject);
        let of_subject = &mut self.subjects[subject as usize];
        of_subject.events = of_subject.events.wrapping_add(1);
        for device in 0..self.devices {
            let index = self.index(subject, device);
            if spared != Some(device) {
                self.slots[index as usize].end(by, at_ns);
            }
            if let Some(left) = self.left.get_mut(&index) {
                left.end(by, at_ns);
            }
        }
    }

    /// Whom the body of `GET /me` names ([`wire::identity_body`], compared in place).
    #[inline]
    pub(crate) fn identify(&self, subject: u32, body: &[u8]) -> Identity {
        const BEFORE: &[u8] = br#"{"subject":""#;
        const BETWEEN: &[u8] = br#"","principal":""#;
        let Some(rest) = body.strip_prefix(BEFORE) else { return Identity::Absent };
        let name = wire::subject_name(subject);
        let digest = rest
            .strip_prefix(name.as_slice())
            .and_then(|rest| rest.strip_prefix(BETWEEN))
            .and_then(|rest| rest.strip_suffix(br#""}"#))
            .and_then(hexadecimal);
        if digest == Some(self.digests[subject as usize]) { Identity::Expected } else { Identity::Wrong }
    }
}

impl Slot {
    fn block(&self) -> Block {
        Block { at: self.at, units: self.units }
    }

    fn set_block(&mut self, block: Block) {
        (self.at, self.units) = (block.at, block.units);
    }

    /// The first ending counts; a credential that is not there cannot end.
    fn end(&mut self, by: Ending, at_ns: u64) {
        if self.flags & HELD == 0 || self.flags & ENDED != 0 {
            return;
        }
        let code = match by {
            Ending::Logout => 0,
            Ending::LogoutAll => 1,
            Ending::PasswordChange => 2,
            Ending::Replaced => 3,
        };
        self.flags |= ENDED | code << BY_SHIFT;
        self.ended_ns = at_ns;
    }
}

/// What can be kept and sent.
fn check(header: &[u8], refresh: Option<&[u8]>) -> Result<(), &'static str> {
    if header.is_empty() {
        return Err("an empty header line");
    }
    if header.len() > LONGEST || refresh.is_some_and(|refresh| refresh.len() > LONGEST) {
        return Err("longer than 16 KiB");
    }
    let printable = |bytes: &[u8]| bytes.iter().all(|byte| (0x20..0x7f).contains(byte));
    if !printable(header) || !refresh.is_none_or(printable) {
        return Err("bytes that cannot stand in a header line");
    }
    Ok(())
}

/// Sixteen lower-case hexadecimal digits.
fn hexadecimal(digits: &[u8]) -> Option<u64> {
    if digits.len() != 16 {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(sum << 4 | u64::from(value))
    })
}
