// Requests of HTTP/1.1 as bytes.

/** `GET path` for host `a`, with optional further headers. */
export function get(path = '/', headers = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`;
}

/** `POST path` with a body of a known length. */
export function post(body: string, path = '/', headers = ''): string {
  return `POST ${path} HTTP/1.1\r\nHost: a\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`;
}
