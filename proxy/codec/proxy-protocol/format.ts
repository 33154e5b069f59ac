// Signatures and numbers of the PROXY protocol for reader and writer (HAProxy's proxy-protocol.txt).

/** The start of version 2: no line of text and no other protocol starts like this (section 2.2). */
export const SIGNATURE = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);
/** Signature, version with command, family with transport, length. */
export const V2_HEADER = 16;

/** Version in the upper four bits, command in the lower. */
export const COMMAND = Object.freeze({ local: 0x20, proxy: 0x21 });
/** Upper four bits of the second byte. */
export const FAMILY = Object.freeze({ unspecified: 0x0, ipv4: 0x1, ipv6: 0x2, unix: 0x3 });
/** Lower four bits of it. */
export const TRANSPORT = Object.freeze({ unspecified: 0x0, stream: 0x1, datagram: 0x2 });

/** Types of the fields after the addresses (section 2.2). */
export const TLV = Object.freeze({ authority: 0x02, crc32c: 0x03 });
/** Type and length. */
export const TLV_HEADER = 3;
