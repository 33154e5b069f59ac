// Writes the header of the PROXY protocol before everything else on a connection to a backend.
import net from 'node:net';
import { octetsOf } from '#lib/ip-address.ts';
import { COMMAND, FAMILY, SIGNATURE, TLV, TLV_HEADER, TRANSPORT, V2_HEADER } from './format.ts';

/** The client of a connection to a backend. */
export interface ProxiedConnection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
}

/** RFC 6066 section 3; longer texts are not host names. */
const MAX_AUTHORITY = 255;

/**
 * The header for a client. `version`: the version that the backend expects. `serverName` is the authority in version 2; '' for none. If the
 * addresses are not known any more, because the client left, the header says so.
 */
export function writeProxyHeader(version: 1 | 2, client: ProxiedConnection, serverName = ''): Buffer {
  return version === 1 ? Buffer.from(writeLine(client), 'latin1') : writeBinary(client, serverName);
}

function writeLine({ remoteAddress, remotePort, localAddress, localPort }: ProxiedConnection): string {
  const family = familyOf(remoteAddress, localAddress);
  if (family === FAMILY.unspecified) return 'PROXY UNKNOWN\r\n';
  const [source, destination] = [remoteAddress, localAddress].map((address) => inFamily(address, family));
  return `PROXY TCP${family === FAMILY.ipv4 ? 4 : 6} ${source} ${destination} ${remotePort} ${localPort}\r\n`;
}

function writeBinary(client: ProxiedConnection, serverName: string): Buffer {
  const family = familyOf(client.remoteAddress, client.localAddress);
  const isKnown = family !== FAMILY.unspecified;
  const payload = Buffer.concat([isKnown ? addresses(client, family) : Buffer.alloc(0), authority(serverName)]);
  const head = Buffer.alloc(V2_HEADER);
  SIGNATURE.copy(head);
  head[12] = COMMAND.proxy;
  head[13] = isKnown ? (family << 4) | TRANSPORT.stream : 0;
  head.writeUInt16BE(payload.length, 14);
  return Buffer.concat([head, payload]);
}

/** Both addresses have one family: an IPv4 address with an IPv6 one is mapped. */
function familyOf(source: string, destination: string): number {
  const versions = [net.isIP(source), net.isIP(destination)];
  if (versions.includes(0)) return FAMILY.unspecified;
  return versions.includes(6) ? FAMILY.ipv6 : FAMILY.ipv4;
}

function inFamily(address: string, family: number): string {
  const bare = address.split('%', 1)[0] ?? '';
  return family === FAMILY.ipv6 && net.isIP(bare) === 4 ? `::ffff:${bare}` : bare;
}

function addresses({ remoteAddress, remotePort, localAddress, localPort }: ProxiedConnection, family: number): Buffer {
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(remotePort, 0);
  ports.writeUInt16BE(localPort, 2);
  return Buffer.concat([octetsOf(inFamily(remoteAddress, family)), octetsOf(inFamily(localAddress, family)), ports]);
}

function authority(serverName: string): Buffer {
  if (serverName === '' || serverName.length > MAX_AUTHORITY) return Buffer.alloc(0);
  const head = Buffer.alloc(TLV_HEADER);
  head[0] = TLV.authority;
  head.writeUInt16BE(serverName.length, 1);
  return Buffer.concat([head, Buffer.from(serverName, 'latin1')]);
}
