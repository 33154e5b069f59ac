// The credentials of a proxy, or of the admin program, for a controller. Files are read for every connection, so that a rotation needs no
// restart.
import { isIP } from 'node:net';
import { readFile } from 'node:fs/promises';
import { checkServerIdentity } from 'node:tls';
import { ChannelCredentials } from '@grpc/grpc-js';
import type { ChannelOptions } from '@grpc/grpc-js';

/** Paths of PEM files. */
export interface TlsFiles {
  /** The CA of the controller's certificate. */
  readonly ca: string;
  readonly certificate: string;
  readonly privateKey: string;
}

export interface LoadedCredentials {
  readonly channel: ChannelCredentials;
  readonly options: Partial<ChannelOptions>;
  /** The client's own key, PEM; null for plain text. */
  readonly privateKey: Buffer | null;
}

/** TLS has no SNI for IP addresses (RFC 6066 section 3), and Node refuses to send one; gRPC would send any host. */
const SNI_FOR_ADDRESSES = 'controller.invalid';

/**
 * Rejects if a file cannot be read or is invalid. Plain text is allowed for loopback addresses only. `serverName` is the expected name in
 * the controller's certificate, '' for the host of the address.
 */
export async function loadCredentials(tls: TlsFiles | 'plaintext', address: string, serverName: string): Promise<LoadedCredentials> {
  const host = hostOf(address);
  if (tls === 'plaintext') {
    if (!isLoopback(host)) throw new Error(`${address} is no loopback address: plain text is for those only`);
    return { channel: ChannelCredentials.createInsecure(), options: {}, privateKey: null };
  }
  const [ca, certificate, privateKey] = await Promise.all([readFile(tls.ca), readFile(tls.certificate), readFile(tls.privateKey)]);
  const name = serverName === '' ? host : serverName;
  const verify = {
    checkServerIdentity: (_sni: string, shown: Parameters<typeof checkServerIdentity>[1]) => checkServerIdentity(name, shown),
  };
  const channel = ChannelCredentials.createSsl(ca, privateKey, certificate, verify);
  return { channel, options: { 'grpc.ssl_target_name_override': isIP(name) === 0 ? name : SNI_FOR_ADDRESSES }, privateKey };
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
