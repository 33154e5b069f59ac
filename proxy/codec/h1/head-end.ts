// Finds where a head ends.

const LF = 0x0a;
const CR = 0x0d;

/**
 * Offset just after the empty line that ends a head; -1 when it has not arrived; -2 when a line ends with a bare LF, which
 * would otherwise make the peer wait for an end that it believes it has sent.
 */
export function findHeadEnd(buffer: Buffer, start: number): number {
  const end = buffer.indexOf('\r\n\r\n', start, 'latin1');
  if (end >= 0) return end + 4;
  for (let lf = buffer.indexOf(LF, start); lf >= 0; lf = buffer.indexOf(LF, lf + 1)) {
    if (lf === start || buffer[lf - 1] !== CR) return -2;
  }
  return -1;
}
