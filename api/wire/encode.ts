// Encodes resources as messages. The compiler makes the JSON of a resource once; all streams send the same bytes.
import type { EncodedResource, ResourceKind } from '../ir/ir.ts';
import { MAX_ERRORS, MAX_ERROR_TEXT } from './limits.ts';
import type { ErrorMessage, PushMessage } from './messages.ts';

/** A removal. */
export interface ResourceName {
  readonly kind: ResourceKind;
  readonly key: string;
}

/** An error in a resource. `field` is a path such as `matches[1].path.value`; '' is the whole resource. */
export interface ResourceError {
  readonly kind: ResourceKind;
  readonly key: string;
  readonly field: string;
  readonly reason: string;
  /** The error may go away without a change of the resource: the target retries and reports the outcome. */
  readonly waits?: true;
}

/** The size of a resource in a push, bytes: its body, names and framing. */
export function sizeOf({ kind, key, version, body }: EncodedResource): number {
  return body.length + 2 * key.length + kind.length + version.length + 24;
}

/** A push. An EncodedResource has the shape of its message, so nothing is copied. */
export function encodePush(
  nonce: number,
  step: { readonly changed: readonly EncodedResource[]; readonly removed: readonly ResourceName[] },
  complete: boolean,
): PushMessage {
  return { nonce, changed: step.changed, removed: step.removed, complete };
}

/** The errors of a refused resource, cut to the limits of an ack. */
export function encodeErrors(
  refused: { readonly kind: string; readonly key: string; readonly version: string },
  errors: readonly { readonly field: string; readonly reason: string }[],
): ErrorMessage[] {
  const { kind, key, version } = refused;
  return errors.slice(0, MAX_ERRORS).map(({ field, reason }) => ({ kind, key, version, field: cut(field), reason: cut(reason) }));
}

function cut(text: string): string {
  return text.length <= MAX_ERROR_TEXT ? text : `${text.slice(0, MAX_ERROR_TEXT - 1)}…`;
}
