//! The events: Nexmark's persons, auctions and bids in its proportions of 1 to 3 to 46, and page views.
//!
//! Nexmark is the benchmark of an online auction (Tucker, Tufte, Papadimos and Maier, 2002), with the fields that its
//! generators for Beam and Flink use today. Ids are drawn from a fixed number of keys, so that a run's state does not
//! grow with its length. Every event is written straight into bytes: generating costs less than what it feeds.

use super::KeyFormat;
use super::random::Random;

/// What kinds of events there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Bids on auctions
    Bids,
    /// Auctions
    Auctions,
    /// Persons who sell and bid
    Persons,
    /// Page views
    Pageviews,
    /// Persons, auctions and bids, 1 to 3 to 46, each in its own topic
    Nexmark,
}

impl Kind {
    /// All but `Nexmark`, by their numbers.
    pub const PLAIN: [Kind; 4] = [Kind::Bids, Kind::Auctions, Kind::Persons, Kind::Pageviews];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Bids => "bids",
            Kind::Auctions => "auctions",
            Kind::Persons => "persons",
            Kind::Pageviews => "pageviews",
            Kind::Nexmark => "nexmark",
        }
    }

    /// The plain kinds that this one is made of.
    pub fn parts(self) -> &'static [Kind] {
        match self {
            Kind::Bids => &[Kind::Bids],
            Kind::Auctions => &[Kind::Auctions],
            Kind::Persons => &[Kind::Persons],
            Kind::Pageviews => &[Kind::Pageviews],
            Kind::Nexmark => &[Kind::Persons, Kind::Auctions, Kind::Bids],
        }
    }

    pub(super) fn number(self) -> usize {
        self as usize
    }

    /// The columns in the order of [`Event::write_text`]; of `Nexmark` none.
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Kind::Bids => &["auction", "bidder", "price", "channel", "url", "dateTime", "extra"],
            Kind::Auctions => &[
                "id",
                "itemName",
                "description",
                "initialBid",
                "reserve",
                "dateTime",
                "expires",
                "seller",
                "category",
                "extra",
            ],
            Kind::Persons => {
                &["id", "name", "emailAddress", "creditCard", "city", "state", "dateTime", "extra"]
            }
            Kind::Pageviews => &["viewtime", "userid", "pageid"],
            Kind::Nexmark => &[],
        }
    }
}

/// Makes one event after another.
#[derive(Debug, Clone)]
pub struct Generator {
    kind: Kind,
    seed: u64,
    keys: u64,
    event_rate: u64,
    start_ms: i64,
    next: u64,
}

impl Generator {
    /// `keys` and `event_rate` below 1 count as 1.
    pub fn new(kind: Kind, seed: u64, keys: u64, event_rate: u64, start_ms: i64) -> Self {
        Self { kind, seed, keys: keys.max(1), event_rate: event_rate.max(1), start_ms, next: 0 }
    }

    pub fn next_event(&mut self) -> Event {
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        let kind = match self.kind {
            Kind::Nexmark => match number % 50 {
                0 => Kind::Persons,
                1..=3 => Kind::Auctions,
                _ => Kind::Bids,
            },
            plain => plain,
        };
        let passed_ms = (u128::from(number) * 1_000 / u128::from(self.event_rate)) as i64;
        let mut random = Random::of(self.seed, number);
        let id = 1_000 + random.below(self.keys);
        Event { kind, id, time_ms: self.start_ms.saturating_add(passed_ms), keys: self.keys, random }
    }
}

/// An event that is not written yet.
#[derive(Debug, Clone)]
pub struct Event {
    pub kind: Kind,
    /// The key: of the auction, the person or the user; from 1000 up.
    pub id: u64,
    /// Milliseconds since 1970.
    pub time_ms: i64,
    keys: u64,
    random: Random,
}

impl Event {
    /// The key's bytes as Kafka's serialisers write them.
    pub fn write_key(&self, format: KeyFormat, out: &mut Vec<u8>) {
        match (format, self.kind) {
            (KeyFormat::None, _) => {}
            (_, Kind::Pageviews) => {
                out.extend_from_slice(b"User_");
                out.extend_from_slice(itoa::Buffer::new().format(self.id).as_bytes());
            }
            (KeyFormat::Bigint, _) => out.extend_from_slice(&self.id.to_be_bytes()),
            (KeyFormat::String, _) => out.extend_from_slice(itoa::Buffer::new().format(self.id).as_bytes()),
        }
    }

