// Answers of a DNS server (RFC 1035, RFC 2782), enough for a resolver of a test.

/** A record: A and AAAA with an address, SRV with its four fields. */
export interface DnsRecord {
  readonly type: 'A' | 'AAAA' | 'SRV';
  readonly ttl: number;
  /** An address, or `priority weight port target`. */
  readonly data: string;
}

/** A parsed question. */
export interface Question {
  readonly id: number;
  readonly name: string;
  readonly type: string;
  /** The bytes of the question section. */
  readonly section: Buffer;
  readonly end: number;
}

export const RCODES = { ok: 0, servfail: 2, nxdomain: 3, refused: 5 } as const;
export type Rcode = keyof typeof RCODES;

const TYPES: Readonly<Record<string, number>> = { A: 1, AAAA: 28, SRV: 33 };
const HEADER = 12;

/** Parses the first question. */
export function parseQuestion(message: Buffer): Question {
  const labels: string[] = [];
  let at = HEADER;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const number = message.readUInt16BE(at + 1);
  const type = Object.keys(TYPES).find((name) => TYPES[name] === number) ?? String(number);
  return {
    id: message.readUInt16BE(0),
    name: labels.join('.').toLowerCase(),
    type,
    section: message.subarray(HEADER, at + 5),
    end: at + 5,
  };
}

/** An answer; truncated without records if it is longer than `limit`. */
export function answer({ id, section }: Question, rcode: Rcode, records: readonly DnsRecord[], limit: number): Buffer {
  const whole = Buffer.concat([header(id, rcode, records.length, false), section, ...records.map(encode)]);
  return whole.length <= limit ? whole : Buffer.concat([header(id, rcode, 0, true), section]);
}

function header(id: number, rcode: Rcode, count: number, truncated: boolean): Buffer {
  const bytes = Buffer.alloc(HEADER);
  bytes.writeUInt16BE(id, 0);
  // An authoritative answer, recursion available.
  bytes.writeUInt16BE(0x8580 | (truncated ? 0x0200 : 0) | RCODES[rcode], 2);
  bytes.writeUInt16BE(1, 4);
  bytes.writeUInt16BE(count, 6);
  return bytes;
}

/** The name of a record is a pointer to that of the question. */
function encode({ type, ttl, data }: DnsRecord): Buffer {
  const content = contentOf(type, data);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc000 | HEADER, 0);
  head.writeUInt16BE(TYPES[type] ?? 0, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(ttl, 6);
  head.writeUInt16BE(content.length, 10);
  return Buffer.concat([head, content]);
}

function contentOf(type: DnsRecord['type'], data: string): Buffer {
  if (type === 'A') return Buffer.from(data.split('.').map(Number));
  if (type === 'AAAA') return ipv6(data);
  const [priority = '', weight = '', port = '', target = ''] = data.split(' ');
  const numbers = Buffer.alloc(6);
  [priority, weight, port].forEach((number, i) => numbers.writeUInt16BE(Number(number), 2 * i));
  const labels = target.split('.').filter((label) => label !== '');
  const name = labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, 'latin1')]);
  return Buffer.concat([numbers, ...name, Buffer.from([0])]);
}

function ipv6(text: string): Buffer {
  const [head = '', tail] = text.split('::');
  const groups = (part: string | undefined) => (part ?? '').split(':').filter((group) => group !== '');
  const [left, right] = [groups(head), groups(tail)];
  const all = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => '0'), ...right];
  const bytes = Buffer.alloc(16);
  all.forEach((group, i) => bytes.writeUInt16BE(Number.parseInt(group, 16), 2 * i));
  return bytes;
}
