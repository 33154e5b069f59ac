// What a side of TLS may agree to, in the names of OpenSSL and ALPN; only what is safe today is in the lists, so that no setting can
// ask for less.

/** Oldest first. */
export const TLS_VERSIONS = ['1.2', '1.3'] as const;

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

/** What is spoken inside, as ALPN has it. */
export const ALPN_PROTOCOLS = ['h2', 'http/1.1'] as const;
