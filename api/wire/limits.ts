// Limits of messages. Both ends enforce them, so neither can make the other buffer without bound.

/** The receiver refuses larger messages, bytes. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** Larger resources are not sent, bytes: they would not fit into a message. etcd limits objects to 1.5 MiB. */
export const MAX_RESOURCE_BYTES = MAX_MESSAGE_BYTES - 64 * 1024;

/** A push is complete when its bodies reach this size, bytes: a worker parses and applies it without a noticeable pause. */
export const PUSH_BYTES = 512 * 1024;

/** A push is complete when it has this many resources. This also bounds the size of an ack. */
export const PUSH_RESOURCES = 1_000;

/** Resources per inventory message. */
export const INVENTORY_RESOURCES = 2_000;

/** The controller refuses proxies that hold more resources than this. */
export const MAX_HELD = 1_000_000;

/** The maximum number of errors per refused resource, and the maximum length of their texts, characters. */
export const MAX_ERRORS = 4;
export const MAX_ERROR_TEXT = 256;
