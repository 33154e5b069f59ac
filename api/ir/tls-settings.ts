// What a side of TLS may agree to: lists of names that lib/tls-names.ts has.
import { ALPN_PROTOCOLS, CIPHER_SUITES, KEY_EXCHANGES, TLS_VERSIONS } from '#lib/tls-names.ts';
import { Type, type Static } from 'typebox';

export type CipherSuite = (typeof CIPHER_SUITES)[number];
export type AlpnProtocol = (typeof ALPN_PROTOCOLS)[number];

const TlsVersion = Type.Enum([...TLS_VERSIONS]);

/** What a listener agrees to. An absent field leaves the choice to the proxy: all that is listed there. */
export const TlsSettings = Type.Object(
  {
    minVersion: Type.Optional(TlsVersion),
    maxVersion: Type.Optional(TlsVersion),
    /** Suites of one version leave those of the other as they are. */
    cipherSuites: Type.Optional(Type.Array(Type.Enum([...CIPHER_SUITES]), { minItems: 1 })),
    /** In the order of preference. */
    keyExchanges: Type.Optional(Type.Array(Type.Enum([...KEY_EXCHANGES]), { minItems: 1 })),
    /** In the order of preference. */
    alpn: Type.Optional(Type.Array(Type.Enum([...ALPN_PROTOCOLS]), { minItems: 1 })),
    /** Certificates are shown with the answer of the responder that they name. Off by default. */
    ocspStapling: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
export type TlsSettings = Static<typeof TlsSettings>;
