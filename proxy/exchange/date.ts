// The time in the format of HTTP (RFC 9110 section 5.6.7), formatted once a second.

let second = 0;
let date = '';

export function httpDate(): string {
  const now = Math.floor(Date.now() / 1_000);
  if (now !== second) {
    second = now;
    date = new Date(now * 1_000).toUTCString();
  }
  return date;
}
