//! A URI's parts, as `java.net.URI` finds them.

/// The parts as they are written. `path` is None where the URI is opaque, such as `mailto:a@b.c`; `host` is None also where
/// the authority is not host and port.
#[derive(Debug, Default, PartialEq)]
pub struct Uri<'a> {
    pub scheme: Option<&'a str>,
    pub host: Option<&'a str>,
    pub port: Option<i32>,
    pub path: Option<&'a str>,
    pub query: Option<&'a str>,
    pub fragment: Option<&'a str>,
}

/// The most of a URL that an error quotes.
const QUOTED_CHARS_MAX: usize = 60;

impl<'a> Uri<'a> {
    /// Errors: what is wrong with it.
    pub fn parse(text: &'a str) -> Result<Self, String> {
        Self::split(text).map_err(|reason| {
            let quoted: String = text.chars().take(QUOTED_CHARS_MAX).collect();
            format!("'{quoted}' is no URL: {reason}")
        })
    }

    fn split(text: &'a str) -> Result<Self, &'static str> {
        let mut uri = Uri::default();
        let mut rest = text;
        if let Some((before, fragment)) = rest.split_once('#') {
            legal(fragment)?;
            uri.fragment = Some(fragment);
            rest = before;
        }
        if let Some(at) = rest.find([':', '/', '?'])
            && rest.as_bytes().get(at) == Some(&b':')
        {
            let (scheme, behind) = rest.split_at(at);
            if !is_scheme(scheme) {
                return Err("its scheme has characters that no scheme has");
            }
            uri.scheme = Some(scheme);
            rest = behind.get(1..).unwrap_or_default();
            if rest.is_empty() {
                return Err("nothing follows its scheme");
            }
            if !rest.starts_with('/') {
                legal(rest)?;
                return Ok(uri);
            }
        }
        if let Some((before, query)) = rest.split_once('?') {
            legal(query)?;
            uri.query = Some(query);
            rest = before;
        }
        if let Some(behind) = rest.strip_prefix("//") {
            let (authority, path) = behind.split_at(behind.find('/').unwrap_or(behind.len()));
            if authority.is_empty() && path.is_empty() {
                return Err("its authority is missing");
            }
            uri.authority(authority)?;
            rest = path;
        }
        legal(rest)?;
        if rest.contains(['[', ']']) {
            return Err("its path has brackets");
        }
        uri.path = Some(rest);
        Ok(uri)
    }

    /// `[user@]host[:port]`; what is written otherwise is a name in a registry, which has no parts.
    fn authority(&mut self, authority: &'a str) -> Result<(), &'static str> {
        legal(authority)?;
        let server = authority.rsplit_once('@').map_or(authority, |(_, server)| server);
        if server.starts_with('[') {
            let end = server.find(']').ok_or("a bracket is not closed")?;
            let (host, port) = server.split_at(end + 1);
            let address = host.get(1..end).unwrap_or_default();
            let address = address.split_once('%').map_or(address, |(address, _)| address);
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return Err("its host is no IPv6 address");
            }
            let port = match port.strip_prefix(':') {
                Some(port) => port,
                None if port.is_empty() => "",
                None => return Err("text follows its host"),
            };
            self.host = Some(host);
            self.port = port.parse().ok();
            return Ok(());
        }
        if server.contains(['[', ']']) {
            return Err("its authority has brackets");
        }
        let (host, port) = server.split_once(':').unwrap_or((server, ""));
        let port_is_one =
            port.bytes().all(|b| b.is_ascii_digit()) && (port.is_empty() || port.parse::<i32>().is_ok());
        if is_host(host) && port_is_one {
            self.host = Some(host);
            self.port = port.parse().ok();
        }
        Ok(())
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

/// An IPv4 address, or labels of letters, digits and inner hyphens of which the last one begins with a letter.
fn is_host(host: &str) -> bool {
    let labels = host.strip_suffix('.').unwrap_or(host);
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    host.parse::<std::net::Ipv4Addr>().is_ok()
        || (labels.split('.').all(label)
            && labels
                .rsplit('.')
                .next()
                .is_some_and(|last| last.starts_with(|c: char| c.is_ascii_alphabetic())))
}

/// Blanks, control characters and some marks must be encoded; what is beyond ASCII need not.
fn legal(text: &str) -> Result<(), &'static str> {
    let mut bytes = text.as_bytes();
    while let [first, behind @ ..] = bytes {
        bytes = behind;
        match first {
            b'%' if !behind.get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) => {
                return Err("two hexadecimal digits must follow %");
            }
            0..=b' ' | 0x7f | b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => {
                return Err("it has a character that must be encoded");
            }
            _ => {}
        }
    }
    if text.chars().any(|c| !c.is_ascii() && (c.is_whitespace() || c.is_control())) {
        return Err("it has a character that must be encoded");
    }
    Ok(())
}

/// Text with its encoded bytes decoded; bytes that are no UTF-8 become the replacement character.
pub fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}
