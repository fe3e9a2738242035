//! Notices as mails, over SMTP.

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use thiserror::Error;

use super::{AlertError, AlertRule, Notice};
use crate::config::{Smtp, SmtpTls};

/// Sends mails, where the settings name a server.
#[derive(Debug)]
pub struct Mailer {
    ready: Option<Ready>,
    /// What is missing where none can be sent.
    missing: &'static str,
}

#[derive(Debug)]
struct Ready {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// Why a mail was not sent, or cannot be.
#[derive(Debug, Error)]
pub enum MailError {
    /// The settings cannot be used.
    #[error("smtp.{setting}: {message}")]
    Settings {
        /// The setting.
        setting: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// A mail that cannot be written.
    #[error("the mail cannot be written")]
    Write(#[source] lettre::error::Error),
    /// The server did not take it.
    #[error("the mail server did not take it")]
    Send(#[source] lettre::transport::smtp::Error),
    /// Nothing is set up.
    #[error("no mail can be sent: {0} is not set")]
    NotSetUp(&'static str),
}

impl Mailer {
    /// A mailer by the settings; without a server or a sender it sends nothing.
    ///
    /// # Errors
    /// Settings that cannot be.
    pub fn new(settings: &Smtp) -> Result<Self, MailError> {
        let (Some(host), Some(from)) = (&settings.host, &settings.from) else {
            let missing = if settings.host.is_none() { "smtp.host" } else { "smtp.from" };
            return Ok(Self { ready: None, missing });
        };
        let wrong = |setting, message: String| MailError::Settings { setting, message };
        let from = from.parse::<Mailbox>().map_err(|error| wrong("from", error.to_string()))?;
        // The process may have one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let tls = || TlsParameters::new(host.clone()).map_err(|error| wrong("host", error.to_string()));
        let tls = match settings.tls {
            SmtpTls::None => Tls::None,
            SmtpTls::Starttls => Tls::Required(tls()?),
            SmtpTls::Tls => Tls::Wrapper(tls()?),
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(u16::try_from(settings.port).unwrap_or(u16::MAX))
            .tls(tls)
            .timeout(Some(settings.timeout.0));
        if let (Some(user), Some(password)) = (&settings.user, &settings.password) {
            transport = transport.credentials(Credentials::new(user.clone(), password.clone()));
        }
        Ok(Self { ready: Some(Ready { transport: transport.build(), from }), missing: "" })
    }

    /// Refuses addresses that are none, and all where nothing is set up.
    pub(super) fn check(&self, to: &[String]) -> Result<(), AlertError> {
        if self.ready.is_none() {
            return Err(AlertError::NoMail(self.missing));
        }
        match to.iter().find(|address| address.parse::<Mailbox>().is_err()) {
            Some(wrong) => Err(AlertError::invalid("to", format!("`{wrong}` is no mail address"))),
            None => Ok(()),
        }
    }

    /// Sends a notice; its id is that of the mail, so that a mail that comes twice is known as one.
    ///
    /// # Errors
    /// It was not taken.
    pub async fn send(&self, to: &[String], notice: &Notice, rule: &AlertRule, project: &str) -> Result<(), MailError> {
        let ready = self.ready.as_ref().ok_or(MailError::NotSetUp(self.missing))?;
        let mut mail = Message::builder()
            .from(ready.from.clone())
            .subject(notice.subject(rule))
            .message_id(Some(format!("<{}@{}>", notice.id, ready.from.email.domain())))
            .header(ContentType::TEXT_PLAIN);
        for address in to {
            let address = address
                .parse::<Mailbox>()
                .map_err(|error| MailError::Settings { setting: "to", message: error.to_string() })?;
            mail = mail.to(address);
        }
        let mail = mail.body(notice.text(rule, project)).map_err(MailError::Write)?;
        ready.transport.send(mail).await.map(|_| ()).map_err(MailError::Send)
    }
}
