//! From an observation whose texts are borrowed to one that keeps them.

use super::{Detail, Dns, DnsAnswer, Email, File, Http, Observation, Text, Tls};

impl<T: Text> Observation<T> {
    /// The same with texts of its own.
    pub fn owned(self) -> Observation {
        let Self { time, kind, record, source, destination, transport, .. } = self;
        Observation {
            time,
            kind,
            record,
            source,
            destination,
            transport,
            protocol: owned(self.protocol),
            community_id: owned(self.community_id),
            detail: self.detail.owned(),
        }
    }
}

impl<T: Text> Detail<T> {
    fn owned(self) -> Detail {
        match self {
            Self::None => Detail::None,
            Self::Flow(counts) => Detail::Flow(counts),
            Self::Dns(dns) => Detail::Dns(Box::new(dns.owned())),
            Self::Http(http) => Detail::Http(Box::new(http.owned())),
            Self::Tls(tls) => Detail::Tls(Box::new(tls.owned())),
            Self::File(file, http) => Detail::File(Box::new(file.owned()), http.map(|http| Box::new(http.owned()))),
            Self::Email(email) => Detail::Email(Box::new(email.owned())),
        }
    }
}

impl<T: Text> Dns<T> {
    fn owned(self) -> Dns {
        Dns {
            answer: self.answer,
            id: self.id,
            response_code: owned(self.response_code),
            question_name: owned(self.question_name),
            question_type: owned(self.question_type),
            answers: self.answers.into_iter().map(DnsAnswer::owned).collect(),
        }
    }
}

impl<T: Text> DnsAnswer<T> {
    fn owned(self) -> DnsAnswer {
        DnsAnswer { name: self.name.into(), kind: self.kind.into(), ttl_s: self.ttl_s, data: self.data.into() }
    }
}

impl<T: Text> Http<T> {
    fn owned(self) -> Http {
        Http {
            method: owned(self.method),
            host: owned(self.host),
            url: owned(self.url),
            target: owned(self.target),
            user_agent: owned(self.user_agent),
            status: self.status,
        }
    }
}

impl<T: Text> Tls<T> {
    fn owned(self) -> Tls {
        Tls {
            server_name: owned(self.server_name),
            ja3: owned(self.ja3),
            version: owned(self.version),
            subject: owned(self.subject),
            issuer: owned(self.issuer),
            sha1: owned(self.sha1),
        }
    }
}

impl<T: Text> File<T> {
    fn owned(self) -> File {
        File {
            name: owned(self.name),
            size_bytes: self.size_bytes,
            md5: owned(self.md5),
            sha1: owned(self.sha1),
            sha256: owned(self.sha256),
        }
    }
}

impl<T: Text> Email<T> {
    fn owned(self) -> Email {
        let all = |addresses: Vec<T>| addresses.into_iter().map(Into::into).collect();
        Email { from: all(self.from), to: all(self.to), subject: owned(self.subject) }
    }
}

fn owned<T: Text>(text: Option<T>) -> Option<Box<str>> {
    text.map(Into::into)
}
