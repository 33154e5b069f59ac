// Limits of the telemetry stream. The receiver enforces them, so a peer can make it neither buffer nor keep without bound.

/** Entries of one kind per report, changed ones first. */
export const MAX_ENTRIES = 500;
/** Bytes of names and codes per report: after that the rest waits for the next report. */
export const REPORT_BYTES = 256 * 1024;
/** Characters of a name or code. Keys have an object kind, a namespace, a name and a port or a number. */
export const MAX_NAME = 512;
/** Different codes per entry, and states per endpoint. */
export const MAX_CODES = 64;
/** Groups of failures per report, and samples of each. */
export const MAX_ERROR_ENTRIES = 200;
export const MAX_ERROR_SAMPLES = 3;
/** Characters of a text in a sample of a failure, and its headers. */
export const MAX_SAMPLE_TEXT = 512;
export const MAX_SAMPLE_HEADERS = 32;
/** Bytes per chunk of an answer. */
export const MAX_CHUNK_BYTES = 64 * 1024;
/** Characters of the reason in an answer. */
export const MAX_REASON = 512;
/** The bounds of the interval of reports, milliseconds. */
export const MIN_INTERVAL_MS = 1_000;
export const MAX_INTERVAL_MS = 5 * 60_000;
export const INTERVAL_MS = 5_000;
/** Overrides of endpoints and breakers in force at once, and as many blocks. */
export const MAX_OVERRIDES = 1_000;
/** Blocks of threat detection that a proxy lists, the latest ones. */
export const MAX_DETECTED = 1_000;
/** Blocks of threat detection in a message. */
export const MAX_BLOCKS = 500;
/** Blocks that the proxies of a fleet share at once, and those of one proxy. */
export const MAX_SHARED = 10_000;
export const MAX_SHARED_OF_PROXY = 1_000;
/** Commands of one proxy that wait for an answer. */
export const MAX_COMMANDS = 16;
/** The bounds of a tail of the access log. */
export const MAX_TAIL_MS = 10 * 60_000;
export const MAX_TAIL_RATE = 1_000;
/** How long proxies keep lines of requests that have ended, milliseconds, and such lines in an answer. */
export const MAX_RECENT_MS = 60 * 60_000;
export const MAX_RECENT_LINES = 1_000;
/** Characters of such a line. */
export const MAX_RECENT_LINE = 8_192;
/** The longest CPU profile. */
export const MAX_PROFILE_MS = 60_000;
/** Asks for units of limits in a message. */
export const MAX_ASKS = 500;
/** Units of a limit, and of an ask. */
export const MAX_UNITS = 1_000_000_000_000;
/** Characters of a key of a limit: eight parts of 128, and their lengths. */
export const MAX_KEY = 2_048;
/** Characters of a key as operators see it: names of the parts, and escapes. */
export const MAX_SHOWN_KEY = 16_384;
/** Keys of limits in an answer. */
export const MAX_LISTED_KEYS = 1_000;
/** Open connections in an answer, and the topics of one. */
export const MAX_LISTED_CONNECTIONS = 1_000;
export const MAX_LISTED_TOPICS = 100;
/** Stored answers of the cache in an answer, and the tags of one. */
export const MAX_LISTED_ANSWERS = 1_000;
export const MAX_LISTED_TAGS = 20;
/** Characters of the URL of a stored answer, and of a subject of its cache. */
export const MAX_SHOWN_URL = 2_048;
export const MAX_CACHE_SUBJECT = 8_192;
/** URLs of a command that fills caches, and headers of its requests. */
export const MAX_WARMED_URLS = 32;
export const MAX_WARM_HEADERS = 16;
/** Requests of a worker at once, and of a proxy per second, that fill caches. */
export const MAX_WARM_CONCURRENCY = 64;
export const MAX_WARM_RATE = 1_000;
/** Characters of a message that an operator publishes in a topic. */
export const MAX_TOPIC_DATA = 65_536;
/** The name of a topic of a hub (docs/reference/hub.md). */
export const TOPIC_NAME = '^(?=.{1,200}$)[A-Za-z0-9][A-Za-z0-9._~:@-]*(?:/[A-Za-z0-9._~:@-]+)*$';
/** Bytes of the reason in a close frame (RFC 6455 section 5.5). */
export const MAX_CLOSE_REASON = 123;