    /// One JSON object.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        let mut names = self.kind.columns().iter();
        out.push(b'{');
        self.fields(&mut |field| {
            if out.last() != Some(&b'{') {
                out.push(b',');
            }
            out.push(b'"');
            out.extend_from_slice(names.next().copied().unwrap_or_default().as_bytes());
            out.extend_from_slice(b"\":");
            match field {
                Field::Number(_) => field.write(out),
                Field::Words(_) | Field::Letters(..) => {
                    out.push(b'"');
                    field.write(out);
                    out.push(b'"');
                }
            }
        });
        out.push(b'}');
    }

    /// One line of COPY's text format. No field holds a tab, a backslash or an end of line.
    pub fn write_text(&self, out: &mut Vec<u8>) {
        let mut first = true;
        self.fields(&mut |field| {
            if !std::mem::take(&mut first) {
                out.push(b'\t');
            }
            field.write(out);
        });
        out.push(b'\n');
    }

    /// The fields in the order of the columns.
    fn fields(&self, field: &mut dyn FnMut(Field<'_>)) {
        let mut random = self.random.clone();
        let time = self.time_ms.max(0) as u64;
        match self.kind {
            Kind::Bids | Kind::Nexmark => {
                field(Field::Number(self.id));
                field(Field::Number(1_000 + random.below(self.keys)));
                field(Field::Number(random.price()));
                let channel = random.pick(CHANNELS);
                field(Field::Words(&[channel]));
                field(Field::Words(&["https://", channel, ".example/item"]));
                field(Field::Number(time));
                field(Field::Letters(random.next_u64(), 8));
            }
            Kind::Auctions => {
                field(Field::Number(self.id));
                field(Field::Words(&[random.pick(ADJECTIVES), " ", random.pick(THINGS)]));
                field(Field::Letters(random.next_u64(), 13));
                let bid = random.price();
                field(Field::Number(bid));
                field(Field::Number(bid + random.price()));
                field(Field::Number(time));
                field(Field::Number(time + 10_000 + random.below(600_000)));
                field(Field::Number(1_000 + random.below(self.keys)));
                field(Field::Number(10 + random.below(5)));
                field(Field::Letters(random.next_u64(), 13));
            }
            Kind::Persons => {
                let (first, last) = (random.pick(FIRST_NAMES), random.pick(LAST_NAMES));
                field(Field::Number(self.id));
                field(Field::Words(&[first, " ", last]));
                field(Field::Words(&[first, ".", last, "@mail.example"]));
                // No card has such a number: the first digit is none that a card begins with.
                field(Field::Number(9_000_000_000_000_000 + random.below(999_999_999_999_999)));
                let (city, state) = CITIES
                    .get(random.below(CITIES.len() as u64) as usize)
                    .copied()
                    .unwrap_or(("Seattle", "WA"));
                field(Field::Words(&[city]));
                field(Field::Words(&[state]));
                field(Field::Number(time));
                field(Field::Letters(random.next_u64(), 13));
            }
            Kind::Pageviews => {
                let mut buffer = itoa::Buffer::new();
                field(Field::Number(time));
                field(Field::Words(&["User_", buffer.format(self.id)]));
                field(Field::Words(&["Page_", buffer.format(1 + random.below(100))]));
            }
        }
    }
}

enum Field<'a> {
    Number(u64),
    /// Text in pieces, without anything that JSON or COPY would escape.
    Words(&'a [&'a str]),
    /// So many letters out of a number's bits, at most 13.
    Letters(u64, u32),
}

impl Field<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Field::Number(n) => out.extend_from_slice(itoa::Buffer::new().format(*n).as_bytes()),
            Field::Words(words) => words.iter().for_each(|word| out.extend_from_slice(word.as_bytes())),
            // Four bits a letter are enough for text that means nothing.
            Field::Letters(bits, count) => {
                out.extend((0..*count).map(|i| b'a' + ((bits >> (4 * i)) & 15) as u8));
            }
        }
    }
}

const CHANNELS: &[&str] = &["apple", "baidu", "facebook", "google"];
const ADJECTIVES: &[&str] = &["old", "new", "rare", "blue", "small", "signed", "broken", "heavy"];
const THINGS: &[&str] = &["clock", "chair", "lamp", "atlas", "violin", "kettle", "stamp", "radio"];
const FIRST_NAMES: &[&str] = &["Ada", "Edgar", "Grace", "Jim", "Barbara", "Pat", "Michael", "Leslie"];
const LAST_NAMES: &[&str] = &["Abrams", "Baker", "Jones", "Noris", "Shultz", "Smith", "Walton", "White"];
const CITIES: &[(&str, &str)] = &[
    ("Phoenix", "AZ"),
    ("Los Angeles", "CA"),
    ("San Francisco", "CA"),
    ("Boise", "ID"),
    ("Portland", "OR"),
    ("Bend", "OR"),
    ("Redmond", "WA"),
    ("Seattle", "WA"),
    ("Cheyenne", "WY"),
];
