// Signature-Input and Signature (RFC 9421 section 4): one signature of a request.
import { err, ok, type Result } from '#lib/result.ts';
import { parseDictionary, type Dictionary, type InnerList } from '#lib/structured-fields.ts';

/** A signature as the request has it; nothing of it is verified. */
export interface ReadSignature {
  readonly covered: InnerList;
  readonly signature: Buffer;
  readonly keyId: string;
  /** Seconds since the epoch. */
  readonly created: number;
  /** Null: it has no end of its own. */
  readonly expires: number | null;
  /** Null without one. */
  readonly nonce: string | null;
  /** Null: it is that of the key. */
  readonly algorithm: string | null;
}

const INPUT_BOUNDS = { maxLength: 4_096, maxMembers: 4, maxItems: 32 };
const SIGNATURE_BOUNDS = { maxLength: 4_096, maxMembers: 4, maxItems: 4 };

/** The signature with the label; '': the only one. Null: there is none with it. */
export function readSignature(input: string, signature: string, label: string): Result<ReadSignature | null> {
  const inputs = parseDictionary(input, INPUT_BOUNDS);
  if (!inputs.ok) return err(`Signature-Input ${inputs.error}`);
  const signatures = parseDictionary(signature, SIGNATURE_BOUNDS);
  if (!signatures.ok) return err(`Signature ${signatures.error}`);
  return label === '' ? onlyOne(inputs.value, signatures.value) : labelled(inputs.value, signatures.value, label);
}

/** Of several signatures each could be meant by another reader. */
function onlyOne(inputs: Dictionary, signatures: Dictionary): Result<ReadSignature | null> {
  const [label = ''] = inputs.keys();
  if (inputs.size !== 1 || signatures.size !== 1) return err('the request has several signatures, or none');
  return labelled(inputs, signatures, label);
}

function labelled(inputs: Dictionary, signatures: Dictionary, label: string): Result<ReadSignature | null> {
  const covered = inputs.get(label);
  const member = signatures.get(label);
  if (covered === undefined && member === undefined) return ok(null);
  if (covered === undefined || !('items' in covered)) return err('Signature-Input has no list for the signature');
  if (member === undefined || !('bare' in member) || member.bare.type !== 'bytes') return err('Signature has no bytes for the list');
  return withParameters(covered, member.bare.value);
}

function withParameters(covered: InnerList, signature: Buffer): Result<ReadSignature> {
  const keyId = textOf(covered, 'keyid');
  const created = secondsOf(covered, 'created');
  const expires = secondsOf(covered, 'expires');
  const nonce = textOf(covered, 'nonce');
  const algorithm = textOf(covered, 'alg');
  if (keyId === undefined || created === undefined || expires === undefined || nonce === undefined || algorithm === undefined)
    return err('a parameter of the signature has the wrong type');
  if (keyId === null || created === null) return err('the signature lacks keyid or created');
  return ok({ covered, signature, keyId, created, expires, nonce, algorithm });
}

/** Undefined: it is no string. */
function textOf({ parameters }: InnerList, name: string): string | null | undefined {
  const bare = parameters.get(name);
  if (bare === undefined) return null;
  return bare.type === 'string' ? bare.value : undefined;
}

/** Undefined: it is no integer. */
function secondsOf({ parameters }: InnerList, name: string): number | null | undefined {
  const bare = parameters.get(name);
  if (bare === undefined) return null;
  return bare.type === 'integer' ? bare.value : undefined;
}
