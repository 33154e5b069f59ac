// The TLS versions, suites and key exchanges that one side accepts, by the names in lib/tls-names.ts.
import { ALPN_PROTOCOLS, CIPHER_SUITES, KEY_EXCHANGES, TLS_VERSIONS } from '#lib/tls-names.ts';
import { Type, type Static } from '#lib/typebox.ts';

export type CipherSuite = (typeof CIPHER_SUITES)[number];
export type AlpnProtocol = (typeof ALPN_PROTOCOLS)[number];

const TlsVersion = Type.Enum([...TLS_VERSIONS]);

/** TLS settings. An absent field: the proxy accepts everything in that list. */
export const TlsSettings = Type.Object(
  {
    minVersion: Type.Optional(TlsVersion),
    maxVersion: Type.Optional(TlsVersion),
    /** Naming suites of one TLS version does not restrict the other version. */
    cipherSuites: Type.Optional(Type.Array(Type.Enum([...CIPHER_SUITES]), { minItems: 1 })),
    /** In the order of preference. */
    keyExchanges: Type.Optional(Type.Array(Type.Enum([...KEY_EXCHANGES]), { minItems: 1 })),
    /** In the order of preference. */
    alpn: Type.Optional(Type.Array(Type.Enum([...ALPN_PROTOCOLS]), { minItems: 1 })),
    /** The proxy staples OCSP responses to its certificates. Off by default. */
    ocspStapling: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
export type TlsSettings = Static<typeof TlsSettings>;
