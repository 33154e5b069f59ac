// The versions, cipher suites, key exchanges and protocols of TLS settings, by their names in OpenSSL and ALPN. The lists have only
// secure ones, so no setting can select an insecure one.

/** Oldest first. */
export const TLS_VERSIONS = ['1.2', '1.3'] as const;

/** All of TLS 1.3, and those of TLS 1.2 with forward secrecy and authenticated encryption (Mozilla's intermediate profile). */
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

/** Key exchanges; those with MLKEM resist quantum computers and need TLS 1.3. */
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

/** The protocols inside TLS, by their ALPN names. */
export const ALPN_PROTOCOLS = ['h2', 'http/1.1'] as const;
