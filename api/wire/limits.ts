// How much may travel at once. Both ends hold to these, so neither can make the other gather without bound.

/** A message larger than this is refused by its receiver, bytes. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** A resource larger than this is not sent, bytes: it would fit no message. etcd holds objects of 1.5 MiB at most. */
export const MAX_RESOURCE_BYTES = MAX_MESSAGE_BYTES - 64 * 1024;

/** A push is closed when its bodies reach this, bytes: small enough to be parsed and applied without holding a worker up. */
export const PUSH_BYTES = 512 * 1024;

/** A push is closed when it names so many resources. It also bounds what an ack can have to say. */
export const PUSH_RESOURCES = 1_000;

/** Resources per inventory message. */
export const INVENTORY_RESOURCES = 2_000;

/** A proxy that claims to hold more than this is refused. */
export const MAX_HELD = 1_000_000;

/** Errors told per refused resource, and the length of their texts, characters. */
export const MAX_ERRORS = 4;
export const MAX_ERROR_TEXT = 256;
