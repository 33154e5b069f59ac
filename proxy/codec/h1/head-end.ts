// Finds the end of a head.

const LF = 0x0a;
const CR = 0x0d;

/**
 * The offset after the final empty line of a head; -1 if it has not arrived; -2 if a line ends with a bare LF: its sender may believe that
 * the head is complete, and would wait.
 */
export function findHeadEnd(buffer: Buffer, start: number): number {
  // Boyer-Moore for CR LF CR LF: any other byte excludes four positions. Half the cost of Buffer.indexOf.
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
