// Converts TLS settings to options of OpenSSL.
import { constants } from 'node:crypto';
import type tls from 'node:tls';
import type * as ir from '#api/ir/ir.ts';
import { CIPHER_SUITES } from '#lib/tls-names.ts';

/**
 * Versions, suites and groups for a secure context. An absent setting allows everything that Weir knows: every suite has forward secrecy
 * and authenticated encryption. The peer's order of suites decides, because it knows whether it has AES hardware.
 */
export function contextOptions(settings: ir.TlsSettings): tls.SecureContextOptions {
  const { minVersion = '1.2', maxVersion = '1.3', cipherSuites = [], keyExchanges } = settings;
  return {
    minVersion: `TLSv${minVersion}`,
    // Settings of several policies may combine: the result must not be less secure.
    maxVersion: `TLSv${minVersion > maxVersion ? minVersion : maxVersion}`,
    ciphers: [...suitesOf(cipherSuites, isModern), ...suitesOf(cipherSuites, (suite) => !isModern(suite))].join(':'),
    ...(keyExchanges === undefined ? {} : { ecdhCurve: keyExchanges.join(':') }),
    // With renegotiation a single message costs the server a handshake, and no client needs it.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
}

/** The suites of one version: the named ones, or all if none is named. */
function suitesOf(named: readonly ir.CipherSuite[], isOfKind: (suite: string) => boolean): readonly string[] {
  const own = named.filter(isOfKind);
  return own.length > 0 ? own : CIPHER_SUITES.filter(isOfKind);
}

/** Suites of TLS 1.3. */
function isModern(suite: string): boolean {
  return suite.startsWith('TLS_');
}

const DEFAULT_ALPN = encodeAlpn(['h2', 'http/1.1']);

/** Protocols in the wire format of ALPN (RFC 7301 section 3.1). */
export function alpnOf({ alpn }: ir.TlsSettings): Buffer {
  return alpn === undefined ? DEFAULT_ALPN : encodeAlpn(alpn);
}

function encodeAlpn(protocols: readonly ir.AlpnProtocol[]): Buffer {
  return Buffer.concat(protocols.map((protocol) => Buffer.from(`${String.fromCharCode(protocol.length)}${protocol}`, 'latin1')));
}
