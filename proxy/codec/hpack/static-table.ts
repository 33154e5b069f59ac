// The static table of HPACK (RFC 7541 appendix A): 61 entries that both ends know.

/** Flat list of name and value; entry i (from 1) is at 2 * (i - 1). */
export const STATIC_TABLE: readonly string[] = [
  ...[':authority', '', ':method', 'GET', ':method', 'POST', ':path', '/', ':path', '/index.html', ':scheme', 'http', ':scheme', 'https'],
  ...['200', '204', '206', '304', '400', '404', '500'].flatMap((status) => [':status', status]),
  ...['accept-charset', '', 'accept-encoding', 'gzip, deflate', 'accept-language', '', 'accept-ranges', '', 'accept', ''],
  ...['access-control-allow-origin', 'age', 'allow', 'authorization', 'cache-control', 'content-disposition'].flatMap((name) => [name, '']),
  ...['content-encoding', 'content-language', 'content-length', 'content-location', 'content-range'].flatMap((name) => [name, '']),
  ...['content-type', 'cookie', 'date', 'etag', 'expect', 'expires', 'from', 'host', 'if-match'].flatMap((name) => [name, '']),
  ...['if-modified-since', 'if-none-match', 'if-range', 'if-unmodified-since', 'last-modified', 'link'].flatMap((name) => [name, '']),
  ...['location', 'max-forwards', 'proxy-authenticate', 'proxy-authorization', 'range', 'referer', 'refresh'].flatMap((name) => [name, '']),
  ...['retry-after', 'server', 'set-cookie', 'strict-transport-security', 'transfer-encoding', 'user-agent', 'vary'].flatMap((name) => [
    name,
    '',
  ]),
  ...['via', '', 'www-authenticate', ''],
];

/** The number of entries in the static table. */
export const STATIC_SIZE = STATIC_TABLE.length / 2;
