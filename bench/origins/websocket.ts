// The origin of `websocket`: upgrades, and echoes every text message. Messages are shorter than 126 octets.
//
//   node bench/origins/websocket.ts PORT
import { createHash } from 'node:crypto';
import net from 'node:net';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** Octets of a client's frame before its payload: two, and the mask. */
const FRAME_HEADER = 6;

/** The answer to an upgrade. */
function accept(head: string): string {
  const key = /^sec-websocket-key: *(.*)$/im.exec(head)?.[1]?.trim() ?? '';
  const hash = createHash('sha1')
    .update(key + GUID)
    .digest('base64');
  return `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: ${hash}\r\n\r\n`;
}

/** The first frame of `bytes`, unmasked, in the form of a server. */
function echo(bytes: Buffer, length: number): Buffer {
  const frame = Buffer.allocUnsafe(2 + length);
  frame[0] = bytes[0] as number;
  frame[1] = length;
  for (let i = 0; i < length; i++) frame[2 + i] = (bytes[FRAME_HEADER + i] as number) ^ (bytes[2 + (i & 3)] as number);
  return frame;
}

net
  .createServer({ noDelay: true }, (socket) => {
    let rest: Buffer = Buffer.alloc(0);
    let open = false;
    socket.on('data', (chunk: Buffer) => {
      rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
      if (!open) {
        const end = rest.indexOf('\r\n\r\n');
        if (end < 0) return;
        socket.write(accept(rest.toString('latin1', 0, end)));
        rest = rest.subarray(end + 4);
        open = true;
      }
      while (rest.length >= FRAME_HEADER) {
        const length = (rest[1] as number) & 0x7f;
        if (rest.length < FRAME_HEADER + length) return;
        socket.write(echo(rest, length));
        rest = rest.subarray(FRAME_HEADER + length);
      }
    });
    socket.on('error', () => socket.destroy());
  })
  .listen(Number(process.argv[2]), '127.0.0.1');
