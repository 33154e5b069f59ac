// What a side of TLS may agree to. Names are those of OpenSSL; only what is safe today is in the lists, so that no setting can ask
// for less.
import { Type, type Static } from 'typebox';

/** Oldest first. */
export const TLS_VERSIONS = ['1.2', '1.3'] as const;
export const TlsVersion = Type.Enum([...TLS_VERSIONS]);
export type TlsVersion = (typeof TLS_VERSIONS)[number];

/** All of TLS 1.3, and those of TLS 1.2 with forward secrecy and authenticated encryption (what Mozilla calls intermediate). */
export const CIPHER_SUITES = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
] as const;
export const CipherSuite = Type.Enum([...CIPHER_SUITES]);
export type CipherSuite = (typeof CIPHER_SUITES)[number];

/** Ways to agree on a key; those with MLKEM resist quantum computers and need TLS 1.3. */
export const KEY_EXCHANGES = [
  'X25519MLKEM768',
  'SecP256r1MLKEM768',
  'SecP384r1MLKEM1024',
  'X25519',
  'X448',
  'P-256',
  'P-384',
  'P-521',
] as const;
export const KeyExchange = Type.Enum([...KEY_EXCHANGES]);
export type KeyExchange = (typeof KEY_EXCHANGES)[number];

/** What is spoken inside, as ALPN has it. */
export const ALPN_PROTOCOLS = ['h2', 'http/1.1'] as const;
export const AlpnProtocol = Type.Enum([...ALPN_PROTOCOLS]);
export type AlpnProtocol = (typeof ALPN_PROTOCOLS)[number];

/** What a listener agrees to. An absent field leaves the choice to the proxy: all that is listed above. */
export const TlsSettings = Type.Object(
  {
    minVersion: Type.Optional(TlsVersion),
    maxVersion: Type.Optional(TlsVersion),
    /** Suites of one version leave those of the other as they are. */
    cipherSuites: Type.Optional(Type.Array(CipherSuite, { minItems: 1 })),
    /** In the order of preference. */
    keyExchanges: Type.Optional(Type.Array(KeyExchange, { minItems: 1 })),
    /** In the order of preference. */
    alpn: Type.Optional(Type.Array(AlpnProtocol, { minItems: 1 })),
    /** Certificates are shown with the answer of the responder that they name. Off by default. */
    ocspStapling: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
export type TlsSettings = Static<typeof TlsSettings>;
